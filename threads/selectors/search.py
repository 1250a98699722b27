"""Finding mails by their words."""

from __future__ import annotations

from django.db.models import QuerySet

from threads import fulltext
from threads.conversion import storable
from threads.models import Message


def mails(query: str) -> QuerySet[Message]:
    """Return the mails that have all words of a query in subject, author or body, newest first (1 query).

    Understood are words, ``"phrases"``, ``word*``, ``-not``, and ``from:``,
    ``subject:`` and ``body:`` before any of them. A query without a wanted
    word finds nothing. Of very common words the matches that arrived last count,
    at most :data:`threads.fulltext.MAX_MATCHES`.
    """
    found = fulltext.matches(storable(query))
    if found is None:
        return Message.objects.none()
    return Message.objects.filter(pk__in=found).select_related("author").defer("raw", "body").order_by("-date", "-id")
