"""marc.info: one ``pre`` with a short header; addresses are written ``ada () example ! org``."""

from __future__ import annotations

import re

from reviewbot.lore.html.page import ArchivedPage, Source, moment, own_id, person
from reviewbot.mail.headers import one_line

_FIELD = re.compile(r"^(List|Subject|From|Date|Message-ID):[ \t]*(.+)$", re.MULTILINE)
# "[Download RAW message or body]", before 2017 "[Download message RAW]"; else the empty line below the header
_START = re.compile(r"^\[Download .*\][^\S\n]*\n|^Date:.*\n(?:Message-ID:.*\n)?[^\S\n]*\n(?!\[Download)", re.MULTILINE)
_END = re.compile(r"^\[(?:prev|next) in list\]", re.MULTILINE)
_HIDDEN = re.compile(r"(\S{1,200}) \(\) (\S{1,100}(?: ! \S{1,100}){0,8})")


def read(source: Source) -> ArchivedPage | None:
    """Return the mail of a page of marc.info, None for any other page.

    Its links lead through the thread in order of date; who answers whom it does not say.
    """
    block = next((block for block in source.soup.find_all("pre") if _FIELD.search(block.get_text()[:4000])), None)
    text = block.get_text() if block else ""
    start = _START.search(text[:20_000])
    if not start:
        return None
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(text[: start.end()]):
        fields.setdefault(match[1].lower(), _shown(match[2]))
    if not {"list", "from", "date"} <= fields.keys():
        return None
    body = text[start.end() :]
    end = _END.search(body)
    return ArchivedPage(
        url=source.url,
        format="marc",
        message_id=own_id(fields.get("message-id", "")),
        subject=one_line(fields.get("subject", "")),
        author=person(fields.get("from", "")),
        date=moment(fields.get("date", "")),
        body=_shown(body[: end.start()] if end else body).strip("\n") + "\n",
    )


def _shown(text: str) -> str:
    """Write the addresses as they were."""
    return _HIDDEN.sub(lambda match: f"{match[1]}@{match[2].replace(' ! ', '.')}", text)
