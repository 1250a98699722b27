"""``manage.py settings``: what can be set in the environment."""

from __future__ import annotations

from typing import Any

from reviewbot.environment import TABLE
from threads.management.base import Command as BaseCommand


class Command(BaseCommand):
    """Print the table of settings: name, kind, default and meaning."""

    help = "list what can be set in the environment, with its default"

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Print one setting after the other."""
        for setting in TABLE:
            default = f"default {setting.default}" if setting.default else "no default"
            self.stdout.write(f"{setting.name}\n    {setting.meaning} ({setting.kind}; {default})")
