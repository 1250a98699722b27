"""What a step is about, for its log lines and its trace."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import DatabaseError
from django.db.models import Model

from threads.models import Message, Series, Submission

#: steps whose first argument is the key of a row, by what names that row
_NAMED: dict[str, tuple[type[Model], str, str]] = {
    **dict.fromkeys(("apply", "check", "build", "publish"), (Series, "root_msgid", "series")),
    "fetch": (Submission, "target", "mail"),
    "obey": (Message, "message_id", "mail"),
}


def subject_of(step: str, arguments: Sequence[object]) -> dict[str, str]:
    """Return what a step is about: its ``series`` by the Message-ID of the root, or the ``mail`` it was asked for.

    It is empty where a step is about nothing in particular, and where it cannot be known now (1 query).
    """
    if step not in _NAMED or not arguments:
        return {}
    model, column, word = _NAMED[step]
    try:
        row = model._default_manager.filter(pk=int(str(arguments[0]))).values_list(column).first()
    except (DatabaseError, ValueError):  # the step says itself what is wrong
        return {}
    return {word: row[0]} if row else {}
