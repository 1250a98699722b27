"""``manage.py settings``: what can be set in the environment."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from reviewbot.environment import TABLE, Setting
from threads.management.base import Command as BaseCommand


class Command(BaseCommand):
    """Print the table of settings: name, kind, default and meaning."""

    help = "list what can be set in the environment, with its default"

    def add_arguments(self, parser: CommandParser) -> None:
        """Offer the table of the documentation."""
        parser.add_argument("--markdown", action="store_true", help="as the table that docs/settings.md is")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Print one setting after the other."""
        self.stdout.write(_document() if options["markdown"] else "\n".join(map(_entry, TABLE)))


def _entry(setting: Setting) -> str:
    default = f"default {setting.default}" if setting.default else "no default"
    return f"{setting.name}\n    {setting.meaning} ({setting.kind}; {default})"


def _document() -> str:
    """Return the page of the documentation; it is the same on every machine."""
    head = (
        "# Settings\n\n"
        "Each comes from the environment, or from the file of `NAME=value` lines that `REVIEWBOT_ENVIRONMENT` names\n"
        "(`.env` beside `manage.py` when it is not set; `manage.py init` writes it). This table is what\n"
        "`manage.py settings --markdown` prints.\n\n"
        "| setting | takes | default | what it is |\n|---|---|---|---|"
    )
    rows = (
        f"| `{one.name}` | {one.kind} | {f'`{one.default}`' if one.default else ''} | {one.meaning} |" for one in TABLE
    )
    return "\n".join([head, *rows])
