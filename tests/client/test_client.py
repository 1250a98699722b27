"""The client against a server of ours: values, sentences, exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from reviewbot.client import Client, ClientError
from reviewbot.client.__main__ import main
from tests import factories, tellings
from threads import models
from threads.services import intake, tokens

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def talk(transactional_db: None) -> factories.Discussion:
    return factories.discussion()


@pytest.fixture(autouse=True)
def _site(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEWBOT_SITE", live_server.url)


def test_the_status_of_a_series_as_values(talk: factories.Discussion, live_server: LiveServer) -> None:
    series = Client(live_server.url).status(f"<{talk.v2.patches.get(number=2).message.message_id}>")
    assert (series.message_id, series.verdict, series.done, series.exit_status) == (
        talk.v2.root_msgid, "findings", True, 1,
    )  # fmt: skip
    assert [patch.number for patch in series.patches] == [1, 2, 3]
    assert {check.state for check in series.patches[1].checks} == {"passed", "failed", "warned", "skipped"}
    assert (series.findings[0].rule, series.findings[0].life, series.findings[0].line) == ("C01", "still", 26)


def test_the_exit_status_is_that_of_the_verdict(talk: factories.Discussion, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", talk.v2.root_msgid]) == 1
    assert "C01" in capsys.readouterr().out
    assert main(["status", factories.does_not_apply().root_msgid, "--format", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["verdict"] == "does not apply"
    waiting = factories.series("[PATCH] w", expected=1)
    factories.patch(waiting, 1, "w", tellings.diff_of(1))
    assert main(["status", waiting.root_msgid, "--wait", "1"]) == 3


def test_what_is_not_known_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "nobody@example.org"]) == 3
    assert "No series is known" in capsys.readouterr().err
    assert main(["--site", "http://127.0.0.1:1", "status", "x@y"]) == 3
    assert "does not answer" in capsys.readouterr().err
    with pytest.raises(ClientError, match="no address"):
        Client("file:///etc/passwd")
    with pytest.raises(SystemExit) as end:
        main(["status"])
    assert end.value.code == 64


def test_a_page_that_is_not_the_api_is_told_so(live_server: LiveServer) -> None:
    with pytest.raises(ClientError) as error:
        Client(f"{live_server.url}/nothing").status("x@y")
    assert error.value.status == 404


def test_it_judges_with_its_token(
    talk: factories.Discussion,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    live_server: LiveServer,
) -> None:
    finding = Client(live_server.url).status(talk.v2.root_msgid).findings[0].id
    judged = ["verdict", talk.v2.root_msgid, finding, "wrong", "It is freed by the caller."]
    assert main(judged) == 3
    assert "scope 'verdict'" in capsys.readouterr().err
    monkeypatch.setenv("REVIEWBOT_TOKEN", tokens.create("jun", ["verdict"]))
    assert main(judged) == 0
    assert models.Mark.objects.get().who == "jun"


def test_it_submits_and_reruns(
    talk: factories.Discussion, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        intake, "submit", lambda target, options: models.Submission.objects.create(target=target, options=options)
    )
    monkeypatch.setattr("threads.api.series.rerun", lambda series: None)
    assert main(["submit", "new@example.org", "--no-build", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["target"] == "new@example.org"
    assert models.Submission.objects.get().options == {"build": False}
    assert main(["rerun", talk.v2.root_msgid]) == 0


def test_findings_are_listed_page_by_page(
    talk: factories.Discussion, live_server: LiveServer, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(60):
        models.Finding.objects.create(
            run=talk.run, fingerprint=f"{number:016}", rule="C01", severity="error", file="a.c", line=1, message="m"
        )
    assert len(list(Client(live_server.url).findings(rule="C01"))) == 60
    assert main(["findings", "--rule", "C01", "--most", "2"]) == 0
    assert capsys.readouterr().out == "a.c:1: error: C01: m\n" * 2


def test_it_needs_nothing_but_the_standard_library() -> None:
    root = Path(__file__).resolve().parents[2]
    script = f"import sys; sys.path.insert(0, {str(root)!r}); import reviewbot.client.__main__"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True)
