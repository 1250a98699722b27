"""Log lines: text for people or JSON for machines, each with the series that it is about.

Any module writes with :mod:`logging`; what a line is about is bound by whoever begins the work
(:func:`structlog.contextvars.bound_contextvars`): ``series`` is the Message-ID that names a series
everywhere, ``step`` the task, ``task`` its run, ``request`` the request of a page.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from functools import cached_property
from typing import Any

FORMATS = ("text", "json")

# What a terminal or a reader of lines could take for something else than a letter: controls, and the Unicode ends of
# lines and marks of direction.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FIRST = ("timestamp", "level", "logger", "event", "exception", "stack")


class Lines(logging.Formatter):
    """Formats what any logger says, ours or a library's, as one line; a traceback in text has lines of its own."""

    def __init__(self, form: str) -> None:
        """:param form: one of :data:`FORMATS`."""
        super().__init__()
        self._form = form

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return self._lines.format(record)

    @cached_property
    def _lines(self) -> logging.Formatter:
        """What writes the lines: it takes a tenth of a second to load, and most commands say nothing."""
        import structlog

        before: list[structlog.typing.Processor] = [
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(allow=("series",)),
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
        ]
        render = structlog.processors.JSONRenderer(ensure_ascii=True) if self._form == "json" else _text
        written = structlog.stdlib.ProcessorFormatter
        return written(processors=[written.remove_processors_meta, render], foreign_pre_chain=before)


def _text(_: object, __: str, event: MutableMapping[str, Any]) -> str:
    facts = " ".join(f"{name}={_plain(str(event[name]))}" for name in sorted(event) if name not in _FIRST)
    head = f"{event['timestamp'][:19]}Z {event['level']} {event['logger']}: {_plain(str(event['event']))}"
    below = "\n".join(filter(None, (event.get("exception"), event.get("stack"))))
    return "\n".join(
        [f"{head} [{facts}]" if facts else head, *(f"    {_plain(line)}" for line in below.split("\n") if line)]
    )


def _plain(text: str) -> str:
    """Escape what a stranger could forge a line of ours with."""
    return _UNPRINTABLE.sub(lambda match: repr(match[0])[1:-1], text)


def configuration(form: str) -> dict[str, Any]:
    """Return the configuration of all logging, for :func:`logging.config.dictConfig`.

    Commands say only what goes wrong; services are made to say more by :func:`speak`.
    """
    own = {"handlers": ["console"], "propagate": False, "level": "INFO"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": Lines, "form": form}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": [], "level": "WARNING"},
            "django.request": {"level": "ERROR"},  # what strangers ask for and is not there is no fault of ours
            "gunicorn.error": own,
            "gunicorn.access": own,
        },
    }


def speak(level: str) -> None:
    """Let a service say what it does, from a level on; Python's warnings are lines like all others."""
    logging.captureWarnings(True)
    logging.getLogger().setLevel(level)
