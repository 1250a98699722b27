"""Applying: the trees are those of ``git am -3``, the commits are always the same."""

from __future__ import annotations

import base64
import hashlib
import quopri
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reviewbot.errors import NotFoundError
from reviewbot.series.model import Trailer
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Base, Method
from reviewbot.tree.store import Store
from tests.tree.project import Project, attempt, base_of, five_patches, mail, modify, patches, source


def rename_and_edit(project: Project) -> None:
    project.git("mv", "mm/gup.c", "mm/pin.c")
    project.edit("mm/pin.c", "gup_3", "pin_3")
    project.commit()


def copy(project: Project) -> None:
    project.commit({"mm/memory.c": source("memory") + "/* end */\n", "mm/memory2.c": source("memory")})


def change_mode(project: Project) -> None:
    (project.path / "mm/gup.c").chmod(0o755)
    project.commit()


def create_and_delete(project: Project) -> None:
    project.commit({"mm/new/deep/file.c": source("new"), "kernel/fork.c": None})


def binary(project: Project) -> None:
    project.commit({"logo.bin": bytes(range(256)) * 20})
    project.commit({"logo.bin": bytes(range(256)) * 19 + b"\0end"})


def no_newline_at_end(project: Project) -> None:
    project.commit({"mm/memory.c": source("memory").rstrip("\n"), "mm/one": "a"})
    project.commit({"mm/memory.c": source("memory"), "mm/one": "a\n"})


def quoted_path(project: Project) -> None:
    project.commit({"mm/ä b.c": source("blank"), 'mm/quote".c': "x\n"})
    project.git("mv", "mm/ä b.c", "mm/ö c.c")
    project.commit()


def link_within(project: Project) -> None:
    (project.path / "mm/link").symlink_to("../kernel/fork.c")
    project.commit()


def empty_file(project: Project) -> None:
    project.commit({"mm/empty": ""})
    project.commit({"mm/empty": None})


def file_becomes_folder(project: Project) -> None:
    project.commit({"mm/gup.c": None})
    project.commit({"mm/gup.c/part.c": source("part")})


@pytest.mark.parametrize(
    "change",
    [
        modify,
        rename_and_edit,
        copy,
        change_mode,
        create_and_delete,
        binary,
        no_newline_at_end,
        quoted_path,
        link_within,
        empty_file,
        file_becomes_folder,
        five_patches,
    ],
)
def test_trees_are_those_of_git_am(store: Store, project: Project, change: Callable[[Project], None]) -> None:
    change(project)
    mbox = project.mbox(project.start, "--binary", "-M", "-C", "--find-copies-harder")
    result = attempt(store, project, mbox)
    assert result.reject is None
    assert result.method is Method.CLEAN
    assert result.patches[-1].tree == project.am(project.start, mbox) == project.git("rev-parse", "HEAD^{tree}")


def test_each_patch_is_a_commit_on_the_one_before(store: Store, project: Project) -> None:
    five_patches(project)
    result = attempt(store, project, project.mbox(project.start))
    parent = project.start
    for applied in result.patches:
        commit = store.commit(applied.commit)
        assert [str(one) for one in commit.parent_ids] == [parent]
        assert str(commit.tree_id) == applied.tree
        parent = applied.commit


def test_a_commit_has_author_date_and_message_of_the_mail(store: Store, project: Project) -> None:
    project.edit("mm/gup.c", "gup_3", "pin_3")
    project.commit(message="mm: räume auf\n\nWords.\n\nSigned-off-by: Ada Example <ada@example.org>")
    result = attempt(store, project, project.mbox(project.start))
    commit = store.commit(result.patches[0].commit)
    assert (commit.author.name, commit.author.email) == ("Ada Example", "ada@example.org")
    assert (commit.author.time, commit.author.offset) == (1700000000, 60)
    assert commit.committer == commit.author
    subject, blank, *rest = commit.message.splitlines()
    assert (subject, blank) == ("mm: räume auf", "")
    assert rest[:3] == ["Words.", "", "Signed-off-by: Ada Example <ada@example.org>"]
    assert rest[3].startswith("Message-ID: <")


def test_a_message_is_cleaned_as_git_does(store: Store, project: Project) -> None:
    modify(project)
    diff = project.git("diff", project.start, "HEAD") + "\n"
    result = attempt(store, project, mail(diff, body="  Why.  \n\n\n\nWords.\t"))
    message = store.commit(result.patches[0].commit).message
    assert message.startswith("Change it\n\n  Why.\n\nWords.\n\nSigned-off-by: Ada Example <ada@example.org>\n")


def test_a_mail_without_a_subject_has_the_message_that_git_gives_it(store: Store, project: Project) -> None:
    modify(project)
    diff = project.git("diff", project.start, "HEAD") + "\n"
    raw = mail(diff).replace(b"Subject: [PATCH] Change it", b"Subject: [PATCH]")
    result = attempt(store, project, raw)
    assert store.commit(result.patches[0].commit).message.startswith("Because.\n\nSigned-off-by:")


def test_trailers_are_collected_once_and_only_from_whom_they_name(store: Store, project: Project) -> None:
    modify(project)
    base = base_of(store, project, project.start)
    trailers = [
        Trailer("Reviewed-by", "Bo <bo@example.org>", "1@example.org"),
        Trailer("Reviewed-by", "Bo <bo@example.org>", "2@example.org"),
        Trailer("Acked-by", "Eve <eve@example.org>", "3@example.org", mismatch=True),
    ]
    result = apply_series(store, base, patches(project.mbox(project.start)), trailers=trailers)
    message = store.commit(result.patches[0].commit).message
    assert message.count("Reviewed-by: Bo <bo@example.org>\n") == 1
    assert "Eve" not in message


def test_the_same_series_on_the_same_base_has_the_same_commits(tmp_path: Path, project: Project) -> None:
    five_patches(project)
    mbox = project.mbox(project.start)
    first = attempt(Store(tmp_path / "one"), project, mbox)
    second = attempt(Store(tmp_path / "two"), project, mbox)
    assert first.patches == second.patches


def test_an_in_body_author_and_a_scissors_line_are_obeyed(store: Store, project: Project) -> None:
    modify(project)
    diff = project.git("diff", project.start, "HEAD") + "\n"
    body = "Some talk before.\n\n-- >8 --\nFrom: Bo Example <bo@example.org>\nSubject: mm: the real one\n\nWhy."
    result = attempt(store, project, mail(diff, body=body))
    commit = store.commit(result.patches[0].commit)
    assert commit.author.name == "Bo Example"
    assert commit.message.startswith("mm: the real one\n\nWhy.\n")
    assert "talk" not in commit.message


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
def test_encoded_mails_are_decoded(store: Store, project: Project, encoding: str) -> None:
    modify(project)
    plain = mail(project.git("diff", project.start, "HEAD") + "\n")
    header, _, body = plain.partition(b"\n\n")
    encoded = base64.encodebytes(body) if encoding == "base64" else quopri.encodestring(body)
    result = attempt(store, project, header.replace(b"8bit", encoding.encode()) + b"\n\n" + encoded)
    assert result.applies
    assert result.patches[0].tree == project.git("rev-parse", "HEAD^{tree}")


def test_latin1_mails_become_utf8_commits(store: Store, project: Project) -> None:
    modify(project)
    raw = mail(project.git("diff", project.start, "HEAD") + "\n", body="Grüße").decode().encode("latin-1")
    result = attempt(store, project, raw.replace(b"UTF-8", b"ISO-8859-1"))
    assert "Grüße" in store.commit(result.patches[0].commit).message


def test_fuzz_is_taken_only_when_asked_for(store: Store, project: Project) -> None:
    modify(project)
    mbox = project.mbox(project.start)
    directory = project.path
    project.git("checkout", "-q", "--detach", project.start)
    project.edit("mm/memory.c", "memory_9(void)", "memory_9(long)")
    branch = store.import_directory("snapshot", directory)
    base = Base("snapshot", branch.commit, "test")
    # The blobs are not in the store, so that there is no 3-way merge to fall back to.
    assert not apply_series(store, base, patches(mbox)).applies
    result = apply_series(store, base, patches(mbox), fuzz=True)
    assert result.method is Method.FUZZ


def test_the_first_patch_that_fails_ends_it_and_the_ones_before_stay(store: Store, project: Project) -> None:
    five_patches(project)
    whole = patches(project.mbox(project.start))
    result = apply_series(store, base_of(store, project, project.start), [whole[0], whole[1], *whole[3:]])
    assert [patch.number for patch in result.patches] == [1, 2, 4, 5]
    without_first = [patch for patch in whole if patch.number != 1]
    project.commit({"mm/file3.c": "occupied\n"})
    failing = apply_series(store, base_of(store, project, project.git("rev-parse", "HEAD")), without_first[:1])
    assert failing.method is Method.ALREADY


def test_no_patch_at_all_does_not_apply(store: Store, project: Project) -> None:
    result = apply_series(store, base_of(store, project, project.start), [])
    assert result.reject is not None
    assert "no patch" in result.reject.reason.lower()


def test_an_unknown_base_is_said_to_be_unknown(store: Store, project: Project) -> None:
    modify(project)
    with pytest.raises(NotFoundError, match="is not in the store"):
        apply_series(store, Base("mm", "0" * 40, "test"), patches(project.mbox(project.start)))


def test_an_applied_series_is_kept_from_being_pruned(store: Store, project: Project) -> None:
    modify(project)
    result = attempt(store, project, project.mbox(project.start))
    references = list((store.path / "refs/series").glob("*/*"))
    assert [reference.read_text().strip() for reference in references] == [result.patches[-1].commit]
    store.prune()
    assert store.has_commit(result.patches[-1].commit)


@pytest.mark.parametrize("size", [200, 1500, 3000])
def test_a_full_disk_is_the_operators_and_no_failed_patch(
    store: Store, project: Project, tmp_path: Path, size: int
) -> None:
    noise = base64.encodebytes(hashlib.shake_256(b"noise").digest(9000)).decode()
    project.commit({f"mm/{number}/file.c": f"{number}\n{noise}" for number in range(5)})
    mbox = tmp_path / "series.mbox"
    mbox.write_bytes(project.mbox(project.start))
    base_of(store, project, project.start)
    code = (
        "import resource, sys; from reviewbot.tree.__main__ import main; "
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size})); sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "apply", mbox, "--tree", "project", "--store", store.path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not (store.path / "refs/series").exists()


@pytest.mark.parametrize(
    ("end", "apart"),
    [
        ("Reviewed-by Bo Example <bo@example.org>\nSigned-off-by: Ada Example <ada@example.org>", False),
        ("[bo: a remark]\nSigned-off-by: Ada Example <ada@example.org>", False),
        ("Words.\nMore words.\nAnd more.\nAnd more.\nSigned-off-by: Ada Example <ada@example.org>", True),
        ("Words.\nReviewed-by: Bo Example <bo@example.org>", True),
    ],
)
def test_trailers_are_added_to_what_git_takes_for_trailers(
    store: Store, project: Project, end: str, apart: bool
) -> None:
    raw = mail(
        "diff --git a/mm/new.c b/mm/new.c\nnew file mode 100644\n--- /dev/null\n+++ b/mm/new.c\n@@ -0,0 +1 @@\n+x\n"
    )
    raw = raw.replace(b"Signed-off-by: Ada Example <ada@example.org>", end.encode())
    given = Trailer("Tested-by", "Eve <eve@example.org>\t# x", "eve@example.org")
    result = apply_series(store, base_of(store, project, project.start), patches(raw), trailers=[given])
    message = store.commit(result.patches[0].commit).message
    added = "Tested-by: Eve <eve@example.org>\t# x\nMessage-ID: <hand-written@example.org>\n"
    assert message.endswith(f"{end}\n{'' if not apart else chr(10)}{added}")
