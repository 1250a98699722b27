"""The report in a terminal, in a dozen situations."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.reports.facts import Cell, Life, Remark, Said, SeriesReport, State, Verdict
from reviewbot.reports.sentences import verdict
from reviewbot.reports.terminal import columns, fit, visible
from reviewbot.reports.text import render
from tests.reports import samples
from tests.reports.golden import same_as_golden

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def incomplete() -> SeriesReport:
    kept = samples.report(
        state=State.FAILED,
        verdict=Verdict.INCOMPLETE,
        reason="Patch 2 of 3 has not arrived.",
        missing=(2,),
        base=None,
        cells=(),
        looked_at=(),
        not_looked_at=(),
        reproduce=(),
    )
    return replace(kept, patches=(kept.patches[0], kept.patches[2]))


def broken() -> SeriesReport:
    reason = "No arm64 compiler: aarch64-linux-gnu-gcc is not installed; install gcc-aarch64-linux-gnu."
    lanes = [cell for cell in samples.cells({}) if cell.check != "build"]
    failed = [Cell(number, "build", "defconfig", State.BROKEN, reason) for number in range(4)]
    return samples.report(
        state=State.BROKEN, verdict=Verdict.BROKEN, reason=f"build: {reason}", cells=(*lanes, *failed)
    )


def running() -> SeriesReport:
    cells = [replace(cell, state=State.RUNNING) if cell.patch == 3 else cell for cell in samples.cells({})]
    return samples.report(state=State.RUNNING, verdict=Verdict.UNKNOWN, cells=tuple(cells))


def waiting() -> SeriesReport:
    return samples.report(
        state=State.NOT_RUN, verdict=Verdict.UNKNOWN, base=None, cells=(), looked_at=(), not_looked_at=(), reproduce=()
    )


def transient() -> SeriesReport:
    place = Location(samples.PAGEATTR, 47, "split_pmd", "\t\tpagetable_free(second);")
    finding = Finding("C06", Severity.ERROR, place, "split_pmd() frees a constructed table without its destructor.")
    told = samples.told(finding, 2, life=Life.TRANSIENT, gone_by=3)
    return samples.report(
        state=State.FAILED, verdict=Verdict.FINDINGS, cells=samples.cells({(2, "pgtable"): 1}), findings=(told,)
    )


def conditional() -> SeriesReport:
    finding = replace(
        samples.missing_dtor(),
        condition="CONFIG_PGTABLE_LEVELS > 2",
        assumption="pmd_table_free() is called through struct table_ops for tables of its own.",
        evidence=(Evidence("include/asm-generic/pgalloc.h", 54, "pte_alloc_one() constructs what it returns"),),
    )
    fixed = samples.told(samples.old_mistake(), 1, life=Life.FIXED)
    told = samples.told(finding, 3, moved=True, since=2)
    return samples.second_version(findings=(told,), fixed=(fixed,), gone=())


def many_configurations() -> SeriesReport:
    names = ("defconfig", "defconfig-16k", "defconfig-64k", "defconfig-va52", "defconfig-lockdep", "allnoconfig")
    builds = [
        Cell(number, "build", name, State.SKIPPED if name.endswith("va52") else State.PASSED, "over the budget")
        for name in names
        for number in range(4)
    ]
    return samples.report(cells=(*samples.cells({}), *builds))


def hostile() -> SeriesReport:
    escape = "\x1b]0;owned\x07\x1b[2J"
    place = Location(f"mm/{escape}.c", 3, "f\u202eevil", "\u2066if (x) \x1b[31m\u200b")
    finding = Finding(
        "C01", Severity.ERROR, place, f"message {escape}\nsecond\u2028line", (Evidence("a\x00b", 1, escape),)
    )
    said = Said(Remark.RAISED, f"Eve{escape}", samples.DATES[1], "x\x1b[1m@example.org", f"words {escape}\u202e")
    kept = samples.first_version(findings=(samples.told(finding, 1, code=((3, place.text),), said=(said,)),))
    patches = (replace(kept.patches[0], subject=f"{escape}漢字の件名{'長' * 60}"), *kept.patches[1:])
    return replace(kept, subject=f"[PATCH] {escape}", author=escape, people=(escape,), patches=patches)


SITUATIONS: dict[str, Callable[[], SeriesReport]] = {
    "clean": samples.report,
    "first-version": samples.first_version,
    "second-version": samples.second_version,
    "does-not-apply": samples.does_not_apply,
    "incomplete": incomplete,
    "broken": broken,
    "running": running,
    "waiting": waiting,
    "transient": transient,
    "conditional": conditional,
    "many-configurations": many_configurations,
    "hostile": hostile,
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_it_reads_as_the_golden_file(name: str) -> None:
    same_as_golden(f"{name}.txt", render(SITUATIONS[name]()))


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", SITUATIONS)
def test_colour_repeats_what_words_say(name: str, width: int) -> None:
    plain = render(SITUATIONS[name](), width=width)
    assert ESCAPE.sub("", render(SITUATIONS[name](), width=width, colour=True)) == plain


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("name", ["clean", "many-configurations", "hostile"])
def test_the_matrix_stays_within_the_terminal(name: str, width: int) -> None:
    lines = render(SITUATIONS[name](), width=width).splitlines()
    rows = [line for line in lines if re.match(r" *\d?  \(the base\)|[123]  |   patch  ", line)]
    assert len(rows) >= 5
    assert max(map(columns, rows)) <= width


def test_nothing_that_a_terminal_obeys_is_printed() -> None:
    text = render(hostile())
    assert "\x1b" not in text
    assert not set("\x00\x07\u202e\u2066\u2028\u200b") & set(text)
    assert "\\x1b]0;owned" in text
    assert "<U+202E>" in text


def test_the_first_words_after_the_head_are_the_verdict() -> None:
    second = render(samples.second_version()).split("\n\n")[1].splitlines()
    assert second == ["1 error found in patch 3.", "v2 fixed 2, 1 remains, 0 new."]


def test_old_mistakes_beyond_five_are_counted() -> None:
    old = [
        samples.told(replace(samples.old_mistake(), message=f"Old mistake {n}."), 0, life=Life.PRE_EXISTING)
        for n in range(8)
    ]
    text = render(samples.report(preexisting=tuple(old)))
    assert "Old mistake 4." in text
    assert "Old mistake 5." not in text
    assert "and 3 more" in text


def test_what_others_write_without_end_is_cut() -> None:
    finding = replace(
        samples.missing_dtor(), message="word " * 100_000, evidence=(Evidence("mm/a.c", 1, "x" * 100_000),) * 1000
    )
    told = samples.told(finding, 3, code=((83, "y" * 100_000),))
    report = samples.report(verdict=Verdict.FINDINGS, findings=(told,) * 1000, subject="z" * 100_000)
    text = render(report)
    assert len(text) < 50 * 150_000
    assert "and 950 further findings" in text
    assert max(map(len, text.splitlines())) < 3000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttab", "plain\ttab"),
        ("\x1b[0m", "\\x1b[0m"),
        ("a\u202eb", "a<U+202E>b"),
        ("é漢", "é漢"),
        ("\udcff", "<U+DCFF>"),
    ],
)
def test_hidden_characters_are_spelled_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_wide_characters_take_two_columns() -> None:
    assert columns("漢字") == 4
    assert fit("漢字", 6) == "漢字  "
    assert columns(fit("漢字漢字", 6)) == 6


def test_a_note_leaves_a_series_clean_but_is_not_passed_over() -> None:
    note = replace(samples.ignored_result(), severity=Severity.NOTE)
    assert verdict(samples.report()) == "Applies, and nothing new was found."
    assert verdict(samples.report(findings=(samples.told(note, 2),))) == "Applies, and nothing but 1 note was found."
