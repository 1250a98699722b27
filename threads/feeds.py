"""Atom feeds: the series of a list, of a rule and of a person, and the mails of a series."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.syndication.views import Feed
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.http import Http404, HttpRequest
from django.utils.feedgenerator import Atom1Feed

from reviewbot.reports import sentences
from threads import links
from threads.models import MailingList, Message, Report, Series
from threads.selectors import listing, mails, search
from threads.selectors import series as selectors
from threads.selectors.rules import find_rule
from threads.views.discussion import author_of

if TYPE_CHECKING:  # generic for the type checker alone
    SeriesFeed = Feed[Series, str]
    MailFeed = Feed[Message, Series]
else:
    SeriesFeed = MailFeed = Feed

ENTRIES = 50
_CONTROL = dict.fromkeys(one for one in range(32) if one not in (9, 10, 13))


def _clean(text: str) -> str:
    """Drop what XML cannot hold."""
    return text.translate(_CONTROL)


class _OfSeries(SeriesFeed):
    """A feed whose entries are series with their verdicts."""

    feed_type = Atom1Feed

    def item_title(self, item: Series) -> str:
        """Return verdict and subject."""
        return _clean(f"{item.verdict}: {item.subject}")

    def item_description(self, item: Series) -> str:
        """Return what is known, in a sentence."""
        found = [(item.new_errors, "error"), (item.new_warnings, "warning")]
        counts = sentences.enumerated([sentences.counted(number, word) for number, word in found if number])
        return _clean(" ".join(filter(None, (f"{item.verdict}.", f"New: {counts}." if counts else "", item.reason))))

    def item_link(self, item: Series) -> str:
        """Return the page of the series."""
        return links.to_series(item.list_name, item.root_msgid)  # type: ignore[attr-defined]  # annotated

    def item_guid(self, item: Series) -> str:
        """Name the entry by its Message-ID."""
        return f"mid:{links.msgid(item.root_msgid)}"

    def item_author_name(self, item: Series) -> str:
        """Return the author."""
        return _clean(item.author.name or item.author.email)

    def item_pubdate(self, item: Series) -> datetime:
        """Return when it was posted."""
        return item.date

    def item_updateddate(self, item: Series) -> datetime:
        """Return when it was last reported on."""
        return item.report.updated_at if hasattr(item, "report") else item.date


class ListFeed(_OfSeries):
    """The newest series of a list, with their verdicts."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        """Return the name of the list."""
        name = str(kwargs["name"])
        if name != links.ANY_LIST and not MailingList.objects.filter(name=name).exists():
            raise Http404(f"No list of the name {name} is followed here.")
        return name

    def title(self, obj: str) -> str:
        """Return the title of the feed."""
        return "All series" if obj == links.ANY_LIST else f"Series on {obj}"

    def link(self, obj: str) -> str:
        """Return the page that the feed is of."""
        return links.to_list(obj)

    def items(self, obj: str) -> list[Series]:
        """Return the entries, newest first."""
        wanted = listing.Wanted(list_name="" if obj == links.ANY_LIST else obj)
        return _reported(listing.find_rows(wanted))


class RuleFeed(_OfSeries):
    """The newest series in which a rule found something new."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        """Return the name of the rule."""
        code = str(kwargs["code"])
        if find_rule(code) is None:
            raise Http404(f"No rule is called {code[:100]}.")
        return code

    def title(self, obj: str) -> str:
        """Return the title of the feed."""
        return f"Found by {obj}"

    def link(self, obj: str) -> str:
        """Return the page of the rule."""
        return links.to_rule(obj)

    def items(self, obj: str) -> list[Series]:
        """Return the entries, newest first."""
        return _reported(search.with_rule(obj))


class AuthorFeed(_OfSeries):
    """The newest series of one person."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401
        """Return the address of the person."""
        person = mails.person_of(str(kwargs["email"]))
        if person is None:
            raise Http404("Nobody of this address has posted here.")
        return person.email

    def title(self, obj: str) -> str:
        """Return the title of the feed."""
        return _clean(f"Series of {obj}")

    def link(self, obj: str) -> str:
        """Return the page of the person."""
        return links.to_author(obj)

    def items(self, obj: str) -> list[Series]:
        """Return the entries, newest first."""
        return _reported(Series.objects.filter(author__email=obj))


def _reported(rows: QuerySet[Series]) -> list[Series]:
    """Return the newest of some series, each with what is known of its report."""
    found = listing.page_of(rows, size=ENTRIES).rows
    prefetch_related_objects(found, Prefetch("report", Report.objects.defer("facts")))
    return found


class ThreadFeed(MailFeed):
    """The mails of a series, newest first."""

    feed_type = Atom1Feed

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Series:  # noqa: ANN401
        """Return the series that the view found."""
        series: Series = kwargs["series"]
        return series

    def title(self, obj: Series) -> str:
        """Return the title of the feed."""
        return _clean(obj.subject)

    def link(self, obj: Series) -> str:
        """Return the page of the series."""
        return links.to_series(links.ANY_LIST, obj.root_msgid)

    def items(self, obj: Series) -> list[Message]:
        """Return the newest mails."""
        return selectors.thread_of(obj)[::-1][:ENTRIES]

    def item_title(self, item: Message) -> str:
        """Return the subject."""
        return _clean(item.subject)

    def item_description(self, item: Message) -> str:
        """Return the text of the mail, preformatted and escaped."""
        return _clean(item.text)  # type: ignore[attr-defined]  # annotated

    def item_link(self, item: Message) -> str:
        """Return the page of the mail."""
        return links.to_message(links.ANY_LIST, item.message_id)

    def item_guid(self, item: Message) -> str:
        """Name the entry by its Message-ID."""
        return f"mid:{links.msgid(item.message_id)}"

    def item_author_name(self, item: Message) -> str:
        """Return the sender."""
        return _clean(author_of(item))

    def item_pubdate(self, item: Message) -> datetime:
        """Return when it was sent."""
        return item.date
