"""Trees: followed, brought up to date by one at a time, and called stale when that does not work."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from reviewbot.errors import NotFoundError, OperatorError, TransientError
from reviewbot.tree import remotes
from reviewbot.tree.store import BusyError, Store
from reviewbot.tree.upstream import UPSTREAMS
from tests.tree.project import Project
from threads import models
from threads.services import trees

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Make a repository that is fetched as if it were on another machine."""
    monkeypatch.setattr(remotes, "SCHEMES", ("file",))
    monkeypatch.setattr(settings, "TREE_HOSTS", [""])
    return Project(tmp_path / "upstream")


@pytest.fixture
def followed(upstream: Project) -> models.Tree:
    return trees.add("mm-unstable", f"file://{upstream.path}", branch="main")


def said(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        call_command("tree", *arguments, stdout=out, stderr=err)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, out.getvalue(), err.getvalue()


def test_a_sync_moves_the_tree_to_the_tip(followed: models.Tree, upstream: Project) -> None:
    tip = upstream.commit({"mm/gup.c": "int more;\n"})
    trees.sync(followed)
    assert (followed.commit, followed.stale, followed.failure) == (tip, "", "")
    assert followed.tip_at is not None


def test_a_sync_that_fails_is_a_state_with_a_sentence_until_one_works(followed: models.Tree, upstream: Project) -> None:
    away = upstream.path.rename(upstream.path.with_name("away"))
    for _ in range(2):
        with pytest.raises(TransientError):
            trees.sync(followed)
        followed.refresh_from_db()
        assert followed.stale.startswith("It could not be brought up to date since 20")
        assert "git fetch failed" in followed.failure
    since = followed.failing_since
    assert followed.commit == upstream.start
    away.rename(upstream.path)
    trees.sync(followed)
    assert (followed.stale, followed.failing_since) == ("", None)
    assert since is not None


def test_what_was_not_brought_up_to_date_for_long_is_stale(followed: models.Tree) -> None:
    assert followed.stale == ""
    limit = timedelta(seconds=settings.STALE_SYNCS * settings.SYNC_SECONDS)
    followed.synced_at = timezone.now() - limit - timedelta(minutes=1)
    assert followed.stale.startswith("It was last brought up to date on")


def test_a_directory_is_never_stale(upstream: Project) -> None:
    tree = trees.add("linux", str(upstream.path / "mm"))
    tree.synced_at = timezone.now() - timedelta(days=900)
    assert (tree.followed, tree.stale) == (False, "")


def test_two_syncs_at_once_are_one(followed: models.Tree) -> None:
    with Store(settings.STORE).alone("mm-unstable"):
        with pytest.raises(BusyError):
            trees.sync(followed)
        models.Tree.objects.update(synced_at=None)
        assert trees.sync_followed() == 0
    followed.refresh_from_db()
    assert followed.stale == ""
    assert trees.sync_followed() == 1
    assert trees.sync_followed() == 0  # it was just now


def test_a_tree_that_fails_keeps_none_of_the_others(followed: models.Tree, upstream: Project, tmp_path: Path) -> None:
    other = Project(tmp_path / "other")
    trees.add("broken", f"file://{other.path}", branch="main")
    other.path.rename(tmp_path / "away")
    tip = upstream.commit({"mm/gup.c": "int more;\n"})
    models.Tree.objects.update(synced_at=None)
    assert trees.sync_followed() == 1
    assert {tree.name: bool(tree.stale) for tree in models.Tree.objects.all()} == {"broken": True, "mm-unstable": False}
    followed.refresh_from_db()
    assert followed.commit == tip


@pytest.mark.parametrize(
    "source", ["http://git.kernel.org/x", "https://example.com/x", "git@git.kernel.org:x", "nowhere"]
)
def test_a_tree_comes_from_known_hosts_alone(source: str) -> None:
    with pytest.raises(OperatorError):
        trees.add("mm", source)
    assert not models.Tree.objects.exists()


def test_the_published_trees_come_with_all_that_is_known_of_them(
    upstream: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(self: Store, name: str, source: str, branch: str, depth: int = 0, days: int = 0) -> object:
        assert source.startswith("https://git.kernel.org/")
        assert days == 400
        return upstream_import(self, name, upstream.path, "main")

    monkeypatch.setattr(remotes, "SCHEMES", ("https", "git"))
    monkeypatch.setattr(settings, "TREE_HOSTS", ["git.kernel.org"])
    upstream_import = Store.import_repository
    monkeypatch.setattr(Store, "import_repository", fetch)
    for known in UPSTREAMS:
        trees.add_published(known.name)
    rows = list(models.Tree.objects.all())
    assert [row.name for row in rows] == [known.name for known in UPSTREAMS]
    assert rows[0].lists == ["linux-mm"]
    assert {row.name: row.branch for row in rows}["arm64-core"] == "for-next/core"
    assert all(row.role and row.followed for row in rows)
    with pytest.raises(OperatorError, match="these are known: mm-new, mm-unstable"):
        trees.add_published("mm-imaginary")


def test_every_role_that_mm_patches_are_made_for_is_published() -> None:
    places = {(known.url.rsplit("/git/")[1], known.branch) for known in UPSTREAMS}
    assert {
        ("akpm/mm.git", branch) for branch in ("mm-new", "mm-unstable", "mm-stable", "mm-hotfixes-unstable")
    } < places
    assert {("arm64/linux.git", f"for-next/{branch}") for branch in ("core", "fixes")} < places
    assert {("next/linux-next.git", "master"), ("torvalds/linux.git", "master")} < places
    assert any(url == "stable/linux.git" for url, _ in places)


def test_the_command_lists_tip_age_and_what_is_stale(followed: models.Tree, upstream: Project) -> None:
    status, out, _ = said("list")
    assert status == 0
    assert f"mm-unstable  mm-unstable (6.12.7)  {upstream.start[:12]} of 2023-11-14  read 0 min ago  file://" in out
    assert "STALE" not in out
    assert "The store takes 0 MB." in out
    models.Tree.objects.update(synced_at=timezone.now() - timedelta(days=5))
    assert "STALE: It was last brought up to date on" in said("list")[1]


def test_the_page_of_the_trees_says_which_are_stale(followed: models.Tree, client: Client) -> None:
    assert "stale" not in client.get("/trees/").content.decode()
    models.Tree.objects.update(failing_since=timezone.now(), failure="It does not <answer>.")
    page = client.get("/trees/").content.decode()
    assert "<strong>stale</strong>" in page
    assert "It does not &lt;answer&gt;." in page


def test_the_command_syncs_all_and_says_which_did_not_work(followed: models.Tree, upstream: Project) -> None:
    assert said("sync")[:2] == (0, f"mm-unstable: mm-unstable (6.12.7), commit {upstream.start[:12]}\n")
    status, _, err = said("sync", "mm-imaginary")
    assert (status, "no tree named mm-imaginary" in err) == (3, True)
    upstream.path.rename(upstream.path.with_name("away"))
    status, _, err = said("sync", "mm-unstable")
    assert (status, err.startswith("mm-unstable: git fetch failed")) == (3, True)


def test_the_command_prunes_and_forgets(followed: models.Tree) -> None:
    assert said("prune")[1].startswith("The store takes")
    assert said("remove", "mm-unstable")[0] == 0
    assert Store(settings.STORE).branches() == ()
    with pytest.raises(NotFoundError):
        trees.remove("mm-unstable")
    assert "No tree is registered" in said("list")[1]


def test_syncing_and_pruning_are_on_the_schedule_of_the_tree_workers() -> None:
    for task in ("sync", "prune"):
        assert settings.CELERY_BEAT_SCHEDULE[task]["task"] == f"threads.tasks.{task}"
        assert settings.CELERY_TASK_ROUTES[f"threads.tasks.{task}"] == {"queue": "tree"}
