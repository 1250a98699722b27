"""Rows to the engine's words and back; no decision is taken here."""

from __future__ import annotations

import zlib
from dataclasses import asdict
from typing import Any

from isal import isal_zlib

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.message import Address, Message
from reviewbot.series.model import LinkHow, Previous, Trailer
from reviewbot.series.model import Patch as PatchFacts
from reviewbot.series.model import Series as SeriesFacts
from threads import models

_UNSTORABLE = dict.fromkeys([0, *range(0xD800, 0xE000)], 0xFFFD)


def storable(text: str) -> str:
    """Replace what no database keeps as text (NUL, lone surrogates); the raw bytes still have it."""
    if "\0" not in text:
        if text.isascii():
            return text
        try:
            text.encode()  # a tenth of what looking at each character costs
        except UnicodeEncodeError:
            pass
        else:
            return text
    return text.translate(_UNSTORABLE)


def compress(data: bytes) -> bytes:
    """Return the bytes as they are kept: zlib's format, written in a fifth of zlib's time."""
    return isal_zlib.compress(data, 1)


def decompress(data: bytes | memoryview) -> bytes:
    """Return the bytes that were kept; nothing for nothing."""
    return zlib.decompress(data) if data else b""


def message(row: models.Message, *, raw: bool = True, recipients: bool = True) -> Message:
    """Return the mail of a row; needs ``author``. What the query deferred, or nobody wants, is left out."""
    return Message(
        message_id=row.message_id,
        subject=row.subject,
        author=Address(row.author_name, row.author.email),
        date=row.date,
        in_reply_to=row.in_reply_to,
        references=tuple(row.references),
        to=tuple(Address(*pair) for pair in row.to) if recipients else (),
        cc=tuple(Address(*pair) for pair in row.cc) if recipients else (),
        lists=tuple(row.list_ids),
        body=row.body,
        oddities=tuple(row.oddities),
        raw=decompress(row.raw) if raw and "raw" not in row.get_deferred_fields() else b"",
    )


def trailers(kept: list[list[Any]]) -> tuple[Trailer, ...]:
    """Return trailers that were kept as JSON."""
    return tuple(Trailer(*one) for one in kept)


def patch(row: models.Patch, diff: str = "") -> PatchFacts:
    """Return the patch of a row; needs ``message__author``."""
    return PatchFacts(
        number=row.number,
        message=message(row.message),
        subject=row.subject,
        diff=diff,
        files=tuple(row.files),
        patch_id=row.patch_id,
        trailers=trailers(row.trailers),
    )


def series(row: models.Series) -> SeriesFacts:
    """Return the series of a row without its replies; needs ``author, cover, patches__message__author``."""
    return SeriesFacts(
        root_msgid=row.root_msgid,
        subject=row.subject,
        name=row.name,
        version=row.version,
        expected=row.expected,
        author=Address(row.author.name, row.author.email),
        date=row.date,
        cover=message(row.cover) if row.cover else None,
        patches=tuple(patch(one) for one in row.patches.all()),
        prefixes=tuple(row.prefixes),
        base_commit=row.base_commit,
        prerequisites=tuple(row.prerequisites),
        based_on=tuple(row.based_on),
        change_id=row.change_id,
        links=tuple(row.links),
        cover_trailers=trailers(row.cover_trailers),
        previous=_previous(row),
    )


def _previous(row: models.Series) -> Previous | None:
    if row.previous is None:
        return None
    return Previous(row.previous.root_msgid, row.previous.version, LinkHow(row.previous_how))


def finding(row: models.Finding) -> Finding:
    """Return the finding of a row."""
    return Finding(
        rule=row.rule,
        severity=Severity(row.severity),
        location=Location(row.file, row.line, row.function, row.text),
        message=row.message,
        evidence=tuple(Evidence(*step) for step in row.evidence),
        condition=row.condition,
        assumption=row.assumption,
    )


def finding_row(run: models.Run, fact: Finding, occurrence: int) -> models.Finding:
    """Return an unsaved row for a finding of a run."""
    place = fact.location
    return models.Finding(
        run=run,
        fingerprint=fact.fingerprint,
        occurrence=occurrence,
        rule=fact.rule,
        severity=fact.severity,
        file=storable(place.file),
        line=place.line,
        function=storable(place.function),
        text=storable(place.text),
        message=storable(fact.message),
        evidence=[[storable(step.file), step.line, storable(step.text)] for step in fact.evidence],
        condition=storable(fact.condition),
        assumption=storable(fact.assumption),
    )


def as_json(fact: Any) -> dict[str, Any]:  # noqa: ANN401 - any flat frozen dataclass of the engine
    """Return a flat dataclass as a JSON object."""
    return {name: storable(value) if isinstance(value, str) else value for name, value in asdict(fact).items()}
