"""Webhooks: told once, signed, again until it is taken, and never at a private address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from reviewbot.errors import ReviewError
from reviewbot.reports.facts import State
from tests import factories
from threads import models
from threads.services import foreign, tokens, webhooks

pytestmark = pytest.mark.django_db


class Ear(HTTPServer):
    """Hears what is told, and answers with the status that it is set to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.status = 204

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Answer(BaseHTTPRequestHandler):
    server: Ear

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.server.status == 302:
            self.send_header("Location", self.server.url)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def ear(settings: Any) -> Iterator[Ear]:
    settings.PRIVATE_WEBHOOKS = True
    server = Ear()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def again() -> None:
    """Let every pause be over."""
    models.WebhookCall.objects.update(due_at=timezone.now())
    webhooks.tell()


def test_a_report_is_told_once_and_signed(ear: Ear) -> None:
    hook = webhooks.add("ci", ear.url)
    talk = factories.discussion()
    webhooks.tell()
    webhooks.tell()
    told = [json.loads(body) for _, body in ear.heard]
    assert sorted(one["msgid"] for one in told) == sorted([talk.v1.root_msgid, talk.v2.root_msgid])
    assert {one["verdict"] for one in told} == {"findings"}
    headers, body = ear.heard[0]
    assert headers["X-Reviewbot-Event"] == "series"
    stamp = headers["X-Reviewbot-Timestamp"]
    assert headers["X-Reviewbot-Signature"] == f"sha256={webhooks.signature(hook.secret, stamp, body)}"
    assert set(models.WebhookCall.objects.values_list("state", flat=True)) == {State.PASSED}


def test_what_was_before_is_not_told(ear: Ear) -> None:
    factories.discussion()
    webhooks.add("ci", ear.url)
    webhooks.tell()
    assert ear.heard == []


def test_a_report_that_changes_is_told_again(ear: Ear) -> None:
    webhooks.add("ci", ear.url)
    talk = factories.discussion()
    webhooks.tell()
    ear.heard.clear()
    report = models.Report.objects.get(series=talk.v2)
    report.digest = "other"
    report.save()
    webhooks.tell()
    assert [json.loads(body)["msgid"] for _, body in ear.heard] == [talk.v2.root_msgid]


def test_checks_and_decisions_are_told_with_who_did_them(ear: Ear) -> None:
    talk = factories.discussion()
    webhooks.add("ci", ear.url, "linux-mm")
    tokens.create("media-ci", ["checks"])
    user, patch = models.Token.objects.get().user, talk.v2.patches.get(number=1)
    foreign.add_check(patch.message, user, context="smoke", state="fail", target_url="", description="d")
    foreign.decide(patch, user, "new", {"state": "accepted"})
    patch.message.lists.add(models.MailingList.objects.get(name="linux-mm"))
    webhooks.tell()
    told = [(headers["X-Reviewbot-Event"], json.loads(body)) for headers, body in ear.heard]
    assert [event for event, _ in told] == ["check-created", "patch-state-changed"]
    assert (told[0][1]["actor"], told[0][1]["context"], told[1][1]["after"]) == ("media-ci", "smoke", "accepted")


def test_it_is_tried_again_with_growing_pauses_until_it_is_taken(ear: Ear) -> None:
    webhooks.add("ci", ear.url)
    factories.does_not_apply()
    ear.status = 500
    webhooks.tell()
    call = models.WebhookCall.objects.get()
    assert (call.state, call.tries, call.reason) == (State.NOT_RUN, 1, "It answered with status 500.")
    first = call.due_at - timezone.now()
    webhooks.tell()
    assert len(ear.heard) == 1, "not before the pause is over"
    again()
    call.refresh_from_db()
    assert call.due_at - timezone.now() > first + timedelta(seconds=20)
    assert models.Webhook.objects.get().failing_since is not None
    ear.status = 200
    again()
    call.refresh_from_db()
    assert (call.state, call.tries) == (State.PASSED, 3)
    assert models.Webhook.objects.get().failing_since is None
    assert len({headers["X-Reviewbot-Delivery"] for headers, _ in ear.heard}) == 1, (
        "the same id, so that it can be told"
    )


def test_it_is_given_up_in_the_end(ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST_TRIES", 2)
    webhooks.add("ci", ear.url)
    factories.does_not_apply()
    ear.status = 302
    webhooks.tell()
    again()
    again()
    assert models.WebhookCall.objects.get().state == State.FAILED
    assert len(ear.heard) == 2, "and no redirect was followed"


def test_what_another_worker_has_is_left_to_it(ear: Ear) -> None:
    webhooks.add("ci", ear.url)
    factories.does_not_apply()
    hook = models.Webhook.objects.get()
    webhooks._find(hook)
    stale = models.WebhookCall.objects.select_related("hook").get()
    models.WebhookCall.objects.update(due_at=timezone.now() + timedelta(minutes=1))
    webhooks._try(stale)
    assert ear.heard == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://[::1]/", "http://169.254.169.254/latest", "http://10.0.0.1/"]
)
def test_private_addresses_are_refused(url: str) -> None:
    webhooks.add("ci", url)
    factories.does_not_apply()
    webhooks.tell()
    assert "private address" in models.WebhookCall.objects.get().reason


@pytest.mark.parametrize(
    ("name", "url", "on"),
    [
        ("ci", "ftp://x.example.org/", ""),
        ("ci", "https://me:pw@x.example.org/", ""),
        ("C I", "https://x.example.org/", ""),
        ("ci", "https://x.example.org/", "no-such-list"),
    ],
)
def test_nonsense_is_refused(name: str, url: str, on: str) -> None:
    with pytest.raises(ReviewError):
        webhooks.add(name, url, on)


def test_the_operator_adds_lists_and_removes_them() -> None:
    def manage(*arguments: str) -> str:
        out = StringIO()
        call_command("webhook", *arguments, stdout=out)
        return out.getvalue()

    key = manage("add", "ci", "https://ci.example.org/hook").strip()
    assert models.Webhook.objects.get().secret == key
    assert "0 wait, 0 given up\twell" in manage("list")
    assert key not in manage("list")
    manage("remove", "ci")
    assert not models.Webhook.objects.exists()
