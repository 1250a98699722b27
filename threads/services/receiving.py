"""Mails that people and servers write to this service: commands, decisions of moderators, and bounces.

Each is read once. Nobody is answered whose mail could be by somebody else, no
automatic mail is answered, and whoever asks for what cannot be hears so once a week.
"""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from dkim.dnsplug import get_txt

from reviewbot.errors import AuthorError, OperatorError, ReviewError
from reviewbot.mail.authentic import Lookup, Seal, authenticate
from reviewbot.mail.bounces import read_report
from reviewbot.mail.commands import MARK, Command, commands
from reviewbot.mail.compose import compose_reply, wrap
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.mail.policy import is_automatic, refused
from reviewbot.reports.terminal import visible
from threads import conversion, models
from threads.selectors.outbox import ledger
from threads.services import commanding, moderating, outbox, posting
from threads.services.commanding import Done

log = logging.getLogger(__name__)

Kind = models.Letter.Kind

#: a command is done within this time of its date, or not at all
WINDOW = timedelta(days=3)
#: a mail on a list is read within this time, unless the queue has lost it
_IN_TIME = timedelta(minutes=15)
#: mails that are taken up again at once
_MOST_LEFT = 200
#: time within which somebody is told once that something cannot be
_QUIET = timedelta(days=7)
_ADDRESSED = re.compile(rb"^(?:To|Cc|Delivered-To|X-Original-To):[^\n]*(?:\n[ \t][^\n]*){0,200}", re.M | re.I)


def receive(raw: bytes, lookup: Lookup = get_txt) -> str:
    """Do what a mail asks for; return in one sentence what became of it.

    :param lookup: asks the DNS for the keys of signatures.
    :raises TransientError: when it has to be offered again later.
    """
    mail = parse_message(raw)
    if mail.author.email.lower() == posting.sender().email.lower():
        return "It is one of our own."
    if is_automatic(raw):
        return _bounce(mail)
    addressed = b"\n".join(_ADDRESSED.findall(raw[:65_536])).decode("utf-8", "replace")
    if moderating.is_decision(addressed):
        return _decision(mail, addressed)
    asked = commands(mail.body)
    if not asked:
        return "There is no command in it; a person has to read it."
    if abs(timezone.now() - mail.date) > WINDOW:
        return f"It is dated {mail.date:%Y-%m-%d}; commands are done within {WINDOW.days} days."
    try:
        seal = authenticate(mail, lookup)
    except AuthorError as error:
        return _note(mail, Kind.OTHER, str(error))
    return _commands(mail, asked, seal)


def receive_kept(message_id: int) -> str:
    """Do what a mail asks for that was read on a list; see :func:`receive`."""
    return receive(conversion.decompress(models.Message.objects.get(pk=message_id).raw))


def left_over() -> list[int]:
    """Return the mails of followed lists whose commands were not read: the queue lost them, or the DNS was away."""
    now = timezone.now()
    fresh = models.Message.objects.filter(date__gt=now - WINDOW, date__lt=now - _IN_TIME, body__icontains=MARK)
    followed = fresh.filter(lists__in=models.MailingList.objects.exclude(cursor="")).distinct()
    return [row.pk for row in followed.order_by("date")[:_MOST_LEFT] if _unread(conversion.decompress(row.raw))]


def _unread(raw: bytes) -> bool:
    """True when a mail asks for something and nothing is written down about it."""
    mail = parse_message(raw)
    names = [mail.message_id[: models.MESSAGE_ID_LENGTH], _unsigned(raw)]
    if is_automatic(raw) or mail.author.email.lower() == posting.sender().email.lower() or not commands(mail.body):
        return False
    return not models.Letter.objects.filter(message_id__in=names).exists()


def _commands(mail: Message, asked: tuple[Command, ...], seal: Seal) -> str:
    """Do what is asked for and write down that it was done, both or neither."""
    sender = mail.author.email.lower()
    with transaction.atomic():
        row = _first(mail, seal, sender)
        if row is None:
            return _note(mail, Kind.OTHER, "It was read already.")
        done = commanding.obey(mail, asked)
        if all(one.refused for one in done):
            row.kind = Kind.OTHER
        row.outcome = conversion.storable(" ".join(_said(one) for one in done))[:5000]
        row.save(update_fields=["kind", "outcome"])
        if _answers(row, done):
            _answer(mail, done)
        return row.outcome


def _first(mail: Message, seal: Seal, sender: str) -> models.Letter | None:
    """Write down that a mail is read; None when it, or a copy with another Message-ID, was read before."""
    try:
        with transaction.atomic():
            return models.Letter.objects.create(
                message_id=mail.message_id[: models.MESSAGE_ID_LENGTH], seal=seal.digest, sender=sender[:320],
                kind=Kind.COMMANDS,
            )  # fmt: skip
    except IntegrityError:
        return None


def _said(done: Done) -> str:
    return f"{done.command.line}: {'refused: ' if done.refused else ''}{done.answer or 'done.'}"


def _answers(row: models.Letter, done: list[Done]) -> bool:
    """True when the sender is to hear of it: what was done for them, and once in a while why something was not."""
    try:
        if refused(outbox.policy(), row.sender, ledger()):
            return False
    except OperatorError as error:  # whom the operator wants no mail to is not known
        log.warning("a command is not answered: %s", error)
        return False
    if any(one.answer and not one.refused for one in done):
        return True
    before = models.Letter.objects.filter(sender=row.sender, seal__isnull=False, at__gt=timezone.now() - _QUIET)
    return any(one.refused for one in done) and not before.filter(kind=Kind.OTHER).exclude(pk=row.pk).exists()


def _answer(mail: Message, done: list[Done]) -> None:
    """Write one answer to all commands of a mail, to who sent it and nobody else."""
    lines: list[str] = []
    for one in done:
        if one.answer:
            lines += [f"> {visible(one.command.line)}", ""]
            for paragraph in one.answer.split("\n\n"):
                lines += [*wrap(visible(" ".join(paragraph.split()))), ""]
    body = "\n".join(lines)
    ours = posting.sender()
    digest = hashlib.sha256(f"{mail.message_id}\0{body}".encode("utf-8", "surrogateescape")).hexdigest()
    message_id = f"answer.{digest[:32]}@{ours.email.rpartition('@')[2]}"
    raw = compose_reply(
        mail, body, sender=ours, to=[mail.author], message_id=message_id, date=mail.date,
        headers={"Precedence": "bulk", "Feedback-ID": "answer:reviewbot"},
    )  # fmt: skip
    recipients = [str(mail.author)]
    posting.post(
        models.Delivery.Kind.ANSWER, raw, message_id, f"Re: {mail.subject}", recipients, in_reply_to=mail.message_id
    )


def _decision(mail: Message, addressed: str) -> str:
    try:
        with transaction.atomic():
            done = moderating.decide(mail, addressed)
            return _note(mail, Kind.DECISION, done)
    except ReviewError as error:
        return _note(mail, Kind.OTHER, str(error))


def _bounce(mail: Message) -> str:
    """Write down which addresses a mail of ours did not reach; every other automatic mail is passed over."""
    report = read_report(mail.raw)
    if report is None or not report.failures:
        return "It is an automatic mail; these are not answered."
    row = models.Delivery.objects.filter(message_id=report.message_id).first()
    sent_to = {one.rpartition(" ")[2].strip("<>").lower() for one in row.recipients} if row else set()
    theirs = [one for one in report.failures if one.address in sent_to]
    if not theirs:
        return "It says that a mail came back which is none of ours."
    with transaction.atomic():
        for one in theirs:
            models.Bounce.objects.get_or_create(
                delivery=row, address=one.address, defaults={"status": one.status, "words": one.words}
            )
        return _note(mail, Kind.BOUNCE, f"Not reached: {', '.join(one.address for one in theirs)}.")


def _note(mail: Message, kind: models.Letter.Kind, outcome: str) -> str:
    """Write down what became of a mail that nothing vouches for; its Message-ID stays free for one that is signed."""
    models.Letter.objects.get_or_create(
        message_id=_unsigned(mail.raw),
        defaults={"kind": kind, "outcome": outcome, "sender": conversion.storable(mail.author.email.lower())[:320]},
    )
    return outcome


def _unsigned(raw: bytes) -> str:
    """Return the name under which a mail is written down that nothing vouches for."""
    return f"{hashlib.sha256(raw).hexdigest()}@unsigned.invalid"
