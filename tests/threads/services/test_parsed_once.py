"""A mail is parsed when it arrives, and never again: what follows reads rows."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

import pytest
from django.test import Client

from reviewbot.mail import diff, parse
from reviewbot.mail.message import Message
from tests.mail.letters import letter
from tests.threads.conftest import Queue
from threads import models
from threads.services import intake, pipeline


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[bytes]]:
    """Count how often each mail is parsed, by whoever has the function."""
    counted: Counter[bytes] = Counter()
    original = parse.parse_message

    def count(raw: bytes) -> Message:
        counted[raw] += 1
        return original(raw)

    for name, module in list(sys.modules.items()):
        if name.startswith(("reviewbot.", "threads.")) and vars(module).get("parse_message") is original:
            monkeypatch.setattr(module, "parse_message", count)
    yield counted


def test_no_mail_is_parsed_twice_from_its_arrival_to_its_report(
    parsed: Counter[bytes], minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    series = intake.take_in(mails)
    assert parsed == Counter(mails)
    pipeline.want(series, {"build": False})
    steps.drain()
    assert models.Report.objects.filter(series=series).exists()
    assert parsed == Counter(mails)


def test_pages_and_answers_are_made_from_rows(
    parsed: Counter[bytes], series: models.Series, steps: Queue, client: Client
) -> None:
    steps.drain()
    parsed.clear()
    name, msgid = "linux-mm", series.root_msgid
    patch = series.patches.first()
    assert patch is not None
    for address in (
        f"/project/{name}/series/{msgid}/",
        f"/project/{name}/patch/{patch.message.message_id}/",
        f"/api/v1/series/{msgid}/",
    ):
        assert client.get(address, follow=True).status_code == 200
    assert not parsed


def test_a_diff_that_is_known_is_not_read_again_when_a_reply_arrives(
    monkeypatch: pytest.MonkeyPatch, minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    intake.take_in(mails)
    read: list[str] = []
    original = diff.parse_diff
    monkeypatch.setattr(
        "reviewbot.series.assemble.parse_diff", lambda text, **how: read.append(text) or original(text, **how)
    )
    patch = models.Patch.objects.select_related("message").order_by("pk").first()
    assert patch is not None
    above = patch.message.message_id
    answer = {
        "subject": f"Re: {patch.message.subject}",
        "message_id": "<late@example.org>",
        "in_reply_to": f"<{above}>",
    }
    intake.take_in([letter("Acked-by: Ada Example <ada@example.org>\n", **answer)], above)
    assert read == []
