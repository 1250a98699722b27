"""Invented series in the database: many, each with a cover, three patches and a report."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F, IntegerField
from django.db.models.functions import Cast

from reviewbot.reports.facts import (
    BaseFacts,
    Cell,
    PatchFacts,
    SeriesReport,
    State,
    Verdict,
    VersionFacts,
)
from reviewbot.reports.keeping import pack
from threads import models
from threads.conversion import compress
from threads.services.bulk import insert

START = datetime(2016, 1, 1, tzinfo=UTC)
PATCHES = 3
#: numbers of rows of mails and patches that each series has for its own
PLACES = 10
_STEP = timedelta(minutes=50)
_CHUNK = 2000
DIFF = "---\ndiff --git a/mm/f{n}.c b/mm/f{n}.c\n--- a/mm/f{n}.c\n+++ b/mm/f{n}.c\n@@ -1 +1 @@\n-int a;\n+int b;\n"
_CHECKS = (("pgtable", ""), ("characters", ""), ("build", "defconfig"))


def root(number: int) -> str:
    """Return the Message-ID of the cover of a series."""
    return f"{number}.0@author{number % 900}.example.org"


def fill(count: int) -> None:
    """Write so many series."""
    models.MailingList.objects.get_or_create(name="linux-mm", defaults={"archive": "https://lore.kernel.org/linux-mm"})
    get_user_model()._default_manager.get_or_create(username="bot")
    people = [models.Person(email=f"author{n}@example.org", name=f"Author {n}") for n in range(900)]
    models.Person.objects.bulk_create(people, ignore_conflicts=True)
    authors = list(models.Person.objects.order_by("pk").values_list("pk", flat=True))
    known = models.MailingList.objects.get(name="linux-mm").pk
    models.Run.objects.bulk_create(_runs())
    raw = compress(b"Subject: [PATCH] x\n\n" + DIFF.encode())
    facts = pack(_report())
    for first in range(1, count + 1, _CHUNK):
        numbers = range(first, min(first + _CHUNK, count + 1))
        _rows(models.Topic, ({"id": n, "name": f"mm: work {n}"} for n in numbers))
        _rows(models.Message, (row for n in numbers for row in _mails(n, authors[n % 900], raw, series=None)))
        _rows(models.Series, (_series(n, authors[n % 900]) for n in numbers))
        models.Message.objects.filter(pk__range=(numbers[0] * PLACES, numbers[-1] * PLACES + PATCHES)).update(
            series_id=Cast(F("pk") / PLACES, IntegerField())
        )
        _rows(models.Patch, (row for n in numbers for row in _patches(n)))
        insert(models.Series.lists.through, ("series_id", "mailinglist_id"), [(n, known) for n in numbers])
        _rows(models.Report, (_kept(n, facts) for n in numbers))


def _rows(model: type[Any], rows: Iterator[dict[str, Any]]) -> None:
    """Insert rows, with the defaults of the model for what they do not name."""
    names = [field.attname for field in model._meta.concrete_fields]
    made = [model(**row) for row in rows]
    for one in made:
        for field in model._meta.concrete_fields:
            if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
                setattr(one, field.attname, START)
    insert(model, names, ([getattr(one, name) for name in names] for one in made))


def _mails(n: int, author: int, raw: bytes, series: int | None) -> Iterator[dict[str, Any]]:
    for part in range(PATCHES + 1):
        name = f"mm: change {part} of work {n}" if part else f"mm: work {n}"
        yield {
            "id": n * PLACES + part,
            "message_id": f"{n}.{part}@author{n % 900}.example.org",
            "subject": f"[PATCH {part}/{PATCHES}] {name}",
            "author_id": author,
            "date": START + n * _STEP,
            "thread": root(n),
            "body": "It is needed.\n" + (DIFF.replace("{n}", str(n)) if part else ""),
            "raw": raw,
            "digest": f"{n:060}{part:04}",
            "series_id": series,
        }


def _series(n: int, author: int) -> dict[str, Any]:
    return {
        "id": n,
        "topic_id": n,
        "root_msgid": root(n),
        "subject": f"[PATCH 0/{PATCHES}] mm: work {n}",
        "name": f"mm: work {n}",
        "version": 1,
        "expected": PATCHES,
        "author_id": author,
        "date": START + n * _STEP,
        "cover_id": n * PLACES,
        "state": State.PASSED,
        "verdict": Verdict.CLEAN,
    }


def _patches(n: int) -> Iterator[dict[str, Any]]:
    for part in range(1, PATCHES + 1):
        yield {
            "id": n * PLACES + part,
            "series_id": n,
            "number": part,
            "message_id": n * PLACES + part,
            "subject": f"mm: change {part} of work {n}",
            "patch_id": f"{n:036}{part:04}",
            "files": [f"mm/f{n}.c"],
        }


def _kept(n: int, facts: dict[str, Any]) -> dict[str, Any]:
    mine = copy.deepcopy(facts)
    mine["message_id"] = root(n)
    for patch in mine["patches"]:
        patch["message_id"] = f"{n}.{patch['number']}@author{n % 900}.example.org"
    return {"id": n, "series_id": n, "digest": f"{n:064}", "facts": mine}


def _places() -> list[tuple[int, tuple[str, str]]]:
    return [(part, check) for part in range(PATCHES + 1) for check in _CHECKS]


def _runs() -> list[models.Run]:
    """Return a run for each square of a matrix; all series share them, as an unchanged tree does."""
    return [
        models.Run(pk=number, tree_id=f"{part:040}", commit="c" * 40, check_name=check, configuration=configuration,
                   version="1", command=f"python -m reviewbot.checks {check}", state=State.PASSED)
        for number, (part, (check, configuration)) in enumerate(_places(), 1)
    ]  # fmt: skip


def _report() -> SeriesReport:
    cells = [Cell(part, *check, State.PASSED, "", run=number, seconds=0.4)
             for number, (part, check) in enumerate(_places(), 1)]  # fmt: skip
    return SeriesReport(
        message_id="", subject="[PATCH 0/3] mm: work", name="mm: work", version=1, expected=PATCHES,
        author="Author", author_email="author@example.org", date=START, lists=("linux-mm",),
        lore="https://lore.kernel.org/r/", state=State.PASSED, verdict=Verdict.CLEAN, reason="",
        patches=tuple(PatchFacts(n, "", f"mm: change {n}", ("mm/f.c",), "c" * 40) for n in range(1, PATCHES + 1)),
        missing=(), base=BaseFacts("mm-unstable", "b" * 40, "v6.12", "first tree of the list"), failure=None,
        cells=tuple(cells), findings=(), fixed=(), preexisting=(), gone=(),
        versions=(VersionFacts(1, "", "[PATCH 0/3] mm: work", START, Verdict.CLEAN, 0),), replies=0, people=(),
        looked_at=("pgtable 1: 14 functions of 2 files, after each of 3 patches.",), not_looked_at=(), reproduce=(),
    )  # fmt: skip
