"""``manage.py mail``, ``policy`` and ``digest``."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django.fixtures import Settings

from tests import factories
from tests.threads.conftest import Queue
from tests.threads.services.outgoing import allow, undrafted
from threads import models
from threads.services import digests, marks, outbox

pytestmark = pytest.mark.django_db
Stage = models.Delivery.Stage


@pytest.fixture
def talk(settings: Settings, steps: Queue, tmp_path: Path) -> factories.Discussion:
    allow(settings, tmp_path, '[default]\nto = "author"\nwhat = "all"\n')
    made = undrafted()
    outbox.put(made.v2, made.report)
    return made


def run(*words: str) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def test_the_outbox_from_a_terminal(talk: factories.Discussion) -> None:
    row = talk.v2.deliveries.get()
    assert f"{row.pk}  waiting    {row.subject}" in run("mail", "list")
    assert bytes(row.raw).decode() in run("mail", "show", str(row.pk))
    run("mail", "--by", "mira", "approve", str(row.pk))
    row.refresh_from_db()
    assert (row.stage, row.decided_by) == (Stage.APPROVED, "mira")
    assert run("mail", "list", "sent") == "There is no mail that is sent.\n"
    assert run("mail", "send") == "Nothing was sent; mail list says why.\n"


def test_without_a_policy_the_drafts_are_what_is_open(talk: factories.Discussion, settings: Settings) -> None:
    settings.MAIL_POLICY.unlink()
    outbox.put(talk.v2, talk.report)
    assert "  draft      Re: [PATCH v2 2/3]" in run("mail", "list")
    models.Delivery.objects.all().delete()
    assert run("mail", "list") == "Nothing is open.\n"


def test_stopping_from_a_terminal(talk: factories.Discussion) -> None:
    run("mail", "--by", "mira", "stop", "Something is odd.")
    assert "(mira): Something is odd." in run("mail", "list")
    assert run("mail", "start") == "Stops that were lifted: 1.\n"


def test_what_does_not_wait_cannot_be_rejected(talk: factories.Discussion) -> None:
    row = talk.v2.deliveries.get()
    run("mail", "reject", str(row.pk), "It is wrong.")
    with pytest.raises(SystemExit) as ended:
        run("mail", "approve", str(row.pk))
    assert ended.value.code == 2
    with pytest.raises(SystemExit):
        run("mail", "show", "4711")


def test_the_policy_says_what_it_decides_and_why(talk: factories.Discussion) -> None:
    assert run("policy").startswith("default: to author, what all, embargo 0 h, moderated\n")
    text = run("policy", "--series", talk.v2.root_msgid)
    assert "the worst finding is of severity error." in text
    assert f"author: [default] says to = 'author'.\nTo {factories.AUTHOR[0]} <{factories.AUTHOR[1]}>;" in text


def test_a_policy_that_is_none_is_told(talk: factories.Discussion, settings: Settings) -> None:
    settings.MAIL_POLICY.write_text('[default]\nto = "all"\n', encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        run("policy")
    assert ended.value.code == 3
    settings.MAIL_POLICY.unlink()
    assert run("policy").startswith("There is no policy.toml; drafts are kept, and nothing is sent.\n")


def test_the_digest_is_sent_to_who_asked_for_mails_once(talk: factories.Discussion) -> None:
    outbox.wish(["ben@example.org"], models.Consent.Wish.MAILS, by="ben@example.org")
    marks.mark(talk.v2, talk.report.findings[0], "wrong", "The lock is never split.", "jun")
    until = f"{talk.v2.date:%Y-%m-}{talk.v2.date.day + 1:02}"
    for _ in range(2):
        text = " ".join(run("digest", "--list", "linux-mm", "--until", until, "--send").split())
    assert "2 series were posted to linux-mm. 2 of them were applied" in text
    assert "2 errors and 1 warning" in text
    row = models.Delivery.objects.get(kind=models.Delivery.Kind.DIGEST)
    assert (row.recipients, row.stage) == (["ben@example.org"], Stage.APPROVED)


def test_volunteers_get_the_digest_of_the_last_whole_week_by_itself_where_the_policy_tells_them(
    talk: factories.Discussion, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: talk.v2.date + timedelta(days=7))
    outbox.wish(["ben@example.org"], models.Consent.Wish.MAILS, by="ben@example.org")
    models.MailingList.objects.filter(name="linux-mm").update(address="linux-mm@kvack.org")
    told = '[list."linux-mm@kvack.org"]\nto = "volunteers"\n'
    for sending, policy in ((False, told), (True, '[default]\nto = "author"\n'), (True, "")):
        settings.SENDING = sending
        settings.MAIL_POLICY.write_text(policy, encoding="utf-8")
        assert digests.send_weekly() == 0
    settings.MAIL_POLICY.write_text(told, encoding="utf-8")
    assert (digests.send_weekly(), digests.send_weekly()) == (1, 1)
    row = models.Delivery.objects.get(kind=models.Delivery.Kind.DIGEST)
    until = talk.v2.date + timedelta(days=7 - talk.v2.date.weekday())
    assert (row.recipients, row.subject.endswith(f"the week to {until:%Y-%m-%d}")) == (["ben@example.org"], True)


def test_a_list_that_is_not_known_has_no_digest(talk: factories.Discussion) -> None:
    with pytest.raises(SystemExit):
        run("digest", "--list", "nothing")
