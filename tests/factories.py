"""Rows as the service would have written them: a discussion in two versions, with its reports.

People, mails and code are invented. ``discussion()`` is the whole of it; the
smaller functions make one thing each, with every value replaceable.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from reviewbot.findings import Finding, Severity
from reviewbot.reports.facts import (
    BaseFacts,
    Life,
    PatchFacts,
    Reject,
    Remark,
    Reproduce,
    Said,
    SeriesReport,
    State,
    Told,
    Verdict,
    VersionFacts,
)
from reviewbot.reports.keeping import pack
from tests.sources import AFTER, BEFORE, MMU
from tests.tellings import (
    cells,
    diff_of,
    excerpt,
    ignored_result,
    missing_dtor,
    old_free,
    place,
    told,
    unused_variable,
)
from threads import fulltext, models
from threads.conversion import compress
from threads.lanes import scope_of

LORE = "https://lore.kernel.org/linux-mm/"
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
AUTHOR = ("Mira Lindqvist", "mira@example.org")
REVIEWER = ("Tomas Okafor", "tomas@example.org")
MAINTAINER = ("Jun Hayashi", "jun@example.org")
NAME = "arm64/mm: construct the page tables of late mappings"
SUBJECTS = (
    "arm64/mm: tell the level to the page-table allocators",
    "arm64/mm: construct late page tables",
    "arm64/mm: free late page tables through one helper",
)
_numbers = itertools.count(1)


def mailing_list(name: str = "linux-mm") -> models.MailingList:
    """Return the row of a list, made once."""
    row, _ = models.MailingList.objects.get_or_create(
        name=name,
        defaults={
            "address": f"{name}@lists.example.org",
            "list_id": f"{name}.lists.example.org",
            "archive": f"https://lore.kernel.org/{name}",
            "seen_at": START + timedelta(days=3),
        },
    )
    return row


def person(who: tuple[str, str] = AUTHOR) -> models.Person:
    """Return the row of a person, made once."""
    row, _ = models.Person.objects.get_or_create(email=who[1], defaults={"name": who[0]})
    return row


def message(
    message_id: str,
    subject: str,
    body: str,
    *,
    who: tuple[str, str] = AUTHOR,
    date: datetime = START,
    parent: str = "",
    series: models.Series | None = None,
    lists: tuple[str, ...] = ("linux-mm",),
) -> models.Message:
    """Write one mail."""
    mail = EmailMessage()
    mail["From"] = f"{who[0]} <{who[1]}>"
    mail["To"] = "linux-mm@lists.example.org"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(date)
    mail["Message-ID"] = f"<{message_id}>"
    if parent:
        mail["In-Reply-To"] = mail["References"] = f"<{parent}>"
    mail.set_content(body)
    row = models.Message.objects.create(
        message_id=message_id,
        subject=subject,
        author=person(who),
        author_name=who[0],
        date=date,
        parent_msgid=parent,
        references=[parent] if parent else [],
        thread=series.root_msgid if series else parent or message_id,
        to=[["", "linux-mm@lists.example.org"]],
        list_ids=[f"{name}.lists.example.org" for name in lists],
        body=body,
        raw=compress(mail.as_bytes()),
        digest=f"{next(_numbers):064x}",
        series=series,
    )
    row.lists.set([mailing_list(name) for name in lists])
    fulltext.add([row])
    return row


def series(subject: str = f"[PATCH 0/3] {NAME}", **fields: Any) -> models.Series:
    """Write a series row without mails; every column can be given."""
    number = next(_numbers)
    lists = fields.pop("lists", ("linux-mm",))
    values: dict[str, Any] = {
        "root_msgid": f"2026030{number}.{number}-1-mira@example.org",
        "subject": subject,
        "name": subject.partition("] ")[2] or subject,
        "version": 1,
        "expected": 3,
        "author": person(),
        "date": START + timedelta(minutes=number),
        **fields,
    }
    if "topic" not in values:
        values["topic"] = models.Topic.objects.create(name=values["name"])
    row = models.Series.objects.create(**values)
    row.lists.set([mailing_list(name) for name in lists])
    return row


def patch(of: models.Series, number: int, subject: str, diff: str, **fields: Any) -> models.Patch:
    """Write one patch with its mail; the first patch of a series without a cover is its root."""
    prefix = f"[PATCH{'' if of.version == 1 else f' v{of.version}'} {number}/{of.expected}]"
    body = f"{COMMIT_MESSAGE}\nSigned-off-by: {AUTHOR[0]} <{AUTHOR[1]}>\n---\n\n{diff}-- \n2.47.0\n"
    mail = message(
        fields.pop("message_id", of.root_msgid.replace("-1-", f"-{number + bool(of.cover)}-", 1)),
        f"{prefix} {subject}",
        fields.pop("body", body),
        date=of.date + timedelta(seconds=number),
        parent=of.root_msgid if of.cover or number > 1 else "",
        series=of,
    )
    row = models.Patch.objects.create(
        series=of, number=number, message=mail, subject=subject, patch_id=f"{next(_numbers):040x}", **fields
    )
    for path in row.files:
        models.TouchedPath.objects.get_or_create(series=of, path=path)
    return row


COMMIT_MESSAGE = """\
Late mappings are made after the page allocator is up, and apply_to_page_range()
takes their split page-table lock as soon as it is handed another mm than init_mm.
So far nobody constructs these tables.

Tell the allocator which level it is asked for, and construct what has a lock.
"""


def report_of(row: models.Series, **fields: Any) -> SeriesReport:
    """Return the facts of a series without findings; every field can be given."""
    patches = tuple(
        PatchFacts(
            number=one.number,
            message_id=one.message.message_id,
            subject=one.subject,
            files=(MMU,),
            commit=hashlib.sha1(one.subject.encode()).hexdigest(),
            method="clean",
            trailers=("Reviewed-by: Tomas Okafor <tomas@example.org>",) if one.number == 1 else (),
            replies=2 if one.number == 2 else 0,
        )
        for one in row.patches.select_related("message")
    )
    values: dict[str, Any] = {
        "message_id": row.root_msgid,
        "subject": row.subject,
        "name": row.name,
        "version": row.version,
        "expected": row.expected,
        "author": row.author.name,
        "author_email": row.author.email,
        "date": row.date,
        "lists": tuple(row.lists.values_list("name", flat=True)),
        "lore": LORE,
        "state": State.PASSED,
        "verdict": Verdict.CLEAN,
        "reason": "",
        "patches": patches,
        "missing": (),
        "base": BaseFacts(
            "mm-unstable",
            "adc218676eef25575469234709c2d87185ca223a",
            "v6.12",
            "default of the list",
            (
                "The cover names no base-commit.",
                "2 of 2 pre-image blobs of the diffs are those of mm-unstable (v6.12).",
                "mm-unstable is the first tree of linux-mm: taken.",
            ),
        ),
        "failure": None,
        "cells": (),
        "findings": (),
        "fixed": (),
        "preexisting": (),
        "gone": (),
        "versions": (),
        "replies": 0,
        "people": (),
        "looked_at": (
            "pgtable 1: 12 functions of 2 files after each of 3 patches",
            "build defconfig: 2 objects with aarch64-linux-gnu-gcc-12 12.2.0",
        ),
        "not_looked_at": ("build defconfig-16k: switched off by the operator",),
        "reproduce": (
            Reproduce("the checks", f"b4 am {row.root_msgid} && python -m reviewbot.checks --tree . {MMU}"),
            Reproduce(
                "the build",
                "make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- defconfig arch/arm64/mm/mmu.o",
            ),
        ),
        **fields,
    }
    return SeriesReport(**values)


def keep(row: models.Series, report: SeriesReport) -> models.Report:
    """Write a report, and what it says into the columns of its series."""
    row.state, row.verdict, row.reason = report.state, report.verdict, report.reason
    row.new_errors = sum(one.finding.severity is Severity.ERROR for one in report.findings)
    row.new_warnings = sum(one.finding.severity is Severity.WARNING for one in report.findings)
    row.save()
    digest = f"{next(_numbers):064x}"
    kept, _ = models.Report.objects.update_or_create(series=row, defaults={"digest": digest, "facts": pack(report)})
    return kept


@dataclass(frozen=True)
class Discussion:
    """What :func:`discussion` has written."""

    v1: models.Series
    v2: models.Series
    report: SeriesReport
    draft: models.Delivery
    run: models.Run


RAISED = "pagetable_pte_ctor() can fail, you have to check what it returns here."


def discussion() -> Discussion:
    """Write two versions of a series with replies, findings, runs and a drafted reply."""
    v1 = _version(1, START)
    v2 = _version(2, START + timedelta(days=3), v1)
    reply = _replies(v1)
    _reviewed(v2)
    run = _run()
    keep(v1, report_of(v1, verdict=Verdict.FINDINGS, state=State.FAILED, findings=(told(ignored_result(), since=1),)))
    report = report_of(
        v2,
        verdict=Verdict.FINDINGS,
        state=State.FAILED,
        cells=tuple(replace(cell, run=run.pk) if cell.summary == "1 new warning" else cell for cell in cells()),
        findings=_findings(v1, reply),
        fixed=(_fixed(),),
        preexisting=(told(old_free(), Life.PRE_EXISTING, patch=0, since=1),),
        gone=(_gone(),),
        versions=tuple(
            VersionFacts(one.version, one.root_msgid, one.subject, one.date, Verdict.FINDINGS, count, how)
            for one, count, how in ((v1, 2, ""), (v2, 3, "subject"))
        ),
        replies=2,
        people=(REVIEWER[0], MAINTAINER[0]),
    )
    keep(v2, report)
    return Discussion(v1, v2, report, _draft(v2), run)


def _version(version: int, date: datetime, previous: models.Series | None = None) -> models.Series:
    prefix = "[PATCH 0/3]" if version == 1 else f"[PATCH v{version} 0/3]"
    root = f"{date:%Y%m%d%H%M}.4711-1-mira@example.org"
    row = series(
        f"{prefix} {NAME}",
        root_msgid=root,
        version=version,
        date=date,
        previous=previous,
        previous_how="subject+author" if previous else "",
        **({"topic": previous.topic} if previous else {}),
    )
    changes = "" if version == 1 else "Changes since v1:\n - the level is told by an enum (Tomas)\n\n"
    row.cover = message(
        root, row.subject, f"{COMMIT_MESSAGE}\n{changes}Mira Lindqvist (3):\n  …\n", date=date, series=row
    )
    row.save()
    for number, subject in enumerate(SUBJECTS, 1):
        patch(row, number, subject, diff_of(number), files=[MMU])
    return row


def _replies(of: models.Series) -> str:
    """Write what the thread says about version 1; return the Message-ID of the mail that raises the finding."""
    second = of.patches.get(number=2).message
    quoted = "".join(f"> {line}\n" for line in diff_of(2).splitlines()[:22])
    raised = message(
        "86r0b7.tomas@example.org",
        f"Re: {second.subject}",
        f"On Mon, 2 Mar 2026, Mira Lindqvist wrote:\n{quoted}\n{RAISED}\n\n> +	return __pa(addr);\n\nThanks,\nTomas\n",
        who=REVIEWER,
        date=of.date + timedelta(hours=4),
        parent=second.message_id,
        series=of,
    )
    message(
        "87+again/1%@mira.example.org",
        f"Re: {second.subject}",
        f"> {RAISED}\n\nRight, I will check it in v2.\n",
        date=of.date + timedelta(hours=6),
        parent=raised.message_id,
        series=of,
    )
    return raised.message_id


def _reviewed(of: models.Series) -> None:
    first = of.patches.get(number=1).message
    message(
        "aaa1.jun@example.org",
        f"Re: {first.subject}",
        "> Tell the allocator which level it is asked for.\n\nMakes sense.\n\n"
        "Reviewed-by: Jun Hayashi <jun@example.org>\n",
        who=MAINTAINER,
        date=of.date + timedelta(hours=2),
        parent=first.message_id,
        series=of,
    )
    second = of.patches.get(number=2).message
    hunk = "".join(f"> {line}\n" for line in diff_of(2).splitlines())
    message(
        "aaa2.jun@example.org",
        f"Re: {second.subject}",
        f"On Thu, 5 Mar 2026, Mira Lindqvist wrote:\n{hunk}\nPlease keep the order of the levels as in pgtable.h.\n",
        who=MAINTAINER,
        date=of.date + timedelta(hours=3),
        parent=second.message_id,
        series=of,
    )


def _findings(v1: models.Series, reply: str) -> tuple[Told, ...]:
    said = (
        Said(Remark.RAISED, REVIEWER[0], v1.date + timedelta(hours=4), reply, RAISED),
        Said(
            Remark.PROMISED,
            AUTHOR[0],
            v1.date + timedelta(hours=6),
            "87+again/1%@mira.example.org",
            "Right, I will check it in v2.",
        ),
    )
    stays = ignored_result()
    passes = unused_variable()
    return (
        told(stays, since=1, said=said, code=excerpt(AFTER[2], stays.location.line)),
        told(missing_dtor(), patch=3),
        told(
            passes,
            Life.TRANSIENT,
            gone_by=3,
            check="build",
            code=excerpt(AFTER[2], passes.location.line),
        ),
    )


def _fixed() -> Told:
    at = place(BEFORE[MMU], "return page_to_phys(page);", "late_pgtable_alloc")
    finding = Finding("C02", Severity.ERROR, at, "late_pgtable_alloc() hands out tables without a constructor.")
    return told(finding, Life.FIXED, since=1, code=excerpt(BEFORE[MMU], at.line))


def _gone() -> Told:
    at = place(AFTER[2], "pagetable_pte_ctor(ptdesc);", "late_pgtable_alloc")
    finding = Finding("C03", Severity.ERROR, at, "The PMD table is constructed as a PTE table.")
    return told(finding, since=1)


def _run() -> models.Run:
    log = "make: Entering directory '/build'\n  CC      arch/arm64/mm/mmu.o\n" + (
        "arch/arm64/mm/mmu.c:23:13: warning: unused variable 'order' [-Wunused-variable]\n"
    )
    return models.Run.objects.create(
        tree_id="9" * 40,
        commit="3" * 40,
        check_name="build",
        configuration="defconfig",
        version="aarch64-linux-gnu-gcc-12 12.2.0, recipe 1",
        scope="5" * 64,
        scope_paths=["arch/arm64/mm/mmu.o"],
        state=State.WARNED,
        summary="1 new warning",
        command="make ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu- arch/arm64/mm/mmu.o",
        log=compress(log.encode()),
        coverage={"objects": 1},
        seconds=7.3,
        started_at=START,
        finished_at=START + timedelta(seconds=8),
    )


def _draft(of: models.Series) -> models.Delivery:
    second = of.patches.get(number=2).message
    body = (
        f"Subject: Re: {second.subject}\nTo: {AUTHOR[0]} <{AUTHOR[1]}>\nIn-Reply-To: <{second.message_id}>\n\n"
        "The result of pagetable_pte_ctor() is still ignored, as Tomas said about v1.\n\n"
        "> +		pagetable_pte_ctor(ptdesc);\n\nThis fails when the split lock cannot be allocated.\n"
    )
    return models.Delivery.objects.create(
        series=of,
        digest="d" * 64,
        message_id=f"draft-{of.pk}@localhost",
        in_reply_to=second.message_id,
        subject=f"Re: {second.subject}",
        recipients=[AUTHOR[1]],
        raw=body.encode(),
    )


def does_not_apply() -> models.Series:
    """Write a series that does not apply, with the exact reason."""
    row = series("[PATCH] mm/pgtable: drop the pmd_page() check", expected=1)
    one = patch(row, 1, "mm/pgtable: drop the pmd_page() check", diff_of(1), files=[MMU])
    failure = Reject(
        patch=1,
        message_id=one.message.message_id,
        file=MMU,
        hunk="@@ -18,9 +18,10 @@ static phys_addr_t late_pgtable_alloc(void)",
        wanted="static phys_addr_t late_pgtable_alloc(void)\n{\n\tvoid *ptr = (void *)__get_free_page(PGALLOC_GFP);\n",
        found="static phys_addr_t late_pgtable_alloc(enum level level)\n{\n\tstruct ptdesc *ptdesc;\n",
        found_line=21,
        reason=f"{MMU}: hunk 1 expects `void *ptr = (void *)__get_free_page(PGALLOC_GFP);` at line 20; "
        "the tree has `struct ptdesc *ptdesc;`.",
    )
    keep(
        row,
        report_of(
            row, verdict=Verdict.DOES_NOT_APPLY, state=State.FAILED, reason=failure.reason, failure=failure, cells=()
        ),
    )
    return row


def under_way(row: models.Series) -> None:
    """Write a base and two runs for a series of one patch: one is done."""
    tree = models.Tree.objects.create(name="mm-unstable", source="https://kernel.example.org/mm.git")
    application = models.Application.objects.create(
        series=row, base_commit="b" * 40, tree=tree, tree_name=tree.name, describe="v6.12", position=1,
        how="default of the list", applies=True, chosen=True,
    )  # fmt: skip
    models.AppliedPatch.objects.create(application=application, number=1, commit="c" * 40, tree_id="e" * 40)
    models.AppliedPatch.objects.create(application=application, number=0, commit="b" * 40, tree_id="f" * 40)
    for check, state in (("pgtable", State.PASSED), ("characters", State.RUNNING)):
        models.Run.objects.create(
            tree_id="e" * 40, commit="c" * 40, check_name=check, version="1", scope=scope_of(row), state=state
        )
