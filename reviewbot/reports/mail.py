"""The reply to a series: one mail for each version, to the patch that needs it most, or none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reviewbot.findings import Severity
from reviewbot.mail.compose import addressable, compose_reply, reply_subject
from reviewbot.mail.message import Address, Message
from reviewbot.reports import letter
from reviewbot.reports.facts import Life, PatchFacts, Remark, SeriesReport, Told

#: findings that are told in one mail; the others are counted
MOST = 6


@dataclass(frozen=True, slots=True)
class Draft:
    r"""A mail that could be sent.

    :ivar raw: its bytes, with ``\n`` line ends.
    :ivar message_id: derived from what is said, without angle brackets.
    :ivar in_reply_to: Message-ID of the patch that is answered.
    :ivar recipients: To and Cc: whom a person who answers all would write to.
    :ivar digest: 64 hexadecimal digits that name what is said, to whom, and in answer to what.
    """

    raw: bytes
    message_id: str
    in_reply_to: str
    subject: str
    recipients: tuple[Address, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes, and to whom beside the author.

    :ivar site_url: address of the dashboard.
    :ivar reply_to: "" for the sender.
    :ivar copied: who stands in Cc; None for everybody else who reads the patch.
    """

    sender: Address
    site_url: str
    reply_to: str = ""
    copied: tuple[Address, ...] | None = None


def draft(report: SeriesReport, mails: Mapping[str, Message], *, sender: Address, site_url: str) -> Draft | None:
    """Return the reply that a series deserves, written to everybody who reads the patch.

    :param mails: the patches of the series, by Message-ID.
    :returns: None when there is nothing to say, or nothing to answer to.
    :raises OperatorError: when the sender cannot be used.
    """
    patches = answered(report, mails)
    if not patches:
        return None
    return compose(report, patches[0], mails[patches[0].message_id], Letterhead(sender, site_url))


def answered(report: SeriesReport, mails: Collection[str]) -> tuple[PatchFacts, ...]:
    """Return the patches that something is said about, that with the worst finding first: the one to answer.

    Nothing is said about notes, about what the base has already, about what
    somebody has raised in this version's thread, and about lines that a series
    makes wrong and right again without touching them.

    :param mails: Message-IDs of the mails that are here.
    """
    patches = {patch.number: patch for patch in report.patches if patch.message_id in mails}
    return tuple(dict.fromkeys(patches[told.patch] for told in worth_saying(report) if told.patch in patches))


def compose(
    report: SeriesReport, patch: PatchFacts, parent: Message, head: Letterhead, *, alone: bool = False
) -> Draft:
    """Return the reply to one patch, the same bytes for the same facts.

    The date is that of the newest mail that was taken into account.

    :param parent: the mail of the patch.
    :param alone: say nothing about other patches; each has a mail of its own.
    :raises OperatorError: when the sender cannot be used.
    """
    findings = [told for told in worth_saying(report) if told.patch == patch.number or not alone]
    told = findings[:MOST]
    body = letter.write(report, told, len(findings) - len(told), patch, parent, head.site_url)
    dates = [report.date, parent.date, *(said.date for one in report.findings for said in one.said)]
    return _draft(report, parent, body, head, max(dates), told)


def compose_clean(report: SeriesReport, parent: Message, head: Letterhead) -> Draft:
    """Return the short letter that nothing was found, for an author who asked for it.

    :param parent: the cover, or the first patch.
    """
    body = letter.clean(report, head.site_url)
    return _draft(report, parent, body, replace(head, copied=()), max(report.date, parent.date), ())


def compose_unapplied(report: SeriesReport, parent: Message, head: Letterhead) -> Draft:
    """Return the letter that the series does not apply, for an author who asked for a result.

    :param parent: the patch that does not apply, or the cover.
    """
    body = letter.unapplied(report, head.site_url)
    return _draft(report, parent, body, replace(head, copied=()), max(report.date, parent.date), ())


def compose_note(report: SeriesReport, told: Sequence[Told], ours: Message, body: str, head: Letterhead) -> Draft:
    """Return a word about an earlier mail of ours, in answer to it and to whom it went.

    :param report: of the series that the note rests on.
    :param told: what it takes back, or says to be gone.
    :param ours: the earlier mail.
    """
    recipients = replace(head, copied=ours.cc)
    return _draft(report, ours, body, recipients, max(report.date, ours.date), told, to=ours.to)


def _draft(
    report: SeriesReport,
    parent: Message,
    body: str,
    head: Letterhead,
    date: datetime,
    told: Sequence[Told],
    to: Sequence[Address] = (),
) -> Draft:
    to = addressable(to or [parent.author])
    people = (*parent.to, *parent.cc) if head.copied is None else head.copied
    cc = addressable(_others(people, but=(head.sender, *to)))
    recipients = (*to, *cc)
    said = "\0".join([parent.message_id, *map(str, recipients), str(head.sender), body])
    digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
    message_id = f"{digest[:32]}@{head.sender.email.rpartition('@')[2]}"
    raw = compose_reply(
        parent,
        body,
        sender=head.sender,
        to=to,
        cc=cc,
        message_id=message_id,
        date=date,
        headers={**_for_mailers(report, head), **_for_machines(report, told)},
    )
    return Draft(raw, message_id, parent.message_id, reply_subject(parent.subject), recipients, digest)


def _for_mailers(report: SeriesReport, head: Letterhead) -> dict[str, str]:
    """Return the fields by which mail readers and servers file, count and end such mails (RFC 2369, RFC 3834)."""
    address = head.reply_to.rpartition(" ")[2].strip("<>") or head.sender.email
    names = [re.sub(r"[^A-Za-z0-9.-]", "", name)[:60] for name in report.lists[:1]]
    return {
        **({"Reply-To": head.reply_to} if head.reply_to else {}),
        "Precedence": "bulk",
        "Feedback-ID": ":".join([*filter(None, names), "review", "reviewbot"]),
        "List-Unsubscribe": f"<mailto:{address}?subject=mute&body=%23reviewbot%20mute>",
    }


def _for_machines(report: SeriesReport, told: Sequence[Told]) -> dict[str, str]:
    return {
        "X-Reviewbot-Series": report.message_id,
        "X-Reviewbot-Version": str(report.version),
        "X-Reviewbot-Verdict": report.verdict,
        **({"X-Reviewbot-Base": f"{report.base.commit} {report.base.tree}"} if report.base else {}),
        **({"X-Reviewbot-Findings": ", ".join(map(_identity, told))} if told else {}),
    }


def _identity(told: Told) -> str:
    return f"{told.finding.rule} {told.finding.fingerprint}"


def worth_saying(report: SeriesReport) -> list[Told]:
    """Return the findings that a reply would tell: worst first, what stays before what is mended, then by place."""
    found = [
        told
        for told in report.findings
        if told.life in (Life.NEW, Life.TRANSIENT)
        and told.finding.severity is not Severity.NOTE
        and not _on_the_way(told)
        and not any(said.remark is Remark.RAISED and said.date >= report.date for said in told.said)
    ]
    return sorted(found, key=_urgency)


def _on_the_way(told: Told) -> bool:
    """True for what a later patch mends and no patch wrote: a series that changes a rule follows it step by step.

    What does not compile in between is told, wherever that is.
    """
    return told.life is Life.TRANSIENT and told.inherited and told.check != "build"


def _urgency(told: Told) -> tuple[int, bool, int, str, int]:
    place = told.finding.location
    return told.finding.severity.rank, told.life is Life.TRANSIENT, told.patch, place.file, place.line


def _others(people: Sequence[Address], but: tuple[Address, ...]) -> tuple[Address, ...]:
    """Return the others who read the mail, each address once."""
    known = {address.email.lower() for address in but}
    kept: dict[str, Address] = {}
    for address in people:
        key = address.email.lower()
        if key not in known:
            kept.setdefault(key, address)
    return tuple(kept.values())
