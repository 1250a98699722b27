"""What the commands say and how they end, for a person and for a script."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.core.management import call_command
from django.db import OperationalError

from reviewbot.errors import NotFoundError, TransientError
from tests.threads.conftest import CORPUS, V1, V2, Queue
from threads import models
from threads.management.commands import review
from threads.services import intake

MAILBOX = str(CORPUS / "minikernel.mbox")


class Said(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def run(*arguments: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    status = 0
    try:
        call_command(*arguments, stdout=out, stderr=err)
    except SystemExit as end:
        status = int(end.code or 0)
    return Said(status, out.getvalue(), err.getvalue())


@pytest.fixture(autouse=True)
def _work_here(monkeypatch: pytest.MonkeyPatch, steps: Queue) -> None:
    """Let the test's own queue do the work of the workers."""

    @contextmanager
    def here() -> Iterator[Callable[[], object]]:
        yield steps.drain

    monkeypatch.setattr(review, "workers", here)


def archive(monkeypatch: pytest.MonkeyPatch, answer: list[bytes] | Exception) -> None:
    def fetch(target: str, origin: Any) -> list[bytes]:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(intake, "fetch_thread", fetch)


def test_a_mailbox_with_findings_ends_with_one_and_says_them(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--no-build")
    assert said.status == 1
    assert "v2 " in said.out
    assert "C06" in said.out
    assert "split_pud" in said.out


def test_progress_is_shown_while_it_works(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--no-build")
    assert "applies to minikernel" in said.out
    assert "v2 3/3   pgtable:" in said.out


def test_json_is_what_the_api_answers_and_nothing_else_is_on_standard_output(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--no-build", "--json")
    facts = json.loads(said.out)
    assert (facts["msgid"], facts["verdict"], said.status) == (V2.format(1), "findings", 1)
    assert "applies to minikernel" in said.err


def test_an_earlier_version_can_be_asked_for(minikernel: models.Tree) -> None:
    facts = json.loads(run("review", MAILBOX, "--no-build", "--json", "--version", "1").out)
    assert facts["msgid"] == V1.format(1)


def test_a_version_that_is_not_there_is_said_with_those_that_are(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--version", "7")
    assert (said.status, said.out) == (3, "")
    assert "known are v1, v2" in said.err


def test_a_message_id_is_fetched_from_the_archive(
    minikernel: models.Tree, mails: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    archive(monkeypatch, mails)
    facts = json.loads(run("review", f"https://lore.kernel.org/r/{V1.format(3)}", "--no-build", "--json").out)
    assert facts["msgid"] == V1.format(1)


def test_one_check_alone(minikernel: models.Tree) -> None:
    assert run("review", MAILBOX, "--no-build", "--check", "characters").status == 0
    assert set(models.Run.objects.values_list("check_name", flat=True)) == {"characters"}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotFoundError("The archive does not know the Message-ID <a@x>."), "does not know"),
        (TransientError("The archive cannot be reached."), "cannot be reached"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence_and_three(
    minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    archive(monkeypatch, error)
    said = run("review", "a@example.org")
    assert said.status == 3
    assert words in said.err
    assert said.err.count("\n") == 1
    assert not models.Series.objects.exists()


def test_nothing_is_queued_before_there_is_a_queue(
    minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch, mails: list[bytes], steps: Queue
) -> None:
    archive(monkeypatch, mails)
    queued = []

    @contextmanager
    def workers() -> Iterator[Callable[[], object]]:
        queued.extend(steps)
        yield steps.drain

    monkeypatch.setattr(review, "workers", workers)
    assert run("review", V2.format(1), "--no-build").status == 1
    assert queued == []


def test_an_empty_target_is_no_folder(minikernel: models.Tree) -> None:
    said = run("review", "")
    assert said.status == 3
    assert "neither a Message-ID nor the URL" in said.err


def test_a_target_that_is_nothing_is_said_so(minikernel: models.Tree) -> None:
    said = run("review", "no-such-file.mbox")
    assert said.status == 3
    assert "There is no file of that name either." in said.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"just some text\nof no mail\n", "no mailbox"),
        (b"From a@x Mon Jan  1 00:00:00 2024\nFrom: A <a@example.org>\nSubj", "truncated|ends within"),
        (b"From: A <a@example.org>\nMessage-ID: <a@x>\nSubject: hello\n\nNo patch.\n", "no patch series"),
    ],
)
def test_a_mailbox_that_cannot_be_used_is_the_senders_to_mend(
    minikernel: models.Tree, tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "box.mbox"
    path.write_bytes(content)
    said = run("review", str(path))
    assert said.status == 2
    assert any(word in said.err for word in words.split("|")), said.err
    assert not models.Series.objects.exists()


def test_a_patch_without_message_id_is_reviewed_all_the_same(
    minikernel: models.Tree, mails: list[bytes], tmp_path: Path
) -> None:
    [patch] = [raw for raw in mails if f"Message-ID: <{V2.format(2)}>".encode() in raw]
    alone = patch.replace(f"Message-ID: <{V2.format(2)}>\n".encode(), b"").replace(b"[PATCH v2 1/3]", b"[PATCH]")
    path = tmp_path / "patch.eml"
    path.write_bytes(alone)
    said = run("review", str(path), "--no-build")
    assert said.status == 0
    assert models.Series.objects.get().expected == 1


def test_a_series_with_a_missing_patch_says_which(minikernel: models.Tree, mails: list[bytes], tmp_path: Path) -> None:
    path = tmp_path / "box.mbox"
    kept = [raw for raw in mails if b"[PATCH v2" in raw and f"Message-ID: <{V2.format(3)}>".encode() not in raw]
    path.write_bytes(b"".join(b"From a@x Mon Jan  1 00:00:00 2024\n" + raw + b"\n" for raw in kept))
    said = run("review", str(path), "--no-build")
    assert said.status == 2
    assert "patch 2 of 3" in " ".join(said.out.split())


def test_without_a_tree_the_operator_is_told_before_anything_is_fetched(transactional_db: None) -> None:
    said = run("review", MAILBOX)
    assert said.status == 3
    assert "manage.py tree add" in said.err
    assert not models.Message.objects.exists()


def test_a_tree_that_is_not_there_is_said_with_those_that_are(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--tree", "no-such-tree")
    assert said.status == 3
    assert "known are: minikernel" in said.err


def test_a_directory_may_be_given_as_tree(transactional_db: None) -> None:
    assert run("review", MAILBOX, "--no-build", "--tree", str(CORPUS / "minikernel")).status == 1
    assert models.Tree.objects.get().name == "minikernel"


def test_a_command_line_that_makes_no_sense_has_a_status_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        call_command("review")
    assert end.value.code == 64


def test_a_second_review_of_the_same_is_answered_from_what_is_known(minikernel: models.Tree) -> None:
    first = run("review", MAILBOX, "--no-build", "--json").out
    runs = list(models.Run.objects.values_list("pk", "finished_at"))
    assert run("review", MAILBOX, "--no-build", "--json").out == first
    assert list(models.Run.objects.values_list("pk", "finished_at")) == runs


def test_trees_are_added_listed_and_removed(transactional_db: None) -> None:
    assert run("tree", "add", "mini", str(CORPUS / "minikernel")).status == 0
    assert "mini" in run("tree", "list").out
    assert run("tree", "remove", "mini").status == 0
    assert "No tree is registered" in run("tree", "list").out
    assert run("tree", "remove", "mini").status == 3


def test_an_import_keeps_mails_and_series_and_reviews_nothing(transactional_db: None, steps: Queue) -> None:
    said = run("import", MAILBOX)
    assert "12 mails, 12 new, 2 series" in said.out
    assert steps == []
    assert "12 mails, 0 new" in run("import", MAILBOX).out


def test_what_nobody_foresaw_is_our_fault_and_never_a_finding(
    minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "take_in", lambda *a, **o: {}["missing"])
    said = run("review", MAILBOX)
    assert said.status == 3
    assert "our side (KeyError" in said.err


def test_a_database_that_is_not_up_to_date_says_what_to_run(
    minikernel: models.Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **options: Any) -> None:
        raise OperationalError("no such table: threads_series")

    monkeypatch.setattr(intake, "take_in", fail)
    said = run("review", MAILBOX)
    assert said.status == 3
    assert "manage.py migrate" in said.err


def test_a_check_that_does_not_exist_is_said_before_anything_is_looked_at(minikernel: models.Tree) -> None:
    said = run("review", MAILBOX, "--check", "nonsense")
    assert said.status == 3
    assert "There is no check nonsense" in said.err
    assert not models.Series.objects.exists()
