"""Mails that are written to the service: who may ask for what, once, and who hears of it."""

from __future__ import annotations

import io
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from reviewbot.errors import TransientError
from reviewbot.mail.parse import parse_message
from tests import factories
from tests.mail.signing_keys import lookup, signed
from tests.threads.conftest import Queue
from tests.threads.services.outgoing import allow, undrafted
from threads import conversion, models
from threads.services import commanding, outbox, receiving

pytestmark = pytest.mark.django_db(transaction=True)
AUTHOR, REVIEWER, MAINTAINER = factories.AUTHOR[1], factories.REVIEWER[1], factories.MAINTAINER[1]
Kind = models.Letter.Kind
_numbers = iter(range(10**6))


@pytest.fixture
def talk(settings: Settings, steps: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> factories.Discussion:
    settings.MAIL_REPLY_TO = ""
    allow(settings, tmp_path, '[default]\nto = "author"\nwhat = "all"\n')
    named = f"MM\nM:\tJun <{MAINTAINER}>\nF:\tarch/arm64/mm/\n".encode()
    monkeypatch.setattr(commanding, "_maintainers_file", lambda _: named)
    return undrafted()


def ours(talk: factories.Discussion) -> models.Delivery:
    outbox.put(talk.v2, talk.report)
    row = talk.v2.deliveries.get()
    models.Delivery.objects.filter(pk=row.pk).update(stage=models.Delivery.Stage.SENT)
    return row


def mail(body: str, who: str = AUTHOR, to: str = "review@example.org", parent: str = "", **fields: Any) -> bytes:
    date = fields.get("date", timezone.now())
    name = fields.get("name", f"{next(_numbers)}@example.org")
    answers = f"In-Reply-To: <{parent}>\n" if parent else ""
    head = f"From: Somebody <{who}>\nTo: {to}\nSubject: Re: [PATCH] x\nDate: {format_datetime(date)}\n"
    return f"{head}Message-ID: <{name}>\n{answers}{fields.get('more', '')}\n{body}\n".encode()


def receive(body: str, who: str = AUTHOR, **fields: Any) -> str:
    return receiving.receive(signed(mail(body, who, **fields)), lookup)


def answers() -> list[str]:
    rows = models.Delivery.objects.filter(kind=models.Delivery.Kind.ANSWER).order_by("pk")
    return [parse_message(bytes(row.raw)).body for row in rows]


@pytest.mark.parametrize("who", [AUTHOR, MAINTAINER])
def test_author_and_maintainers_judge_a_finding(talk: factories.Discussion, steps: Queue, who: str) -> None:
    receive("#reviewbot wrong C01: the lock is never split here", who, parent=ours(talk).message_id)
    mark = models.Mark.objects.get()
    assert (mark.rule, mark.judgement, mark.who) == ("C01", "wrong", who)
    assert mark.reason == "the lock is never split here"
    assert ("publish", (talk.v2.pk,)) in steps
    assert answers() == []


def test_the_finding_is_that_of_the_line_above_the_command(talk: factories.Discussion) -> None:
    told = talk.report.findings[1]
    receive(f"> +{told.finding.location.text}\n\n#reviewbot not-worth: all do", parent=ours(talk).message_id)
    assert models.Mark.objects.get().fingerprint == told.finding.fingerprint


def test_who_does_not_say_which_finding_is_asked(talk: factories.Discussion) -> None:
    receive("#reviewbot wrong: no", parent=talk.v2.root_msgid)
    assert not models.Mark.objects.exists()
    [text] = answers()
    assert text.startswith("> #reviewbot wrong: no\n\nIt is not clear which finding is meant;")


@pytest.mark.parametrize("body", ["#reviewbot wrong C01: no", "#reviewbot rerun", "#reviewbot mute C01"])
def test_strangers_change_nothing_and_hear_so_once(talk: factories.Discussion, steps: Queue, body: str) -> None:
    steps.clear()
    for _ in range(3):
        receive(body, REVIEWER, parent=talk.v2.root_msgid)
    assert not models.Mark.objects.exists()
    assert not models.RuleMute.objects.exists()
    assert {step for step, _ in steps} <= {"send_due"}
    assert len(answers()) == 1


@pytest.mark.parametrize("raw", [mail("#reviewbot mute"), signed(mail("#reviewbot mute"), "example.com")])
def test_who_is_not_proven_to_be_it_changes_nothing_and_is_not_answered(talk: factories.Discussion, raw: bytes) -> None:
    assert "No DKIM signature" in receiving.receive(raw, lookup)
    assert not models.Consent.objects.exists()
    assert answers() == []


def test_a_mail_is_read_once_whatever_message_id_its_copies_have(talk: factories.Discussion) -> None:
    raw = mail("#reviewbot right C01", parent=talk.v2.root_msgid, name="once@example.org")
    raw = raw.replace(b"Message-ID: <once@example.org>\n", b"")
    first = signed(raw)
    for name in (b"a", b"b", b"b"):
        receiving.receive(first.replace(b"Subject:", b"Message-ID: <%b@example.org>\r\nSubject:" % name), lookup)
    assert models.Mark.objects.count() == 1


def test_an_unsigned_copy_does_not_keep_the_signed_one_out(talk: factories.Discussion) -> None:
    raw = mail("#reviewbot mute")
    receiving.receive(raw, lookup)
    receiving.receive(signed(raw), lookup)
    assert models.Consent.objects.get().address == AUTHOR


@pytest.mark.parametrize("days", [-4, 4])
def test_old_mails_and_those_of_the_future_are_not_obeyed(talk: factories.Discussion, days: int) -> None:
    receive("#reviewbot mute", date=timezone.now() + timedelta(days=days))
    assert not models.Consent.objects.exists()


def test_mute_ends_all_mails_and_is_not_answered(talk: factories.Discussion) -> None:
    receive("#reviewbot mute")
    outbox.put(talk.v2, talk.report)
    assert talk.v2.deliveries.get().stage == models.Delivery.Stage.WITHHELD
    receive("#reviewbot explain C01")
    assert answers() == []
    receive("#reviewbot unmute")
    outbox.put(talk.v2, talk.report)
    assert talk.v2.deliveries.get().stage == models.Delivery.Stage.WAITING
    assert len(answers()) == 1


def test_a_maintainer_mutes_a_rule_and_lets_it_speak_again(talk: factories.Discussion) -> None:
    receive("#reviewbot mute C01", MAINTAINER, parent=talk.v2.root_msgid)
    outbox.put(talk.v2, talk.report)
    assert b"C01 " not in bytes(talk.v2.deliveries.get().raw)
    receive("#reviewbot unmute C01", MAINTAINER, parent=talk.v2.root_msgid)
    outbox.put(talk.v2, talk.report)
    assert b"C01 " in bytes(talk.v2.deliveries.get().raw)


def test_explain_tells_a_rule(talk: factories.Discussion) -> None:
    receive("#reviewbot explain C01\n\n#reviewbot explain nothing")
    [text] = answers()
    assert text.startswith("> #reviewbot explain C01\n\nC01, ")
    assert "> #reviewbot explain nothing\n\nThere is no such rule;" in text
    assert max(map(len, text.split("\n"))) <= 90


def test_rerun_looks_again(talk: factories.Discussion, steps: Queue) -> None:
    receive("#reviewbot rerun", parent=talk.v2.root_msgid)
    assert ("apply", (talk.v2.pk,)) in steps


def test_a_patch_is_tried_on_a_registered_tree_and_becomes_a_series(talk: factories.Discussion, steps: Queue) -> None:
    models.Tree.objects.create(name="mm-unstable", source="https://git.example.org/mm.git", branch="mm-unstable")
    diff = "diff --git a/mm/x.c b/mm/x.c\n--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1 +1 @@\n-int a;\n+int b;\n"
    receive(f"#reviewbot test: https://git.example.org/mm mm-unstable\n\n{diff}", parent=talk.v2.root_msgid)
    series = models.Series.objects.get(version=1, expected=1, author__email=AUTHOR)
    assert series.options == {"trees": ["mm-unstable"], "answer": True}
    assert series.topic_id != talk.v2.topic_id
    assert [patch.files for patch in series.patches.all()] == [["mm/x.c"]]
    assert ("apply", (series.pk,)) in steps
    assert series.root_msgid in answers()[0].replace("%40", "@")


def test_a_patch_that_is_attached_is_tried_and_what_its_changelog_asks_for_is_not_done(
    talk: factories.Discussion, steps: Queue
) -> None:
    models.Tree.objects.create(name="mm-unstable", source="/trees/mm")
    part = "--b\nContent-Type: text/plain\n"
    diff = "diff --git a/mm/x.c b/mm/x.c\n--- a/mm/x.c\n+++ b/mm/x.c\n@@ -1 +1 @@\n-int a;\n+int b;\n"
    body = (
        f"{part}\n#reviewbot test: mm-unstable\n{part}Content-Disposition: attachment; filename=x.patch\n\n"
        f"From: Eve <eve@example.org>\nSubject: [PATCH] x\n\n#reviewbot mute\n---\n{diff}\n--b--"
    )
    outcome = receive(
        body, parent=talk.v2.root_msgid, more='MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
    )
    series = models.Series.objects.get(expected=1, author__email=AUTHOR)
    assert [patch.files for patch in series.patches.all()] == [["mm/x.c"]]
    assert outcome.startswith("#reviewbot test: mm-unstable: It is applied to mm-unstable")
    assert "mute" not in outcome
    assert not models.Consent.objects.exists()


def test_a_posted_series_is_tried_on_another_tree(talk: factories.Discussion) -> None:
    models.Tree.objects.create(name="mm-unstable", source="/trees/mm")
    receive("#reviewbot test mm-unstable", parent=talk.v2.root_msgid)
    talk.v2.refresh_from_db()
    assert talk.v2.options["trees"] == ["mm-unstable"]


def test_no_tree_is_fetched_because_a_mail_asks_for_it(talk: factories.Discussion) -> None:
    receive("#reviewbot test: https://evil.example.com/x.git main\n\ndiff --git a/x b/x", REVIEWER)
    [text] = answers()
    assert "There is no tree https://evil.example.com/x.git main here; known are: none." in " ".join(text.split())


def test_a_stranger_has_nothing_tried(talk: factories.Discussion) -> None:
    models.Tree.objects.create(name="mm-unstable", source="/trees/mm")
    before = models.Series.objects.count()
    receive("#reviewbot test mm-unstable\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b", REVIEWER)
    assert models.Series.objects.count() == before


def test_a_mail_on_a_list_that_the_queue_has_lost_is_taken_up_again_until_something_is_known_of_it(
    talk: factories.Discussion, steps: Queue
) -> None:
    late = timezone.now() - timedelta(hours=1)
    followed = factories.mailing_list("linux-mm")
    models.MailingList.objects.filter(pk=followed.pk).update(cursor="0:1")
    kept = [
        keep_on(followed, signed(mail("#reviewbot explain C06\n", MAINTAINER, date=late))),
        keep_on(followed, mail("#reviewbot rerun\n", date=late)),  # nobody vouches for it
    ]
    keep_on(followed, mail("> #reviewbot rerun\n\nI agree.\n", date=late))
    keep_on(followed, mail("#reviewbot rerun\n", date=timezone.now()))  # the queue has it still
    keep_on(followed, mail("#reviewbot rerun\n", date=late - receiving.WINDOW))
    keep_on(factories.mailing_list("imported"), mail("#reviewbot rerun\n", date=late))
    assert receiving.left_over() == kept
    for pk in kept:
        receiving.receive(conversion.decompress(models.Message.objects.get(pk=pk).raw), lookup)
    assert receiving.left_over() == []
    assert len(answers()) == 1


def keep_on(followed: models.MailingList, raw: bytes) -> int:
    read = parse_message(raw)
    row = factories.message(read.message_id, read.subject, read.body, who=("", read.author.email), date=read.date)
    models.Message.objects.filter(pk=row.pk).update(raw=conversion.compress(raw))
    row.lists.set([followed])
    return int(row.pk)


@pytest.mark.parametrize("more", ["Auto-Submitted: auto-replied\n", "Return-Path: <>\n", "X-Autoreply: yes\n"])
def test_automatic_mails_are_passed_over(talk: factories.Discussion, more: str) -> None:
    assert "automatic" in receive("#reviewbot mute", more=more)
    assert not models.Letter.objects.exists()


def test_our_own_mails_are_passed_over(talk: factories.Discussion) -> None:
    assert receive("#reviewbot mute", "review@example.org") == "It is one of our own."


def test_a_dns_that_is_away_lets_the_mail_be_offered_again(talk: factories.Discussion) -> None:
    def away(name: bytes, timeout: int = 5) -> bytes | None:
        raise TimeoutError

    raw = signed(mail("#reviewbot mute"))
    with pytest.raises(TransientError):
        receiving.receive(raw, away)
    receiving.receive(raw, lookup)
    assert models.Consent.objects.count() == 1


BOUNCE = """\
From: MAILER-DAEMON@mx.example.org
To: review@example.org
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: <{message_id}>

--b--
"""


def test_what_came_back_is_noted_and_trips_the_breaker(talk: factories.Discussion) -> None:
    from threads.selectors.outbox import tripped

    row = ours(talk)
    text = BOUNCE.format(address=AUTHOR, message_id=row.message_id).encode()
    for _ in range(2):
        receiving.receive(text, lookup)
    bounce = models.Bounce.objects.get()
    assert (bounce.address, bounce.status, bounce.delivery) == (AUTHOR, "5.1.1", row)
    assert tripped(outbox.policy().breaker) == ""
    (settings_breaker,) = [outbox.policy().breaker.__class__(bounces=1)]
    assert tripped(settings_breaker) == "1 mails were refused or came back within 24 hours."


@pytest.mark.parametrize(("address", "known"), [("eve@example.org", True), (AUTHOR, False)])
def test_a_report_about_a_mail_or_address_that_is_none_of_ours_says_nothing(
    talk: factories.Discussion, address: str, known: bool
) -> None:
    name = ours(talk).message_id if known else "other@example.org"
    receiving.receive(BOUNCE.format(address=address, message_id=name).encode(), lookup)
    assert not models.Bounce.objects.exists()


# --- moderation by mail -----------------------------------------------------------------------------------------------


@pytest.fixture
def copy(talk: factories.Discussion, settings: Settings) -> models.Delivery:
    settings.MODERATORS = ["mod@example.org"]
    outbox.put(talk.v2, talk.report)
    return models.Delivery.objects.get(kind=models.Delivery.Kind.COPY)


def token_of(copy: models.Delivery) -> str:
    return next(line[10:] for line in bytes(copy.raw).decode().split("\n") if line.startswith("Reply-To: "))


def test_moderators_are_shown_the_exact_mail_once(talk: factories.Discussion, copy: models.Delivery) -> None:
    shown = parse_message(bytes(copy.raw)).body
    waiting = talk.v2.deliveries.get()
    assert all(f"| {line}" in shown for line in bytes(waiting.raw).decode().split("\n")[:20])
    assert copy.recipients == ["mod@example.org"]
    outbox.put(talk.v2, talk.report)
    assert models.Delivery.objects.filter(kind=models.Delivery.Kind.COPY).count() == 1


@pytest.mark.parametrize(
    ("body", "stage"),
    [
        ("approve", "approved"),
        ("Approve\n\n> approve\n", "approved"),
        ("reject: the lock is never split", "rejected"),
        ("reject", "waiting"),
        ("> approve\n", "waiting"),
        ("Hm, approve?", "waiting"),
    ],
)
def test_an_answer_decides(talk: factories.Discussion, copy: models.Delivery, body: str, stage: str) -> None:
    receiving.receive(mail(body, "mod@example.org", to=token_of(copy)), lookup)
    assert talk.v2.deliveries.get().stage == stage


def test_the_word_works_once_and_for_moderators_alone(talk: factories.Discussion, copy: models.Delivery) -> None:
    to = token_of(copy)
    assert receiving.receive(mail("approve", AUTHOR, to=to), lookup) == "The sender is none of the moderators."
    assert receiving.receive(mail("approve", "mod@example.org", to=to), lookup).startswith("Approved mail")
    again = receiving.receive(mail("reject: no", "mod@example.org", to=to), lookup)
    assert again.startswith("The mail was decided about already")
    assert talk.v2.deliveries.get().stage == models.Delivery.Stage.APPROVED


# --- the command ------------------------------------------------------------------------------------------------------


class _Input:
    def __init__(self, raw: bytes) -> None:
        self.buffer = io.BytesIO(raw)


def test_a_mail_server_pipes_its_mails_in(talk: factories.Discussion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", _Input(mail("Hello.")))
    out = io.StringIO()
    call_command("receive", stdout=out)
    assert out.getvalue() == "There is no command in it; a person has to read it.\n"


def test_what_breaks_lets_the_server_keep_the_mail(talk: factories.Discussion, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(_: bytes) -> str:
        raise RuntimeError("a bug")

    monkeypatch.setattr("sys.stdin", _Input(b""))
    monkeypatch.setattr(receiving, "receive", breaks)
    with pytest.raises(SystemExit) as ended:
        call_command("receive", stderr=io.StringIO())
    assert ended.value.code == 75
