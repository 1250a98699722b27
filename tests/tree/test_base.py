"""The base: chosen by the evidence, tried in order, and explained in sentences."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reviewbot.errors import OperatorError
from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Address
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.tree.base import Candidate, choose
from reviewbot.tree.model import Method
from reviewbot.tree.store import Store
from tests.tree.project import Project, patches, source

Take = Callable[..., Candidate]


def series(mbox: bytes) -> Series:
    (found,) = assemble([parse_message(raw) for raw in split_mbox(io.BytesIO(mbox))])
    return found


@pytest.fixture
def take(store: Store, tmp_path: Path) -> Take:
    """Import a tree of its own, with some files replaced, as a candidate."""

    def candidate(name: str, content: dict[str, str] | None = None, **options: tuple[str, ...]) -> Candidate:
        folder = tmp_path / f"tree-{name}"
        Project(folder, content)
        return Candidate(store.import_directory(name, folder), **options)

    return candidate


@pytest.fixture
def mbox(project: Project) -> bytes:
    """One patch to mm/memory.c, and one to what that made of it."""
    for number in (20, 21):
        project.edit("mm/memory.c", f"memory_{number}(void)", f"memory_{number}(int a)")
        project.commit(message=f"mm: step {number}")
    return project.mbox(project.start)


OTHER = {"mm/memory.c": source("memory").replace("memory_0(void)", "memory_0(long)")}
FOREIGN = {"mm/memory.c": "int nothing;\n"}


def names(application: object) -> list[str]:
    return [attempt.base.tree for attempt in application.attempts]  # type: ignore[attr-defined]


def test_a_known_base_commit_is_tried_first(store: Store, project: Project, take: Take, mbox: bytes) -> None:
    store.import_repository("mm-unstable", project.path, "HEAD")
    tree = Candidate(store.resolve("mm-unstable"))
    stated = replace(series(mbox), base_commit=project.start[:12])
    application = choose(store, stated, [take("other"), tree])
    assert application.applies
    assert application.chosen.base.commit == project.start
    assert application.chosen.base.how == "base-commit of the cover"
    assert application.chosen.base.tree == "mm-unstable"
    assert [attempt.method for attempt in application.attempts] == [Method.CLEAN, Method.ALREADY]
    assert "it is tried first" in application.trace[0]


def test_an_unknown_base_commit_is_said_and_the_base_guessed(store: Store, take: Take, mbox: bytes) -> None:
    application = choose(store, replace(series(mbox), base_commit="1" * 40), [take("linux")])
    assert application.applies
    assert application.trace[0] == (
        "The cover names base-commit 111111111111, which no known tree has; it is guessed instead."
    )


def test_a_tree_with_the_very_files_goes_before_the_configured_order(store: Store, take: Take, mbox: bytes) -> None:
    application = choose(store, series(mbox), [take("first", OTHER), take("exact")])
    assert names(application) == ["exact"]
    assert application.chosen.base.how == "has every file as the patches expect it"
    assert "exact (6.12.7): has 1 of the 1 files as the patches expect them." in application.trace


def test_a_tree_that_the_subject_names_goes_before_others(store: Store, take: Take, mbox: bytes) -> None:
    trees = [take("first", OTHER), take("second", OTHER, words=("mm-unstable",))]
    for word in ("mm-unstable", "second", "MM-UNSTABLE"):
        application = choose(store, replace(series(mbox), prefixes=("RFC", word)), trees)
        assert names(application) == ["second"]
        assert f"is named in the subject ({word})" in " ".join(application.trace)


@pytest.mark.parametrize("word", ["6.6", "v6.6", "6.6.y"])
def test_a_version_in_the_subject_names_the_tree_of_that_version(
    store: Store, take: Take, mbox: bytes, word: str
) -> None:
    old = {**OTHER, "Makefile": "VERSION = 6\nPATCHLEVEL = 6\nSUBLEVEL = 3\nEXTRAVERSION =\n"}
    trees = [take("new", OTHER), take("old", old)]
    assert names(choose(store, replace(series(mbox), prefixes=(word,)), trees)) == ["old"]


def test_a_version_is_no_prefix_of_another(store: Store, take: Take, mbox: bytes) -> None:
    trees = [take("first", OTHER), take("second", OTHER)]
    assert names(choose(store, replace(series(mbox), prefixes=("6.1",)), trees)) == ["first"]


def test_the_tree_of_the_list_goes_before_the_configured_order(store: Store, take: Take, mbox: bytes) -> None:
    posted = series(mbox)
    to_list = [
        replace(p, message=replace(p.message, cc=(Address("", "Linux-MM@example.org"),))) for p in posted.patches
    ]
    trees = [take("first", OTHER), take("mm", OTHER, lists=("linux-mm@example.org",))]
    application = choose(store, replace(posted, patches=tuple(to_list)), trees)
    assert names(application) == ["mm"]
    assert "takes the patches of Linux-MM@example.org" in " ".join(application.trace)


def test_for_next_means_that_of_the_list(store: Store, take: Take, mbox: bytes) -> None:
    posted = series(mbox)
    to_list = [replace(p, message=replace(p.message, to=(Address("", "arm@example.org"),))) for p in posted.patches]
    words = ("for-next/core",)
    trees = [
        take("first", OTHER),
        take("other", OTHER, words=words),
        take("arm64", OTHER, words=words, lists=("arm@example.org",)),
    ]
    named = replace(posted, patches=tuple(to_list), prefixes=("for-next",))
    assert names(choose(store, named, trees)) == ["arm64"]


def test_a_tree_of_the_subject_that_is_not_known_is_said(store: Store, take: Take, mbox: bytes) -> None:
    named = replace(series(mbox), prefixes=("RFC", "net-next"))
    trace = choose(store, named, [take("linux")]).trace
    assert "The subject names net-next, which is no known tree." in trace
    trees = [take("first", OTHER), take("linux-next", OTHER, words=("next", "-next"))]
    application = choose(store, named, trees)
    assert names(application) == ["linux-next"]
    assert "net-next, which is no known tree; linux-next, which takes it in, stands for it." in application.trace[1]


MAINTAINERS = """\
MEMORY
T:\tgit git://git.example.org/pub/scm/linux/kernel/git/ada/mm {branch}
F:\tmm/
"""


def test_the_tree_of_the_maintainers_goes_before_the_configured_order(
    store: Store, project: Project, take: Take, mbox: bytes
) -> None:
    trees = [
        replace(tree, branch=replace(tree.branch, source=address), follows="mm-unstable")
        for tree, address in (
            (
                take("first", {**OTHER, "MAINTAINERS": MAINTAINERS.format(branch="")}),
                "https://git.example.org/linux.git",
            ),
            (take("second", OTHER), "https://git.example.org/pub/scm/linux/kernel/git/ada/mm.git"),
        )
    ]
    application = choose(store, series(mbox), trees)
    assert names(application) == ["second"]
    assert (
        "second (6.12.7): has 0 of the 1 files as the patches expect them; is the tree of MEMORY in MAINTAINERS."
        in (application.trace)
    )
    elsewhere = take("third", {**OTHER, "MAINTAINERS": MAINTAINERS.format(branch="mm-new")})
    application = choose(store, series(mbox), [elsewhere, trees[1]])
    assert names(application) == ["third"]
    assert (
        "MAINTAINERS names git://git.example.org/pub/scm/linux/kernel/git/ada/mm mm-new (MEMORY) for 1 of the 1 files; "
        "that is none of the known trees." in application.trace
    )


def test_a_tree_that_is_not_up_to_date_is_said_to_be_so(store: Store, take: Take, mbox: bytes) -> None:
    tree = replace(take("linux"), stale="It was last brought up to date 5 days ago.")
    assert any(
        line.endswith("It was last brought up to date 5 days ago.")
        for line in choose(store, series(mbox), [tree]).trace
    )


def test_what_was_done_for_the_base_is_told_first(store: Store, take: Take, mbox: bytes) -> None:
    assert choose(store, series(mbox), [take("linux")], told=["It was fetched."]).trace[0] == "It was fetched."


def test_each_try_is_explained_until_one_applies(store: Store, take: Take, mbox: bytes) -> None:
    application = choose(store, series(mbox), [take("foreign", FOREIGN), take("other", OTHER)])
    assert names(application) == ["foreign", "other"]
    assert application.chosen.base.tree == "other"
    told = "\n".join(application.trace)
    assert "foreign (6.12.7): does not apply at patch 1; nothing went in. mm/memory.c: hunk 1" in told
    assert told.endswith("other (6.12.7): applies.")


def test_where_nothing_applies_the_one_that_got_furthest_counts(store: Store, take: Take, mbox: bytes) -> None:
    half = {"mm/memory.c": source("memory").replace("memory_24(void)", "memory_24(long)")}
    application = choose(store, series(mbox), [take("foreign", FOREIGN), take("half", half)])
    assert not application.applies
    assert application.chosen.base.tree == "half"
    assert [patch.number for patch in application.chosen.patches] == [1]


def test_where_nothing_applies_the_author_is_told_what_would_help(store: Store, take: Take, mbox: bytes) -> None:
    foreign = take("foreign", FOREIGN)
    assert choose(store, series(mbox), [foreign]).trace[-2:] == (
        "Nearest is foreign (6.12.7), with 0 of the 1 files as the patches expect them; "
        "mm/memory.c is not, or not there.",
        "To the author: git format-patch --base=auto names the commit that the patches were made for.",
    )
    named = replace(series(mbox), base_commit="1" * 40)
    assert choose(store, named, [foreign]).trace[-1] == (
        "To the author: rebase onto one of these trees, or say where the base-commit can be fetched from."
    )


def test_where_only_the_context_differs_it_is_said_that_it_applies_with_fuzz(
    store: Store, take: Take, project: Project
) -> None:
    project.edit("mm/gup.c", "gup_20(void)", "gup_20(int a)")
    project.commit()
    mbox = project.mbox(project.start, "--full-index")
    context = {"mm/gup.c": source("gup").replace("gup_18(void)", "gup_18(long b)").replace("gup_22(void)", "gup_22()")}
    application = choose(store, series(mbox), [take("other", context)])
    assert not application.applies
    assert [line for line in application.trace if "applies with fuzz" in line] == [
        "other (6.12.7): applies with fuzz, on one line of context, as patch(1) and quilt would take it and git am "
        "does not; the lines around the changes are others there."
    ]


def test_a_broken_mail_is_no_matter_of_the_tree(store: Store, take: Take, mbox: bytes) -> None:
    damaged = mbox.replace(b"\n@@ ", b"\n@@ x ")
    application = choose(store, series(damaged), [take("other", OTHER)])
    assert not application.applies
    assert not any(line.startswith(("Nearest", "To the author")) for line in application.trace)


def test_a_tree_that_has_it_all_already_is_not_the_last_word(
    store: Store, project: Project, take: Take, mbox: bytes
) -> None:
    merged = Candidate(store.import_directory("merged", project.path))
    application = choose(store, replace(series(mbox), prefixes=("merged",)), [merged, take("other", OTHER)])
    assert application.chosen.base.tree == "other"
    assert "merged (6.12.7): has every patch of the series already." in application.trace
    alone = choose(store, series(mbox), [merged])
    assert alone.applies
    assert alone.chosen.method is Method.ALREADY


def test_what_the_tree_took_in_since_is_said(store: Store, project: Project, mbox: bytes) -> None:
    """The base is the commit the series was made on; the tip of today has its first patch, then both."""
    store.import_repository("mm", project.path, "HEAD~1")
    application = choose(store, series(mbox), [Candidate(store.resolve("mm"))])
    assert application.chosen.base.commit == project.start
    assert application.trace[-1] == "mm (6.12.7): has patch 1 already."
    store.import_repository("mm", project.path, "HEAD")
    application = choose(store, series(mbox), [Candidate(store.resolve("mm"))])
    assert (application.chosen.base.commit, application.chosen.method) == (project.start, Method.CLEAN)
    assert application.trace[-1] == "mm (6.12.7): has every patch of the series already."
    assert [attempt.method for attempt in application.attempts] == [Method.CLEAN, Method.ALREADY]


def test_prerequisites_are_applied_first(store: Store, take: Take, mbox: bytes) -> None:
    first, second = patches(mbox)
    posted = replace(series(mbox), patches=(second,), prerequisites=("0" * 40,))
    tree = take("snapshot")
    assert not choose(store, posted, [tree]).applies
    application = choose(store, posted, [tree], prerequisites=[first])
    assert application.applies
    assert [patch.number for patch in application.chosen.patches] == [2]
    assert application.chosen.base.how.endswith("with 1 prerequisite patch")
    assert "1 patch of it is known" in " ".join(application.trace)


def test_prerequisites_that_are_not_known_are_said(store: Store, take: Take, mbox: bytes) -> None:
    posted = replace(series(mbox), based_on=("other@example.org",))
    assert "nothing of it is known here" in " ".join(choose(store, posted, [take("linux")]).trace)


def test_the_tip_of_the_day_goes_before_the_tip_of_today(store: Store, project: Project, mbox: bytes) -> None:
    project.git("checkout", "-q", "--detach", project.start)
    project.write({"mm/gup.c": "int later;\n"})
    project.git("add", "-A")
    project.git("-c", "core.abbrev=12", "commit", "-q", "-m", "later", "--date", "1800000000 +0000")
    tip = project.git("rev-parse", "HEAD")
    store.import_repository("mm", project.path, tip)
    sent = replace(series(mbox), date=datetime.fromtimestamp(1700000500, UTC))
    application = choose(store, sent, [Candidate(store.resolve("mm"))])
    assert application.applies


def test_a_series_that_lacks_a_patch_is_said_to(store: Store, take: Take, mbox: bytes) -> None:
    posted = replace(series(mbox), expected=3)
    assert choose(store, posted, [take("linux")]).trace[0] == (
        "Only 2 of 3 patches are here; missing: 3. What is there is tried."
    )


def test_without_a_tree_the_operator_is_asked_for_one(store: Store, mbox: bytes) -> None:
    with pytest.raises(OperatorError, match="add one first"):
        choose(store, series(mbox), [])
