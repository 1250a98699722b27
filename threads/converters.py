"""The parts of an address that are no plain words."""

from __future__ import annotations

from django.urls import register_converter


class MessageIdConverter:
    """A Message-ID in an address: nearly anything, ``/`` too; what stands behind it decides where it ends."""

    regex = r"[^\x00-\x1f]+?"

    def to_python(self, value: str) -> str:
        """Return the Message-ID; Django has undone the quoting."""
        return value

    def to_url(self, value: str) -> str:
        """Return it as it is; :mod:`threads.links` quotes."""
        return value


class FormConverter:
    """The suffix of a file about a series."""

    regex = "txt|json|sarif|mbox|atom"

    def to_python(self, value: str) -> str:
        """Return the suffix."""
        return value

    to_url = to_python


def register() -> None:
    """Make the converters known to :func:`django.urls.path`."""
    register_converter(MessageIdConverter, "msgid")
    register_converter(FormConverter, "form")
