"""``manage.py tree``: the kernel trees that series are applied to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.utils import timezone

from reviewbot.errors import NotFoundError, ReviewError
from reviewbot.tree.store import BusyError, Store
from reviewbot.tree.upstream import UPSTREAMS
from threads import models
from threads.management.base import Command as BaseCommand
from threads.services import trees


class Command(BaseCommand):
    """Add, list, sync, prune and remove trees."""

    help = "add, list, sync, prune and remove the kernel trees that series are applied to"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be done."""
        actions = parser.add_subparsers(dest="action", required=True)
        add = actions.add_parser("add", help="take a directory, a tar archive or a git branch as a tree")
        published = ", ".join(known.name for known in UPSTREAMS)
        add.add_argument("name", help=f"any name; or, without a source, one of the published ones: {published}")
        add.add_argument("source", nargs="?", default="", help="directory, archive, or repository (path or URL)")
        add.add_argument("--branch", default="", help="branch to follow, for a repository")
        add.add_argument("--role", default="", help="what it is for, in words")
        add.add_argument("--list", action="append", default=[], help="mailing list whose series belong here")
        add.add_argument("--word", action="append", default=[], help="name by which subjects mean it, beside its own")
        add.add_argument("--position", type=int, default=100, help="smaller is tried first (default: %(default)s)")
        add.add_argument("--days", type=int, default=0, help="age at which a fetched history may end (default: whole)")
        actions.add_parser("list", help="list the trees")
        sync = actions.add_parser("sync", help="bring trees up to date, all of them when none is named")
        sync.add_argument("names", nargs="*", metavar="NAME")
        actions.add_parser("prune", help="remove from the store what no one needs")
        remove = actions.add_parser("remove", help="forget a tree")
        remove.add_argument("name")

    def work(self, **options: Any) -> int | None:  # noqa: ANN401
        """Do it."""
        status: int | None = getattr(self, f"_{options['action']}")(options)
        return status

    def _add(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"Reading {options['source'] or options['name']} …")
        if options["source"]:
            names = ("branch", "role", "position", "days")
            tree = trees.add(
                options["name"], options["source"], lists=options["list"], words=options["word"],
                **{name: options[name] for name in names},
            )  # fmt: skip
        else:
            tree = trees.add_published(options["name"])
        self.stdout.write(f"{tree.name}: {tree.describe}, commit {tree.commit[:12]}")

    def _list(self, options: dict[str, Any]) -> None:
        rows = list(models.Tree.objects.all())
        if not rows:
            self.stdout.write("No tree is registered; add one: manage.py tree add NAME [SOURCE].")
            return
        width = max(len(tree.name) for tree in rows)
        for tree in rows:
            date = f"{tree.tip_at:%Y-%m-%d}" if tree.tip_at else "-"
            read = f"read {_ago(tree.synced_at)}" if tree.synced_at else "never read"
            source = f"{tree.source} {tree.branch}".rstrip()
            self.stdout.write(f"{tree.name:{width}}  {tree.describe}  {tree.commit[:12]} of {date}  {read}  {source}")
            if tree.stale:
                self.stdout.write(f"{'':{width}}  STALE: {tree.stale}")
        self.stdout.write(f"The store takes {Store(settings.STORE).size() / 1e6:.0f} MB.")

    def _sync(self, options: dict[str, Any]) -> int:
        rows = models.Tree.objects.all()
        missing = set(options["names"]) - set(rows.values_list("name", flat=True))
        if missing:
            raise NotFoundError(f"There is no tree named {', '.join(sorted(missing))}; see manage.py tree list.")
        status = 0
        for tree in rows.filter(name__in=options["names"]) if options["names"] else rows:
            try:
                trees.sync(tree)
            except BusyError as error:
                self.stdout.write(f"{tree.name}: {error}")
            except ReviewError as error:
                self.stderr.write(f"{tree.name}: {error}")
                status = error.exit_status
            else:
                self.stdout.write(f"{tree.name}: {tree.describe}, commit {tree.commit[:12]}")
        return status

    def _prune(self, options: dict[str, Any]) -> None:
        before = Store(settings.STORE).size()
        trees.prune()
        after = Store(settings.STORE).size()
        self.stdout.write(f"The store takes {after / 1e6:.0f} MB; it took {before / 1e6:.0f} MB.")

    def _remove(self, options: dict[str, Any]) -> None:
        trees.remove(options["name"])


def _ago(then: datetime) -> str:
    """Say how long ago a time was."""
    minutes = int((timezone.now() - then).total_seconds() // 60)
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 72 * 60 else f"{minutes // 1440} days ago"
