"""What a series is stated to stand on is fetched when it is not here, and applied first."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from reviewbot.mail.mbox import split_mbox
from tests.lore.fake_lore import Lore, serve
from tests.threads.conftest import Queue
from tests.tree.project import Project
from threads import models
from threads.services import intake, pipeline, prerequisites, trees


@pytest.fixture
def lore(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lore]:
    with serve(Lore([])) as archive:
        monkeypatch.setattr(settings, "LORE_URL", archive.url)
        yield archive


@pytest.fixture
def upstream(transactional_db: None, tmp_path: Path) -> Project:
    project = Project(tmp_path / "upstream")
    trees.add("linux", str(project.path))
    return project


def step(project: Project, line: int, above: str, *options: str, stated: str = "") -> list[bytes]:
    """Change a line next to the one before, and return the mails of that; what it stands on is stated below the cut."""
    project.edit("mm/memory.c", f"memory_{line}(void)", f"memory_{line}(int a)")
    project.commit(message=f"mm: step {line}")
    mbox = project.mbox(above, "--signature=", *options)
    return [raw.replace(b"\n---\n", f"\n---\n{stated}\n".encode(), 1) for raw in split_mbox(io.BytesIO(mbox))]


def name_of(mails: list[bytes]) -> str:
    return str(intake.parse_target(mails[0].partition(b"Message-Id: ")[2].partition(b"\n")[0].decode()).message_id)


def posted(project: Project, mails: list[bytes], steps: Queue) -> models.Application:
    project.git("reset", "-q", "--hard", project.start)
    row = intake.take_in(mails)
    pipeline.want(row, {"build": False})
    steps.drain()
    return row.applications.get(chosen=True)


def test_a_series_that_is_named_is_fetched(upstream: Project, lore: Lore, steps: Queue) -> None:
    below = step(upstream, 20, upstream.start)
    lore.threads = [below]
    name = name_of(below)
    application = posted(upstream, step(upstream, 21, "HEAD~", stated=f"Based-on: <{name}>\n"), steps)
    assert application.applies
    assert application.how.endswith("with 1 prerequisite patch")
    assert f"The series <{name}> that it stands on was not here; it was fetched from the archive." in application.trace
    assert not models.Series.objects.get(root_msgid=name).wanted


def test_patches_that_are_named_by_their_ids_are_fetched(upstream: Project, lore: Lore, steps: Queue) -> None:
    lore.threads = [step(upstream, 20, "HEAD~")]
    lore.threads += [step(upstream, 21, "HEAD~")]
    upstream.edit("mm/memory.c", "memory_22(void)", "memory_22(int a)")
    upstream.commit(message="mm: step 22")
    mails = list(split_mbox(io.BytesIO(upstream.mbox("HEAD~", f"--base={upstream.start}"))))
    assert mails[0].count(b"prerequisite-patch-id") == 2
    application = posted(upstream, mails, steps)
    assert application.applies
    assert (
        "2 of the 2 patches that it stands on were not here; they were fetched from the archive." in application.trace
    )
    assert len([path for path in lore.asked if "patchid" in path]) == 1


def test_what_that_stands_on_goes_in_before_it(upstream: Project, lore: Lore, steps: Queue) -> None:
    first = step(upstream, 20, "HEAD~")
    second = step(upstream, 21, "HEAD~", stated=f"Based-on: <{name_of(first)}>\n")
    lore.threads = [first, second]
    application = posted(upstream, step(upstream, 22, "HEAD~", stated=f"Based-on: <{name_of(second)}>\n"), steps)
    assert application.applies
    assert application.how.endswith("with 2 prerequisite patches")


def test_no_more_than_some_series_below_one_another_are_followed(
    upstream: Project, lore: Lore, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "DEPTH", 1)
    first = step(upstream, 20, "HEAD~")
    second = step(upstream, 21, "HEAD~", stated=f"Based-on: <{name_of(first)}>\n")
    lore.threads = [first, second]
    application = posted(upstream, step(upstream, 22, "HEAD~", stated=f"Based-on: <{name_of(second)}>\n"), steps)
    assert not application.applies
    assert any(
        line.endswith("stands on yet another series; no more than 1 are followed.") for line in application.trace
    )


def test_series_that_stand_on_each_other_come_to_an_end(upstream: Project, lore: Lore, steps: Queue) -> None:
    stated = "Based-on: <third@example.org>\n"
    first = step(upstream, 20, "HEAD~", stated=stated)
    lore.threads = [first]
    second = step(upstream, 21, "HEAD~", stated=f"Based-on: <{name_of(first)}>\n")
    second[0] = second[0].replace(name_of(second).encode(), b"third@example.org")
    assert posted(upstream, second, steps).applies
    assert len(lore.asked) <= 4


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("Based-on: <nobody@example.org>\n", "is not in the archive"),
        (f"prerequisite-patch-id: {'7' * 40}\n", "1 are not in the archive either: 777777777777."),
    ],
)
def test_what_the_archive_does_not_have_is_said(
    upstream: Project, lore: Lore, steps: Queue, stated: str, said: str
) -> None:
    application = posted(upstream, step(upstream, 20, "HEAD~", stated=stated), steps)
    assert said in " ".join(application.trace)
    assert application.applies


def test_an_archive_that_is_out_of_order_is_said_and_no_reason_to_stop(
    upstream: Project, lore: Lore, steps: Queue
) -> None:
    lore.broken = lambda: (503, b"later")
    application = posted(upstream, step(upstream, 20, "HEAD~", stated="Based-on: <x@example.org>\n"), steps)
    assert "The series <x@example.org> that it stands on could not be fetched." in " ".join(application.trace)
    assert application.applies


def test_an_operator_may_forbid_to_ask(
    upstream: Project, lore: Lore, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FETCH_BASES", False)
    application = posted(upstream, step(upstream, 20, "HEAD~", stated="Based-on: <x@example.org>\n"), steps)
    assert not lore.asked
    assert "The series stands on 1 series; nothing of it is known here." in application.trace


def test_no_more_than_some_questions_are_asked(
    upstream: Project, lore: Lore, steps: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prerequisites, "_QUESTIONS", 1)
    stated = "Based-on: <one@example.org>\nBased-on: <two@example.org>\n"
    application = posted(upstream, step(upstream, 20, "HEAD~", stated=stated), steps)
    assert any(
        line.startswith("The series <two@example.org>") and line.endswith("asked for enough already.")
        for line in application.trace
    )
