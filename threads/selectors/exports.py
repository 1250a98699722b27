"""What files of a series are made of beside its report."""

from __future__ import annotations

import hashlib

from reviewbot.tree.mailbox import am_ready
from threads import conversion
from threads.models import Series


def mailbox(series: Series) -> bytes:
    """Return a series as mailbox for ``git am``, with the trailers of the thread (4 queries).

    :raises AuthorError: when it is not whole, or cannot be read.
    """
    rows = Series.objects.select_related("author", "cover__author", "previous").prefetch_related(
        "patches__message__author"
    )
    return am_ready(conversion.series(rows.get(pk=series.pk)))


def patch_hashes(series: Series) -> dict[int, str]:
    """Return the SHA-256 of each patch's mail, by number (1 query)."""
    return {
        number: hashlib.sha256(conversion.decompress(raw)).hexdigest()
        for number, raw in series.patches.values_list("number", "message__raw")
    }


def bodies(series: Series) -> dict[int, str]:
    """Return the text of each patch's mail, by number (1 query)."""
    return dict(series.patches.values_list("number", "message__body"))
