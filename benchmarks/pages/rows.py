"""Invented series and their mails, written in bulk: ten mails to a series, two versions to most works.

Words, people and files are as unevenly spread as on a real list: few are in
very many mails, most are in few. The same number gives the same rows.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.reports.facts import (
    BaseFacts,
    Cell,
    Life,
    PatchFacts,
    Reproduce,
    SeriesReport,
    State,
    Told,
    Verdict,
    VersionFacts,
)
from reviewbot.reports.keeping import pack
from threads import fulltext, models
from threads.conversion import compress

START = datetime(2010, 1, 1, tzinfo=UTC)
PATCHES, REPLIES = 3, 6
MAILS = 1 + PATCHES + REPLIES
#: series that are written at once
BATCH = 500
LISTS = ("linux-mm", "linux-arm-kernel", "linux-arch")
_VERDICTS = (Verdict.CLEAN,) * 6 + (Verdict.FINDINGS,) * 2 + (Verdict.DOES_NOT_APPLY, Verdict.INCOMPLETE)
_SYLLABLES = ("pa", "ge", "ta", "ble", "lo", "ck", "map", "vma", "zo", "ne", "fol", "io", "sl", "ub", "mem", "cg", "ra")
_RAW = compress(b"Subject: invented\n\nThis mail is only measured.\n")


def _words() -> list[str]:
    chance = random.Random(1)
    return ["".join(chance.choices(_SYLLABLES, k=chance.randint(2, 4))) for _ in range(20_000)]


WORDS = _words()
PATHS = [f"{folder}/{word}.c" for folder in ("mm", "arch/arm64/mm", "kernel", "fs", "include/linux") for word in
         WORDS[:400]]  # fmt: skip


class Writer:
    """Writes series, some at a time."""

    def __init__(self, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.facts: dict[str, dict[str, Any]] = {}
        self.phrases = [self._text(10) for _ in range(20_000)]
        self.lists = [models.MailingList.objects.get_or_create(name=name)[0] for name in LISTS]
        self.people = models.Person.objects.bulk_create(
            [models.Person(email=f"{word}{number}@example.org", name=f"{word.title()} {WORDS[-number]}")
             for number, word in enumerate(WORDS[:8000])]
        )  # fmt: skip

    def write(self, count: int) -> Iterator[int]:
        """Write a number of series; yield how many there are, now and then."""
        for first in range(0, count, BATCH):
            with transaction.atomic():
                self._batch(range(first, min(count, first + BATCH)))
            yield min(count, first + BATCH)

    def _batch(self, numbers: range) -> None:
        topics = models.Topic.objects.bulk_create([models.Topic(name=self._text(6)) for _ in numbers[::2]])
        series = [self._series(number, topics[(number - numbers[0]) // 2]) for number in numbers]
        models.Series.objects.bulk_create(series)
        mails = [mail for number, row in zip(numbers, series, strict=True) for mail in self._mails(number, row)]
        models.Message.objects.bulk_create(mails)
        fulltext.add(mails)
        on = [self.lists[0] if row.pk % 10 < 7 else self.lists[1 + row.pk % 2] for row in series]
        models.Series.lists.through.objects.bulk_create(
            [models.Series.lists.through(series=row, mailinglist=one) for row, one in zip(series, on, strict=True)]
        )
        models.Message.lists.through.objects.bulk_create(
            [models.Message.lists.through(message=mail, mailinglist=on[at // MAILS]) for at, mail in enumerate(mails)]
        )
        for at, row in enumerate(series):
            row.cover = mails[at * MAILS]
            row.previous = series[at - 1] if at % 2 else None
        models.Series.objects.bulk_update(series, ["cover", "previous"])
        self._patches(series, mails)
        self._reports(series)

    def _series(self, number: int, topic: models.Topic) -> models.Series:
        version = 1 + number % 2
        verdict = self.chance.choice(_VERDICTS)
        return models.Series(
            topic=topic,
            root_msgid=f"{number}.1.measured@example.org",
            subject=f"[PATCH{' v2' if version > 1 else ''} 0/{PATCHES}] {topic.name}",
            name=topic.name,
            name_key=topic.name,
            version=version,
            expected=PATCHES,
            author=self._person(),
            date=START + timedelta(minutes=80 * number),
            wanted=True,
            state={Verdict.CLEAN: State.PASSED, Verdict.FINDINGS: State.FAILED}.get(verdict, State.FAILED),
            verdict=verdict,
            new_errors=2 if verdict == Verdict.FINDINGS else 0,
        )

    def _mails(self, number: int, row: models.Series) -> Iterator[models.Message]:
        for part in range(MAILS):
            is_patch, is_reply = 0 < part <= PATCHES, part > PATCHES
            author = self._person() if is_reply else row.author
            answered = f"{number}.{1 + part % (PATCHES + 1)}.measured@example.org" if part else ""
            text = "\n".join(self._phrases(4))
            subject = f"{'Re: ' if is_reply else ''}[PATCH {min(part, PATCHES)}/{PATCHES}] {row.name}"
            yield models.Message(
                message_id=f"{number}.{part + 1}.measured@example.org" if part else row.root_msgid,
                subject=subject,
                author=author,
                author_name=author.name,
                date=row.date + timedelta(minutes=7 * part),
                parent_msgid=(answered if is_reply else row.root_msgid) if part else "",
                references=[row.root_msgid] if part else [],
                thread=row.root_msgid,
                subject_key=row.name[:200],
                answer=is_reply,
                body=f"{text}\n---\n{self._diff()}-- \n2.47\n"
                if is_patch
                else f"> {self.chance.choice(self.phrases)}\n\n{text}\n",
                raw=_RAW,
                digest=hashlib.sha256(f"{number}.{part}".encode()).hexdigest(),
                series=row,
            )

    def _patches(self, series: list[models.Series], mails: list[models.Message]) -> None:
        patches = [
            models.Patch(
                series=row, number=number, message=mail, subject=row.name, name_key=row.name[:200],
                patch_id=mail.digest[:40], files=[line[6:] for line in mail.body.splitlines() if line[:4] == "+++ "],
            )
            for at, row in enumerate(series)
            for number in range(1, PATCHES + 1)
            for mail in [mails[at * MAILS + number]]
        ]  # fmt: skip
        models.Patch.objects.bulk_create(patches)
        paths = {(patch.series_id, path) for patch in patches for path in patch.files}
        models.TouchedPath.objects.bulk_create([models.TouchedPath(series_id=pk, path=path) for pk, path in paths])

    def _reports(self, series: list[models.Series]) -> None:
        rows, lives = [], []
        for at, row in enumerate(series):
            digest = hashlib.sha256(row.root_msgid.encode()).hexdigest()
            rows.append(
                models.Report(series=row, digest=digest, facts=self._facts(row, series[at - 1 : at] * (at % 2)))
            )
            if row.verdict == Verdict.FINDINGS and not at % 2:
                lives.append(models.FindingLife(topic=row.topic, fingerprint=f"{row.pk:016x}", rule="C01",
                                                first_version=1, last_version=2))  # fmt: skip
        models.Report.objects.bulk_create(rows)
        models.FindingLife.objects.bulk_create(lives)

    def _facts(self, row: models.Series, before: list[models.Series]) -> dict[str, Any]:
        """Return what :func:`report_of` says, of which most is the same for every series."""
        if row.verdict not in self.facts:
            self.facts[row.verdict] = pack(report_of(row))
        own = {name: getattr(row, name) for name in ("subject", "name", "version", "state")}
        versions = tuple(VersionFacts(one.version, one.root_msgid, one.subject, one.date, Verdict(one.verdict),
                                      one.new_errors) for one in (*before, row))  # fmt: skip
        of = {"message_id": row.root_msgid, "author": row.author.name, "author_email": row.author.email,
              "date": row.date, "patches": patches_of(row), "versions": versions}  # fmt: skip
        return self.facts[row.verdict] | own | {name: pack(value) for name, value in of.items()}

    def _person(self) -> models.Person:
        return self.people[int(len(self.people) * self.chance.random() ** 3)]

    def _text(self, words: int) -> str:
        return " ".join(WORDS[int(len(WORDS) * self.chance.random() ** 4)] for _ in range(words))

    def _phrases(self, count: int) -> list[str]:
        return self.chance.choices(self.phrases, k=count)

    def _diff(self) -> str:
        path = PATHS[int(len(PATHS) * self.chance.random() ** 2)]
        *context, before, after = self._phrases(8)
        return (
            f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -10,7 +10,7 @@ int {self._text(1)}(void)\n"
            + "".join(f" \t{line};\n" for line in context)
            + f"-\t{before};\n+\t{after};\n"
        )


def patches_of(row: models.Series) -> tuple[PatchFacts, ...]:
    """Return the facts of the patches of a series."""
    return tuple(
        PatchFacts(number, row.root_msgid.replace(".1.", f".{number + 1}."), row.name, ("mm/x.c",), "c" * 40)
        for number in range(1, PATCHES + 1)
    )


def report_of(row: models.Series) -> SeriesReport:
    """Return the facts of a series with a matrix of four checks, and two findings where its verdict says so."""
    checks = (("pgtable", ""), ("characters", ""), ("build", "defconfig"), ("build", "defconfig-16k"))
    cells = tuple(
        Cell(patch, check, configuration, State.PASSED, "nothing found", run=1)
        for check, configuration in checks
        for patch in range(PATCHES + 1)
    )
    finding = Finding(
        "C01", Severity.ERROR, Location("mm/x.c", 17, "invented"), "invented() ignores what its constructor returns.",
        evidence=tuple(Evidence("mm/x.c", line, "here") for line in (12, 17, 21)),
    )  # fmt: skip
    told = Told(
        finding, 2, Life.NEW, "pgtable", 1, code=tuple((line, "\tcode(of, the, line);") for line in range(14, 21))
    )
    return SeriesReport(
        message_id=row.root_msgid, subject=row.subject, name=row.name, version=row.version, expected=row.expected,
        author=row.author.name, author_email=row.author.email, date=row.date, lists=("linux-mm",),
        lore="https://lore.kernel.org/r/", state=State(row.state), verdict=Verdict(row.verdict), reason="",
        patches=patches_of(row), missing=(), failure=None, cells=cells,
        base=BaseFacts("mm-unstable", "a" * 40, "v6.12", "default of the list", ("mm-unstable: it applies.",) * 4),
        findings=(told, replace(told, patch=3)) if row.verdict == Verdict.FINDINGS else (),
        fixed=(), preexisting=(told,) * 3, gone=(), versions=(), replies=REPLIES,
        people=("Somebody", "Another"), looked_at=("pgtable: 12 functions", "build: 2 objects"), not_looked_at=(),
        reproduce=(Reproduce("check", "python -m reviewbot.checks --tree ."),),
    )  # fmt: skip


def quick() -> None:
    """Tell SQLite that nothing is lost with these rows when the machine stops."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=OFF")
            cursor.execute("PRAGMA cache_size=-262144")


def settle() -> None:
    """Let the database look at what it has, as an operator's does by itself in time."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
