"""Pages of mail archives on the web, for discussions that are kept nowhere else.

:func:`parse_pages` knows hypermail (lkml.iu.edu), public-inbox (lore.kernel.org),
also its pages of whole threads, MHonArc (spinics.net, mail-archive.com) and marc.info.
"""

from __future__ import annotations

from dataclasses import replace

from reviewbot.errors import AuthorError
from reviewbot.lore.html import hypermail, marc, mhonarc, publicinbox
from reviewbot.lore.html.page import ArchivedPage, Source, same_mail
from reviewbot.lore.html.publicinbox import thread_mbox

__all__ = ["ArchivedPage", "parse_pages", "same_mail", "thread_mbox"]

_FORMATS = (publicinbox.read, mhonarc.read, hypermail.read, marc.read)


def parse_pages(html: bytes, url: str, content_type: str = "") -> tuple[ArchivedPage, ...]:
    """Return the mails that a page of an archive shows: one, or all of a thread.

    Of a page beyond 4 MB what stands there is read, and the mails say ``cut``; see :func:`thread_mbox` for threads.

    :param url: where the page came from; links are made absolute with it.
    :param content_type: of the HTTP answer; its charset counts before that of the page.
    :raises AuthorError: when the page is of no format that is known, or shows no mail.
    """
    source = Source.of(html, url, content_type)
    for read in _FORMATS:
        page = read(source)
        if page is not None:
            return (replace(page, cut=source.cut),)
    pages = publicinbox.read_thread(source)
    if pages:
        return tuple(replace(page, cut=source.cut) for page in pages)
    raise AuthorError(f"The page {url[:300]} shows no mail in a format that is known here.")
