"""The choice of the base as rows: fetched when it can be, explained, and kept with every try."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from django.conf import settings

from reviewbot.mail.mbox import split_mbox
from reviewbot.reports.text import render
from reviewbot.tree import remotes
from tests.threads.conftest import Queue
from tests.tree.project import Project
from threads import models
from threads.facts import gather
from threads.services import intake, pipeline, trees


@pytest.fixture
def upstream(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(remotes, "SCHEMES", ("file",))
    monkeypatch.setattr(settings, "TREE_HOSTS", [""])
    project = Project(tmp_path / "upstream")
    trees.add("mm-unstable", f"file://{project.path}", branch="main", words=["akpm"])
    return project


def posted(mbox: bytes, steps: Queue) -> models.Application:
    row = intake.take_in(list(split_mbox(io.BytesIO(mbox))))
    pipeline.want(row, {"build": False})
    steps.drain()
    return row.applications.get(chosen=True)


def on_a_lost_base(project: Project) -> tuple[str, bytes]:
    """Make a patch on a commit that the branch no longer has, and return that commit and the mail."""
    lost = project.commit({"mm/gup.c": "int lost;\n"}, "mm: lost")
    project.write({"mm/gup.c": "int lost;\nint found;\n"})
    project.commit(message="mm: find it")
    mbox = project.mbox(lost, f"--base={lost}")
    project.git("reset", "-q", "--hard", project.start)
    return lost, mbox


def test_a_base_commit_that_is_not_here_is_fetched(upstream: Project, steps: Queue) -> None:
    lost, mbox = on_a_lost_base(upstream)
    application = posted(mbox, steps)
    assert (application.base_commit, application.how) == (lost, "base-commit of the cover")
    assert application.applies
    assert f"The commit {lost[:12]} was not here; it was fetched from the repository of mm-unstable." in (
        application.trace
    )


def test_a_base_commit_that_nobody_has_is_said(upstream: Project, steps: Queue) -> None:
    lost, mbox = on_a_lost_base(upstream)
    application = posted(mbox.replace(lost.encode(), b"1" * 40), steps)
    assert application.trace[:2] == [
        "The repository of mm-unstable does not have the commit 111111111111.",
        "The cover names base-commit 111111111111, which no known tree has; it is guessed instead.",
    ]
    assert not application.applies
    assert application.reject["file"] == "mm/gup.c"
    assert application.reject["hunk"]


def test_an_operator_may_forbid_to_ask(upstream: Project, steps: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "FETCH_BASES", False)
    application = posted(on_a_lost_base(upstream)[1], steps)
    assert application.trace[0].endswith("which no known tree has; it is guessed instead.")


def test_a_stale_tree_is_said_to_be_so_in_the_trace(upstream: Project, steps: Queue) -> None:
    models.Tree.objects.update(synced_at="2020-01-01T00:00:00Z")
    trace = posted(on_a_lost_base(upstream)[1].replace(b"base-commit", b"no-commit"), steps).trace
    assert any(line.endswith("It was last brought up to date on 2020-01-01 00:00 UTC.") for line in trace)


def test_what_a_series_is_stated_to_stand_on_is_applied_first(upstream: Project, steps: Queue) -> None:
    upstream.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    first = upstream.commit(message="mm: begin")
    mails = upstream.mbox(upstream.start)
    upstream.edit("mm/memory.c", "memory_21(void)", "memory_21(int a)")
    upstream.commit(message="mm: go on")
    stands = upstream.mbox(first, f"--base={upstream.start}")
    assert b"prerequisite-patch-id" in stands
    upstream.git("reset", "-q", "--hard", upstream.start)
    posted(mails, steps)
    application = posted(stands, steps)
    assert application.applies
    assert application.how == "base-commit of the cover, with 1 prerequisite patch"
    assert "The series stands on 1 prerequisite patch; 1 patch of it is known." in application.trace


def test_where_the_version_before_applies_is_said_of_one_that_does_not(upstream: Project, steps: Queue) -> None:
    upstream.edit("mm/memory.c", "memory_20(void)", "memory_20(int a)")
    upstream.commit(message="mm: it")
    first = upstream.mbox(upstream.start)
    upstream.git("reset", "-q", "--hard", upstream.start)
    lost = upstream.commit({"mm/memory.c": "int lost;\n"}, "mm: lost")
    upstream.commit({"mm/memory.c": "int lost;\nint found;\n"}, "mm: it")
    second = upstream.mbox(lost, "-v2").replace(b"Subject", b"In-Reply-To: <x@example.org>\nSubject")
    upstream.git("reset", "-q", "--hard", upstream.start)
    assert posted(first, steps).applies
    models.Series.objects.update(state="passed", verdict="clean")
    application = posted(second, steps)
    assert application.series.previous is not None
    assert not application.applies
    assert application.trace[-1] == "The version before, v1, applies to mm-unstable (6.12.7)."


TWO_PARTS = """\
From mboxrd@z Thu Jan  1 00:00:00 1970
From: {who}
To: linux-mm@lists.example.org
Subject: {subject}
Date: Mon, 2 Mar 2026 10:00:00 +0000
Message-ID: <{id}@example.org>
{more}MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=B

--B
Content-Type: text/plain

Say why.

Signed-off-by: Ada <ada@example.org>
---
{shown}
--B
Content-Type: image/png
Content-Transfer-Encoding: base64

{hidden}
--B--

"""


def new_file(path: str) -> str:
    return f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+int a;\n"


def test_what_git_changes_and_the_mail_does_not_show_is_said(upstream: Project, steps: Queue) -> None:
    hidden = base64.encodebytes(new_file("mm/hidden.c").encode()).decode()
    mail = TWO_PARTS.format(
        who="Ada <ada@example.org>", subject="[PATCH] mm: a", id="one", more="", shown=new_file("mm/a.c"), hidden=hidden
    )
    application = posted(mail.encode(), steps)
    said = "Patch 1: git also changes mm/hidden.c, which the mail does not show."
    assert application.applies
    assert application.trace[-1] == said
    report = gather(application.series)
    assert report.patches[0].unseen == said
    assert said in " ".join(render(report).split())


def test_nothing_is_said_of_a_mail_that_shows_all_of_it(upstream: Project, steps: Queue) -> None:
    upstream.write({"mm/other.c": "int other;\n", "mm/gup.c": None})
    upstream.commit(message="mm: move it")
    mbox = upstream.mbox(upstream.start)
    upstream.git("reset", "-q", "--hard", upstream.start)
    assert not any("does not show" in line for line in posted(mbox, steps).trace)
