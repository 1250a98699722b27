"""The reply to a series: one mail for each version, to the patch that needs it most, or none."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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


def draft(report: SeriesReport, mails: Mapping[str, Message], *, sender: Address, site_url: str) -> Draft | None:
    """Return the reply that a series deserves, written to everybody who reads the patch.

    :param mails: the patches of the series, by Message-ID.
    :returns: None when there is nothing to say, or nothing to answer to.
    :raises OperatorError: when the sender cannot be used.
    """
    patch = answered(report, mails)
    if patch is None:
        return None
    return compose(report, patch, mails[patch.message_id], sender=sender, site_url=site_url)


def answered(report: SeriesReport, mails: Collection[str]) -> PatchFacts | None:
    """Return the patch with the worst finding, the first of several: the one that is answered.

    Nothing is said about notes, about what the base has already, and about
    what somebody has raised in this version's thread.

    :param mails: Message-IDs of the mails that are here.
    """
    patches = {patch.number: patch for patch in report.patches if patch.message_id in mails}
    return next((patches[told.patch] for told in worth_saying(report) if told.patch in patches), None)


def compose(
    report: SeriesReport,
    patch: PatchFacts,
    parent: Message,
    *,
    sender: Address,
    site_url: str,
    copied: Sequence[Address] | None = None,
    reply_to: str = "",
) -> Draft:
    """Return the reply to one patch, the same bytes for the same facts.

    The date is that of the newest mail that was taken into account.

    :param parent: the mail of the patch.
    :param copied: who stands in Cc; None for everybody else who reads the patch.
    :raises OperatorError: when the sender cannot be used.
    """
    findings = worth_saying(report)
    told = findings[:MOST]
    body = letter.write(report, told, len(findings) - len(told), patch, parent, site_url)
    people = (*parent.to, *parent.cc) if copied is None else copied
    cc = addressable(_others(people, but=(sender, parent.author)))
    recipients = (*addressable([parent.author]), *cc)
    said = "\0".join([parent.message_id, *map(str, recipients), str(sender), body])
    digest = hashlib.sha256(said.encode("utf-8", "surrogateescape")).hexdigest()
    message_id = f"{digest[:32]}@{sender.email.rpartition('@')[2]}"
    raw = compose_reply(
        parent,
        body,
        sender=sender,
        to=[parent.author],
        cc=cc,
        message_id=message_id,
        date=max([report.date, parent.date, *(said.date for one in report.findings for said in one.said)]),
        headers={
            **({"Reply-To": reply_to} if reply_to else {}),
            "Precedence": "bulk",
            "X-Reviewbot-Series": report.message_id,
            "X-Reviewbot-Findings": ", ".join(f"{one.finding.rule} {one.finding.fingerprint}" for one in told),
        },
    )
    return Draft(raw, message_id, parent.message_id, reply_subject(parent.subject), recipients, digest)


def worth_saying(report: SeriesReport) -> list[Told]:
    """Return the findings that a reply would tell, worst first, then by patch and place."""
    found = [
        told
        for told in report.findings
        if told.life in (Life.NEW, Life.TRANSIENT)
        and told.finding.severity is not Severity.NOTE
        and not any(said.remark is Remark.RAISED and said.date >= report.date for said in told.said)
    ]
    return sorted(found, key=_urgency)


def _urgency(told: Told) -> tuple[int, int, str, int]:
    place = told.finding.location
    return told.finding.severity.rank, told.patch, place.file, place.line


def _others(people: Sequence[Address], but: tuple[Address, ...]) -> tuple[Address, ...]:
    """Return the others who read the mail, each address once."""
    known = {address.email.lower() for address in but}
    kept: dict[str, Address] = {}
    for address in people:
        key = address.email.lower()
        if key not in known:
            kept.setdefault(key, address)
    return tuple(kept.values())
