"""Kernel trees: taken in, brought up to date, pruned and forgotten."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from reviewbot.errors import NotFoundError, OperatorError, ReviewError
from reviewbot.tree.remotes import check_address
from reviewbot.tree.store import Branch, BusyError, Store
from reviewbot.tree.upstream import UPSTREAMS, Upstream, upstream
from threads import models
from threads.conversion import storable

log = logging.getLogger(__name__)

#: seconds after which a round of syncs begins no other tree: the task has a limit
_ROUND = 3000.0


def add(
    name: str,
    source: str,
    *,
    branch: str = "",
    role: str = "",
    lists: Iterable[str] = (),
    words: Iterable[str] = (),
    position: int = 100,
    days: int = 0,
) -> models.Tree:
    """Take a directory, a tar archive, or a branch of a repository as a tree; doing it again is quick.

    A local repository is not copied: its objects are read where they are.

    :param words: by which subjects mean it, beside its name.
    :param days: age at which the history of a fetched branch may end, 0 for all of it.
    :raises OperatorError: when the source is not there, cannot be read, or may not be fetched from.
    """
    place = Path(source).expanduser()
    local = place.exists()
    if not local and "://" not in source:
        raise OperatorError(f"There is no directory, archive or repository {source}; give one that is there.")
    where = str(place.absolute()) if local else check_address(source, settings.TREE_HOSTS)
    store = Store(settings.STORE)
    if branch or not local or _is_repository(place):
        found = store.import_repository(name, where, branch or "HEAD", days=days)
    else:
        found = store.import_directory(name, where)
    row, _ = models.Tree.objects.update_or_create(
        name=name,
        defaults={
            "source": where, "branch": branch, "role": role, "lists": list(lists), "words": list(words),
            "position": position, **_known(found),
        },
    )  # fmt: skip
    return row


def add_published(name: str) -> models.Tree:
    """Follow one of the published branches, as its maintainers name it.

    :raises OperatorError: when none is called so, or it cannot be fetched.
    """
    known = upstream(name)
    if known is None:
        names = ", ".join(one.name for one in UPSTREAMS)
        raise OperatorError(f"Say where {name} comes from; without that, these are known: {names}.")
    return add(
        known.name, known.url, branch=known.branch, role=known.role, lists=_list_names(known), words=known.words,
        position=10 + UPSTREAMS.index(known), days=known.days,
    )  # fmt: skip


def _list_names(known: Upstream) -> list[str]:
    """Return the lists of a published branch by the names they have here, by address where they are not known."""
    names = dict(models.MailingList.objects.filter(address__in=known.lists).values_list("address", "name"))
    return [names.get(address, address) for address in known.lists]


def _is_repository(place: Path) -> bool:
    return (place / ".git").exists() or ((place / "HEAD").is_file() and (place / "objects").is_dir())


def sync(tree: models.Tree) -> None:
    """Bring a tree up to date; why that did not work stays with its row until it does.

    :raises BusyError: when another process is at it.
    :raises ReviewError: when it does not work; the tree stays as it was.
    """
    rows = models.Tree.objects.filter(pk=tree.pk)
    try:
        found = Store(settings.STORE).sync(tree.name)
    except BusyError:
        raise
    except ReviewError as error:
        rows.update(failure=storable(str(error))[:2000])
        rows.filter(failing_since=None).update(failing_since=timezone.now())
        raise
    rows.update(**_known(found))
    tree.refresh_from_db()


def sync_followed() -> int:
    """Bring every followed tree up to date, the one that waits longest first; return how many that were.

    One that does not answer keeps none of the others; what another process
    is at is left to it.
    """
    start, done = time.monotonic(), 0
    lately = timezone.now() - timedelta(seconds=settings.SYNC_SECONDS / 2)
    due = models.Tree.objects.filter(Q(synced_at=None) | Q(synced_at__lt=lately)).order_by("synced_at")
    for tree in due:
        if not tree.followed:
            continue
        if time.monotonic() - start > _ROUND:
            break
        try:
            sync(tree)
            done += 1
        except BusyError:
            continue
        except ReviewError as error:
            log.warning("%s: %s", tree.name, error)
    return done


def prune() -> None:
    """Remove from the store what no one needs."""
    Store(settings.STORE).prune()


def remove(name: str) -> None:
    """Forget a tree.

    :raises NotFoundError: when there is none of that name.
    """
    deleted, _ = models.Tree.objects.filter(name=name).delete()
    if not deleted:
        raise NotFoundError(f"There is no tree named {name}.")
    Store(settings.STORE).forget(name)


def ensure(name: str) -> models.Tree:
    """Return the tree of a name; a directory or archive is taken as one, named after itself."""
    row = models.Tree.objects.filter(name=name).first()
    if row is not None:
        return row
    place = Path(name)
    if not place.exists():
        known = ", ".join(models.Tree.objects.values_list("name", flat=True)) or "none"
        raise OperatorError(f"There is no tree named {name}, and no such directory or archive; known are: {known}.")
    return add(place.absolute().name.split(".tar")[0], name)


def require_any() -> None:
    """Make sure that there is a tree at all.

    :raises OperatorError: when there is none.
    """
    if not models.Tree.objects.exists():
        raise OperatorError("No kernel tree is registered; the operator can add one: manage.py tree add NAME PATH.")


def _known(branch: Branch) -> dict[str, Any]:
    return {
        "commit": branch.commit,
        "describe": branch.describe,
        "tip_at": branch.date,
        "synced_at": timezone.now(),
        "failure": "",
        "failing_since": None,
    }
