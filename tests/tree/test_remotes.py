"""Fetching: whole or cut off, one at a time, killed at any time, and only from where it may."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reviewbot.errors import OperatorError, TransientError
from reviewbot.tree import pruning, remotes
from reviewbot.tree.remotes import check_address, fetch_commit
from reviewbot.tree.store import Store
from tests.tree.project import ENVIRONMENT, Project, source

HOSTS = ["git.example.org", ".example.net"]


@pytest.mark.parametrize("address", ["https://git.example.org/a.git", "git://x.example.net/a", "https://example.net/a"])
def test_known_hosts_are_asked(address: str) -> None:
    if "//example.net" in address:
        with pytest.raises(OperatorError, match="none of the hosts"):
            check_address(address, HOSTS)
    else:
        assert check_address(address, HOSTS) == address


@pytest.mark.parametrize(
    "address",
    [
        "http://git.example.org/a", "ssh://git.example.org/a", "file:///a", "ext::sh -c true", "git@git.example.org:a",
        "https://evil.example.com/a", "https://git.example.org.evil.example/a", "https://127.0.0.1/a", "https:///a",
        "https://user:secret@git.example.org/a", "https://git.example.org/a b", "https://[::1/a", "--upload-pack=x", "",
        "https://git.example.org/a\n",
    ],
)  # fmt: skip
def test_nothing_else_is(address: str) -> None:
    with pytest.raises(OperatorError):
        check_address(address, HOSTS)


def days(project: Project, monkeypatch: pytest.MonkeyPatch, *ages: int) -> list[str]:
    """Make a commit of each age, in days."""
    commits = []
    for age in ages:
        monkeypatch.setitem(ENVIRONMENT, "GIT_COMMITTER_DATE", f"{int(time.time()) - age * 86400} +0000")
        commits.append(project.commit({"mm/gup.c": f"int age_{age};\n"}))
    return commits


def test_history_may_end_at_an_age_and_grows_from_there(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, young, tip = days(project, monkeypatch, 900, 20, 10)
    url = f"file://{project.path}"
    assert store.import_repository("mm", url, "main", days=400).commit == tip
    assert store.has_commit(young)
    assert not store.has_commit(old)
    (new,) = days(project, monkeypatch, 1)
    assert store.sync("mm").commit == new
    assert not store.has_commit(old)
    assert store.git.must("rev-list", "--count", "refs/trees/mm") == b"3\n"


def test_a_branch_that_is_older_than_that_comes_as_one_commit(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tip = days(project, monkeypatch, 900, 800)
    assert store.import_repository("stable", f"file://{project.path}", "main", days=400).commit == tip
    assert store.git.must("rev-list", "--count", "refs/trees/stable") == b"1\n"


def test_a_whole_history_is_not_cut_by_a_branch_that_may_end(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"file://{project.path}"
    days(project, monkeypatch, 900, 10)
    store.import_repository("mainline", url, "main")
    project.git("branch", "mm")
    store.import_repository("mm", url, "mm", days=400)
    assert store.git.must("rev-list", "--count", "refs/trees/mainline") == b"3\n"
    assert store.git.must("rev-list", "--count", "refs/trees/mm") == b"3\n"


def test_a_commit_that_no_branch_holds_any_more_is_fetched_from_the_tree_that_has_it(
    store: Store, project: Project, tmp_path: Path
) -> None:
    other = Project(tmp_path / "other", {"other.c": "int other;\n"})
    store.import_repository("other", f"file://{other.path}", "main")
    store.import_repository("mm", f"file://{project.path}", "main")
    lost = project.commit({"mm/gup.c": "int lost;\n"})
    project.git("reset", "-q", "--hard", project.start)
    assert list(fetch_commit(store, lost, ["other", "mm", "mm"])) == [
        f"The repository of other does not have the commit {lost[:12]}.",
        f"The commit {lost[:12]} was not here; it was fetched from the repository of mm.",
    ]
    assert store.has_commit(lost)
    store.prune()
    assert store.has_commit(lost)


def test_a_commit_that_cannot_be_asked_for_is_said(store: Store, project: Project) -> None:
    store.import_repository("mm", f"file://{project.path}", "main")
    (shortened,) = fetch_commit(store, project.start[:12], ["mm"])
    assert "shortened: no server" in shortened
    assert list(fetch_commit(store, "1" * 40, ["mm", "unknown"])) == [
        "The repository of mm does not have the commit 111111111111."
    ]
    store.import_directory("directory", project.path)
    assert list(fetch_commit(store, "1" * 40, ["directory"])) == []


def test_a_busy_store_does_not_hold_up_a_series(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes, "_TURN_PATIENCE", 0.1)
    store.import_repository("mm", f"file://{project.path}", "main")
    with store.exclusive():
        (told,) = fetch_commit(Store(store.path), "1" * 40, ["mm"])
    assert "could not be asked for the commit 111111111111: Another process works on the store" in told


def test_a_tree_is_brought_up_to_date_by_one_process_at_a_time(store: Store, project: Project) -> None:
    store.import_repository("mm", f"file://{project.path}", "main")
    with store.alone("mm"), pytest.raises(TransientError, match="Another process brings mm up to date"):
        Store(store.path).sync("mm")
    assert store.sync("mm").commit == project.start


def test_a_fetch_that_was_killed_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    big = Project(tmp_path / "big", {f"mm/f{number}.c": source(f"f{number}", 300) for number in range(300)})
    url = f"file://{big.path}"
    store = Store(tmp_path / "store")
    code = (
        "import sys; from reviewbot.tree.store import Store;"
        "Store(sys.argv[1]).import_repository('big', sys.argv[2], 'main')"
    )
    for number, delay in enumerate((0.12, 0.18, 0.22, 0.26, 0.3, 0.4)):
        big.commit({f"mm/f{other}.c": source(f"g{number}_{other}", 300) for other in range(100)})
        process = subprocess.Popen([sys.executable, "-c", code, str(store.path), url])
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
    branch = store.import_repository("big", url, "main")
    assert branch.commit == big.git("rev-parse", "HEAD")
    store.git.must("fsck", "--strict", "--no-dangling")
    assert not list(store.path.rglob("*.lock"))
    assert not list(store.path.glob("objects/pack/tmp_*"))


def test_many_small_packs_become_one_and_keep_every_object(
    store: Store, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "_PACKS", 3)
    for number in range(5):
        project.commit({"mm/gup.c": f"int n_{number};\n"})
        store.git.must("-c", "fetch.unpackLimit=1", "fetch", "-q", str(project.path), f"+main:refs/trees/{number}")
    store.prune()
    assert len(list(store.path.glob("objects/pack/*.pack"))) == 1
    store.git.must("fsck", "--strict", "--no-dangling", "--connectivity-only")
    assert store.has_commit(project.git("rev-parse", "HEAD"))
