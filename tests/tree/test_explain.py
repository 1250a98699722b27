"""Why a patch does not apply: precise enough that nobody has to reproduce it."""

from __future__ import annotations

import time

import pytest

from reviewbot.tree.apply import apply_series, open_letters
from reviewbot.tree.base import matching, preimages
from reviewbot.tree.model import Base, Reject
from reviewbot.tree.places import nearest
from reviewbot.tree.store import Store
from tests.tree.project import Content, Project, base_of, mail, patches, source


def reject_on(store: Store, project: Project, mbox: bytes, tree: Content) -> Reject:
    """Return why mails do not apply to the start with some files replaced; its blobs alone are in the store."""
    project.git("checkout", "-q", "--detach", project.start)
    project.write(tree)
    branch = store.import_directory("snapshot", project.path)
    result = apply_series(store, Base("snapshot", branch.commit, "test"), patches(mbox))
    assert result.reject is not None
    return result.reject


@pytest.fixture
def mbox(project: Project) -> bytes:
    project.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    project.commit()
    return project.mbox(project.start)


def test_it_names_file_hunk_expected_line_and_what_the_tree_has(store: Store, project: Project, mbox: bytes) -> None:
    text = "/* new */\n" * 30 + source("memory").replace("memory_19(void)", "memory_19(struct mm *mm)")
    reject = reject_on(store, project, mbox, {"mm/memory.c": text})
    assert reject.file == "mm/memory.c"
    assert reject.hunk.startswith("@@ -18,7 +18,7 @@")
    assert reject.wanted.splitlines()[3] == "static int memory_20(void) { return 20; }"
    assert reject.found_line == 48
    assert "memory_19(struct mm *mm)" in reject.found
    assert reject.reason == (
        "mm/memory.c: hunk 1 (@@ -18,7 +18,7 @@) expects `static int memory_19(void) { return 19; }` near line 50; "
        "the tree has `static int memory_19(struct mm *mm) { return 19; }`."
    )


def test_a_line_that_is_gone(store: Store, project: Project, mbox: bytes) -> None:
    text = source("memory").replace("static int memory_19(void) { return 19; }\n", "")
    reason = reject_on(store, project, mbox, {"mm/memory.c": text}).reason
    assert "expects `static int memory_19(void) { return 19; }`" in reason
    assert "the tree does not have that line" in reason


def test_a_line_that_came_in_between(store: Store, project: Project, mbox: bytes) -> None:
    text = source("memory").replace("static int memory_20", "int between;\nstatic int memory_20")
    reason = reject_on(store, project, mbox, {"mm/memory.c": text}).reason
    assert "the tree has `int between;` in between, at line 21" in reason


def test_white_space_alone(store: Store, project: Project, mbox: bytes) -> None:
    text = source("memory").replace("static int memory_20", "static  int memory_20")
    assert "white space" in reject_on(store, project, mbox, {"mm/memory.c": text}).reason


def test_nothing_like_it(store: Store, project: Project, mbox: bytes) -> None:
    reject = reject_on(store, project, mbox, {"mm/memory.c": "int other;\n"})
    assert "the file has nothing like that" in reject.reason
    assert reject.found == ""
    assert reject.found_line == 0


def test_a_file_that_moved(store: Store, project: Project, mbox: bytes) -> None:
    moved = source("memory").replace("memory_19(void)", "memory_19(long)")
    reject = reject_on(store, project, mbox, {"mm/memory.c": None, "kernel/sub/memory.c": moved})
    assert reject.reason == (
        "mm/memory.c is not in the tree; "
        "kernel/sub/memory.c has 6 of the 7 different lines that the patch expects in it."
    )


def test_a_file_that_is_gone(store: Store, project: Project, mbox: bytes) -> None:
    reason = reject_on(store, project, mbox, {"mm/memory.c": None}).reason
    assert reason == "mm/memory.c is not in the tree, and no other file has its name."


def test_paths_without_their_prefixes(store: Store, project: Project) -> None:
    project.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    project.commit()
    other = source("memory").replace("memory_0(void)", "memory_0(long)")
    reason = reject_on(store, project, project.mbox(project.start, "--no-prefix"), {"mm/memory.c": other}).reason
    assert reason.startswith("The paths of the diff lack a/ and b/ in front")


def test_a_file_that_is_there_already(store: Store, project: Project) -> None:
    project.commit({"mm/new.c": "ours\n"})
    reason = reject_on(store, project, project.mbox(project.start), {"mm/new.c": "theirs\n"}).reason
    assert reason == "The patch creates mm/new.c, which is in the tree already, with another content."


def test_a_file_that_is_there_already_and_the_same(store: Store, project: Project) -> None:
    project.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    project.commit({"mm/added.c": "ours\n"})
    other = source("memory").replace("memory_19(void)", "memory_19(long)")
    reason = reject_on(
        store, project, project.mbox(project.start), {"mm/added.c": "ours\n", "mm/memory.c": other}
    ).reason
    said = "which is in the tree already, word for word: the patch, or a part of it, was merged."
    assert reason.startswith(f"The patch creates mm/added.c, {said}")


def test_a_hunk_that_is_there_already(store: Store, project: Project) -> None:
    for number in (5, 30):
        project.edit("mm/memory.c", f"memory_{number}(void)", f"memory_{number}(int a)")
    project.commit()
    half = "\n" + source("memory").replace("memory_5(void)", "memory_5(int a)").replace("memory_31(void)", "x(void)")
    reason = reject_on(store, project, project.mbox(project.start), {"mm/memory.c": half}).reason
    assert reason == (
        "mm/memory.c: hunk 1 (@@ -3,7 +3,7 @@) is in the tree already, at line 4: "
        "the patch, or a part of it, was merged."
    )


@pytest.mark.parametrize(
    ("changed", "tree", "telling"),
    [
        (
            source("memory") + "int added;\n",
            source("memory") + "int other;\n",
            "hunk 1 (@@ -38,3 +38,4 @@) belongs at the end of the file; the tree goes on with `int other;` at line 41.",
        ),
        (
            "int added;\n" + source("memory"),
            "int other;\n" + source("memory"),
            "hunk 1 (@@ -1,3 +1,4 @@) belongs at the beginning of the file; the tree has 1 line before it.",
        ),
        (
            source("memory") + "int added;\n",
            source("memory").rstrip("\n"),
            "hunk 1 (@@ -38,3 +38,4 @@) expects a newline at the end of line 40, the last one; the tree has none.",
        ),
        (
            source("memory").replace("memory_20(void)", "memory_20(int a)"),
            source("memory").replace("\n", "\r\n"),
            "hunk 1 (@@ -18,7 +18,7 @@) differs in line ends only, from line 18 on: the tree has carriage returns.",
        ),
    ],
)
def test_a_hunk_that_is_there_word_for_word_and_in_the_wrong_place(
    store: Store, project: Project, changed: str, tree: str, telling: str
) -> None:
    project.commit({"mm/memory.c": changed})
    mbox = project.mbox(project.start)
    assert reject_on(store, project, mbox, {"mm/memory.c": tree}).reason == f"mm/memory.c: {telling}"


def test_a_newline_at_the_end_that_the_patch_does_not_expect(store: Store, project: Project) -> None:
    bare = source("memory").rstrip("\n")
    start = project.commit({"mm/memory.c": bare})
    project.commit({"mm/memory.c": f"{bare}\nint added;"})
    reason = reject_on(store, project, project.mbox(start), {"mm/memory.c": f"{bare}\n"}).reason
    assert reason.endswith("expects the file to end at line 40 without a newline; the tree's has one.")


def test_a_patch_that_was_edited_after_it_was_made(store: Store, project: Project, mbox: bytes) -> None:
    edited = mbox.replace(b" static int memory_18(void)", b" static int memory_18(long)")
    reason = reject_on(store, project, edited, {}).reason
    assert reason.endswith(
        "The file is the very one that the patch was made from: the patch was damaged or edited afterwards."
    )


def test_how_many_more_files_do_not_match(store: Store, project: Project) -> None:
    for name in ("memory", "gup"):
        project.edit(f"mm/{name}.c", f"{name}_5(void)", f"{name}_5(int a)")
    project.commit()
    mbox = project.mbox(project.start)
    assert (
        "mm/memory.c does not match"
        in reject_on(store, project, mbox, {"mm/memory.c": "x\n", "mm/gup.c": "x\n"}).reason
    )


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        ("", "no patch in the mail"),
        (
            "diff --cc mm/gup.c\nindex 1,2..3\n--- a/mm/gup.c\n+++ b/mm/gup.c\n@@@ -1,1 -1,1 +1,1 @@@\n++x\n",
            "diff --cc",
        ),
        ("--- a/mm/gup.c\n+++ b/mm/gup.c\n@@ -1,3 +1,3 @@\n a\n-b\n", "damaged"),
    ],
)
def test_a_mail_that_is_broken(store: Store, project: Project, diff: str, reason: str) -> None:
    result = apply_series(store, base_of(store, project, project.start), patches(mail(diff)))
    assert result.reject is not None
    assert reason in result.reject.reason


def test_the_nearest_place_is_where_the_rare_lines_are() -> None:
    filler = ["{", "}", ""] * 50
    place = nearest(["{", "rare_call(one);", "}"], [*filler, "{", "rare_call(one, two);", "rare_call(one);", "}"], 0)
    assert place is not None
    assert place.start == 151


def test_a_hostile_hunk_costs_no_minutes() -> None:
    wanted = ["anchor_of_it();", *(f"{'ab' * 500}{number % 7}" for number in range(20_000))]
    started = time.monotonic()
    assert nearest(wanted, ["anchor_of_it();", *(f"x{line}" for line in wanted)], 0) is not None
    assert nearest(["same line"] * 5000 + ["anchor_of_it();"], ["same line"] * 5000 + ["anchor_of_it();"], 0) is None
    assert time.monotonic() - started < 20


def test_what_is_in_every_file_is_near_to_nothing() -> None:
    assert nearest(["rare_call(one);", "", "#endif", "}"], ["int a;", "", "#endif", "}"], 0) is None


def test_nothing_is_near_in_an_empty_file() -> None:
    assert nearest(["int a;"], [""], 0) is None


def test_preimages_are_those_of_the_first_patch_that_touches_a_file(
    store: Store, project: Project, mbox: bytes
) -> None:
    project.edit("mm/memory.c", "memory_21(void)", "memory_21(int a)")
    project.commit({"mm/new.c": "x\n"})
    with store.scratch() as scratch:
        letters = open_letters(store, patches(project.mbox(project.start)), scratch)
    blobs = preimages(letters)
    assert blobs == {"mm/memory.c": project.git("rev-parse", f"{project.start}:mm/memory.c")}
    base_of(store, project, project.start)
    assert matching(store, project.start, blobs) == 1
    assert matching(store, project.git("rev-parse", "HEAD"), blobs) == 0
