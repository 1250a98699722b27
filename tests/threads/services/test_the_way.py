"""From mails to report, on a small kernel: what is found, told, kept, and what a repeat does."""

from __future__ import annotations

import pytest
from django.conf import settings

from reviewbot.findings import Finding, Location, Severity, Traced
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Life, Remark, SeriesReport, State, Verdict
from reviewbot.reports.keeping import unpack
from tests.threads.conftest import V1, V2, Queue
from threads import facts, models
from threads.services import intake, pipeline


def report_of(series: models.Series) -> SeriesReport:
    return unpack(SeriesReport, models.Report.objects.get(series=series).facts)


def told(report: SeriesReport) -> list[tuple[str, str, int]]:
    return sorted((one.finding.rule, one.finding.location.function, one.patch) for one in report.findings)


def test_both_versions_are_one_topic_and_the_second_knows_the_first(series: models.Series) -> None:
    assert (series.version, series.root_msgid) == (2, V2.format(1))
    assert series.previous.root_msgid == V1.format(1)
    assert series.previous.topic_id == series.topic_id


def test_the_mistakes_of_the_first_version_are_found_in_the_patch_that_makes_them(
    series: models.Series, steps: Queue
) -> None:
    steps.drain()
    report = report_of(series.previous)
    assert report.verdict == Verdict.FINDINGS
    assert told(report) == [("C01", "split_pmd", 2), ("C06", "split_pmd", 2), ("C06", "split_pud", 3)]


def test_what_a_later_patch_repairs_is_told_as_a_hazard_of_bisection(series: models.Series, steps: Queue) -> None:
    steps.drain()
    [transient] = [one for one in report_of(series.previous).findings if one.life == Life.TRANSIENT]
    assert (transient.finding.location.function, transient.patch, transient.gone_by) == ("split_pmd", 2, 3)
    assert not transient.inherited


@pytest.mark.parametrize(
    ("before", "after", "inherited"),
    [
        (["\tfree(p);"], ["", "    free(p);"], True),
        (["\tfree(p);"], ["\tfree(p);", "\tfree(p);"], False),
        ([], ["\tfree(p);"], False),
        (["\tfree(p);"], [], False),
    ],
    ids=["moved and indented anew", "one more", "a new file", "not found"],
)
def test_a_line_that_was_there_before_the_patch_is_inherited(
    monkeypatch: pytest.MonkeyPatch, before: list[str], after: list[str], *, inherited: bool
) -> None:
    finding = Finding("C06", Severity.ERROR, Location("mm/a.c", 1, "drop", "\tfree(p);"), "It is freed.")
    states = {"base": [], "one": before, "two": after, "three": []}
    monkeypatch.setattr(facts, "_lines", lambda commit, _path: states[commit])
    commits = [models.AppliedPatch(commit=name) for name in states]
    assert facts._inherited(Traced(finding, 2, 3), commits) is inherited


def test_the_second_version_says_what_it_fixed_and_what_remains(series: models.Series, steps: Queue) -> None:
    steps.drain()
    report = report_of(series)
    [remaining] = report.findings
    assert (remaining.finding.rule, remaining.finding.location.function, remaining.since) == ("C06", "split_pud", 1)
    assert sorted(one.finding.rule for one in report.gone) == ["C01", "C06"]


def test_a_finding_knows_what_the_thread_says_about_it(series: models.Series, steps: Queue) -> None:
    steps.drain()
    [ignored] = [one for one in report_of(series.previous).findings if one.finding.rule == "C01"]
    assert [said.remark for said in ignored.said] == [Remark.RAISED, Remark.PROMISED]


def test_an_old_mistake_in_a_touched_function_is_listed_apart(series: models.Series, steps: Queue) -> None:
    steps.drain()
    functions = {one.finding.location.function for one in report_of(series).preexisting}
    assert functions == {"firmware_table_alloc"}


def test_a_finding_carries_its_code_and_its_evidence(series: models.Series, steps: Queue) -> None:
    steps.drain()
    [remaining] = report_of(series).findings
    place = remaining.finding.location
    assert dict(remaining.code)[place.line].strip() == place.text.strip()
    assert [step.text.split(":")[0] for step in remaining.finding.evidence] == ["allocates", "constructs", "frees"]


def test_a_reply_is_drafted_to_the_patch_with_the_finding_and_nothing_is_sent(
    series: models.Series, steps: Queue, mailoutbox: list[object]
) -> None:
    steps.drain()
    delivery = series.deliveries.get()
    mail = parse_message(bytes(delivery.raw))
    assert delivery.stage == models.Delivery.Stage.DRAFT
    assert mail.in_reply_to == V2.format(4)
    assert V2.format(1) in mail.references
    assert mailoutbox == []


def test_the_draft_says_what_changed_since_the_version_before_whichever_was_looked_at_first(
    series: models.Series, steps: Queue
) -> None:
    steps.sort(key=lambda queued: queued[1] != (series.pk,))
    steps.drain()
    assert "\nv2 fixes 2 of the 3 findings of v1.\n" in parse_message(bytes(series.deliveries.get().raw)).body


def test_every_step_may_run_twice(series: models.Series, steps: Queue) -> None:
    first = steps.drain()
    before = snapshot()
    for step in dict.fromkeys(first):
        for row in (series, series.previous):
            steps.append((step, (row.pk, "pgtable") if step == "check" else (row.pk,)))
    steps.drain()
    assert snapshot() == before


def snapshot() -> dict[str, list[object]]:
    counted = (models.Application, models.AppliedPatch, models.Run, models.Finding, models.Delivery, models.FindingLife)
    rows = {model.__name__: sorted(model.objects.values_list("pk", flat=True)) for model in counted}
    return rows | {"reports": list(models.Report.objects.order_by("pk").values_list("digest", flat=True))}


def test_taking_the_same_mails_in_again_changes_nothing(
    series: models.Series, steps: Queue, mails: list[bytes]
) -> None:
    steps.drain()
    before = snapshot()
    again = intake.take_in(mails)
    pipeline.want(again, {"build": False})
    assert again.pk == series.pk
    assert steps.drain() in ([], ["publish"], ["publish", "publish"])
    assert snapshot() == before


def test_the_runs_of_base_and_unchanged_patches_are_shared(series: models.Series, steps: Queue) -> None:
    steps.drain()
    trees = [
        set(models.AppliedPatch.objects.filter(application__series=row).values_list("tree_id", flat=True))
        for row in (series, series.previous)
    ]
    assert len(trees[0] & trees[1]) == 2  # the base, and patch 1, which is the same in both
    assert models.Run.objects.filter(check_name="pgtable").count() == len(trees[0] | trees[1])


def test_a_series_is_found_by_any_of_its_message_ids(series: models.Series) -> None:
    for message_id in (V2.format(1), V2.format(3), "reply-4@oke.example.org"):
        assert intake.require_series(message_id).pk == series.pk


def test_an_incomplete_series_waits_and_says_for_what(
    minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    late = [raw for raw in mails if V2.format(3).encode() in raw.split(b"\n\n")[0]][:1]
    row = intake.take_in([raw for raw in mails if raw not in late])
    row = intake.require_series(V2.format(1))
    pipeline.want(row, {"build": False})
    assert (row.verdict, row.reason.split(":")[0]) == (Verdict.INCOMPLETE, "Waiting for patch 2 of 3")
    intake.take_in(late)
    row.refresh_from_db()
    pipeline.advance(row)
    steps.drain()
    row.refresh_from_db()
    assert (row.verdict, row.state) == (Verdict.FINDINGS, State.FAILED)


def test_a_series_that_does_not_apply_says_where_and_what_the_tree_has(steps: Queue, series: models.Series) -> None:
    steps.clear()
    models.Application.objects.all().delete()
    tree = settings.STORE.parent / "other"
    (tree / "arch/arm64/mm").mkdir(parents=True)
    (tree / "arch/arm64/mm/mmu.c").write_text("int something_else;\n")
    from threads.services import trees

    trees.add("other", str(tree))
    pipeline.want(series, {"build": False, "trees": ["other"]})
    steps.drain()
    series.refresh_from_db()
    report = report_of(series)
    assert (series.verdict, series.state) == (Verdict.DOES_NOT_APPLY, State.FAILED)
    assert report.failure is not None
    assert report.failure.file == "arch/arm64/mm/mmu.c"
    assert report.failure.message_id == V2.format(2)
    assert series.deliveries.count() == 0


def test_what_a_base_was_checked_for_is_not_said_of_patches_that_do_not_apply_to_it(
    steps: Queue, series: models.Series, mails: list[bytes]
) -> None:
    """Two series touch the same files of the same base; the second one does not apply."""
    steps.drain()
    damaged = [
        raw.replace(b"7002-", b"7003-")
        .replace(b"7001-", b"7000-")
        .replace(b"[PATCH v2", b"[PATCH v3")
        .replace(b"\n int ", b"\n long ")
        .replace(b"\n \t", b"\n \t\t")
        for raw in mails
        if b"7002-" in raw.split(b"\n\n")[0]
    ]
    refused = intake.take_in(damaged)
    pipeline.want(refused, {"build": False})
    steps.drain()
    report = report_of(refused)
    assert report.verdict == Verdict.DOES_NOT_APPLY
    assert (report.cells, report.looked_at) == ((), ())
    assert [one.what for one in report.reproduce] == ["apply"]


def test_a_command_that_readers_paste_is_quoted_for_their_shell(
    minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    row = intake.take_in([raw.replace(V2.format(1).encode(), b"$(reboot)@example.org") for raw in mails])
    pipeline.want(row, {"build": False})
    steps.drain()
    assert {one.command.split(" && ")[0] for one in report_of(row).reproduce} == {"b4 shazam '$(reboot)@example.org'"}


def test_without_any_tree_the_operator_is_told(transactional_db: None, steps: Queue, mails: list[bytes]) -> None:
    row = intake.take_in(mails)
    pipeline.want(row, {})
    steps.drain()
    row.refresh_from_db()
    assert row.state == State.BROKEN
    assert "manage.py tree add" in row.reason


def test_a_partial_re_roll_stands_on_the_patches_of_the_version_before(
    minikernel: models.Tree, steps: Queue, mails: list[bytes]
) -> None:
    v1 = [raw for raw in mails if b"7001-" in raw.split(b"\n\n")[0]]
    [whole] = [raw for raw in mails if f"Message-ID: <{V2.format(3)}>".encode() in raw]
    head, _, body = whole.partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.startswith((b"In-Reply-To", b"References"))]
    answered = V1.format(3).encode()
    alone = b"\n".join([*lines, b"In-Reply-To: <%s>" % answered, b"References: <%s>" % answered]) + b"\n\n" + body
    first = intake.take_in(v1)
    second = intake.take_in([alone])
    assert [patch.message.message_id for patch in second.patches.all()] == [
        V1.format(2),
        V2.format(3),
        V1.format(4),
    ]
    assert first.patches.count() == 3
    assert intake.require_series(V1.format(2)).pk == first.pk
    assert intake.require_series(V2.format(3)).pk == second.pk
