"""``manage.py tree``: the kernel trees that series are applied to."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from threads import models
from threads.management.base import Command as BaseCommand
from threads.services import trees


class Command(BaseCommand):
    """Add, list, sync and remove trees."""

    help = "add, list, sync and remove the kernel trees that series are applied to"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="take a directory, a tar archive or a git branch as a tree")
        add.add_argument("name")
        add.add_argument("source", help="directory, archive, or repository (path or URL)")
        add.add_argument("--branch", default="", help="branch to follow, for a repository")
        add.add_argument("--role", default="", help="what it is for, in words")
        add.add_argument("--list", action="append", default=[], help="mailing list whose series belong here")
        add.add_argument("--position", type=int, default=100, help="smaller is tried first (default: %(default)s)")
        actions.add_parser("list", help="list the trees")
        sync = actions.add_parser("sync", help="bring trees up to date")
        sync.add_argument("names", nargs="*", metavar="NAME")
        remove = actions.add_parser("remove", help="forget a tree")
        remove.add_argument("name")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        getattr(self, f"_{options['action']}")(options)

    def _add(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Reading {options['source']} …")
        names = ("branch", "role", "position")
        tree = trees.add(
            options["name"], options["source"], lists=options["list"], **{name: options[name] for name in names}
        )
        self.stdout.write(f"{tree.name}: {tree.describe}, commit {tree.commit[:12]}")

    def _list(self, options: dict[str, Any]) -> None:
        for tree in models.Tree.objects.all():
            self.stdout.write(f"{tree.name:24} {tree.describe:32} {tree.commit[:12]}  {tree.source}")

    def _sync(self, options: dict[str, Any]) -> None:
        for tree in models.Tree.objects.filter(**({"name__in": options["names"]} if options["names"] else {})):
            trees.sync(tree)
            self.stdout.write(f"{tree.name}: {tree.describe}, commit {tree.commit[:12]}")

    def _remove(self, options: dict[str, Any]) -> None:
        trees.remove(options["name"])
