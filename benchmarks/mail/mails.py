"""Series with a finding each, and the mails about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from reviewbot.reports.facts import SeriesReport, State, Verdict
from tests import factories
from tests.tellings import diff_of, ignored_result, told
from threads import models

FREELY = '[default]\nto = "author"\nwhat = "all"\nmoderate = false\n[limits]\nall = 9999\nlist = 9999\nauthor = 9999\n'


def policy(work: Path, text: str = FREELY) -> None:
    """Let a policy apply, and mails leave."""
    settings.MAIL_POLICY = work / "policy.toml"
    settings.MAIL_POLICY.write_text(text, encoding="utf-8")
    settings.SENDING, settings.MAIL_FROM = True, "Review <review@example.org>"


def series(number: int, *, found: bool = True, who: tuple[str, str] = factories.AUTHOR, **fields: Any) -> SeriesReport:  # noqa: ANN401
    """Write a series of one patch with its report; every column can be given."""
    row = factories.series(
        f"[PATCH] mm: change {number}", root_msgid=f"{number}.mm@example.org", expected=1,
        author=factories.person(who), **fields,
    )  # fmt: skip
    factories.patch(row, 1, f"mm: change {number}", diff_of(2), files=["arch/arm64/mm/mmu.c"])
    mail = row.patches.get().message
    models.Message.objects.filter(pk=mail.pk).update(author=row.author, author_name=who[0], thread=row.root_msgid)
    report = factories.report_of(row)
    if found:
        report = factories.report_of(
            row, verdict=Verdict.FINDINGS, state=State.FAILED, findings=(told(ignored_result(), patch=1, since=1),)
        )
        factories.keep(row, report)
    return report
