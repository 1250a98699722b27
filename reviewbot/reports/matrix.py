"""The patch x check matrix as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reviewbot.reports.facts import Cell, SeriesReport, State
from reviewbot.reports.sentences import enumerated
from reviewbot.reports.terminal import Paint, columns, fit, paragraph, visible

_GAP = 2
_SUBJECT_AT_LEAST = 24
_EXPLAINED = (State.SKIPPED, State.BROKEN)


def matrix(report: SeriesReport, paint: Paint, width: int) -> list[str]:
    """Return one line for the base and one for each patch, a column for each check.

    Columns that do not fit beside the subjects go into a further table. Below
    stand the reasons of what was skipped or broke, each once.
    """
    lines: list[str] = []
    for checks in _tables(report, width):
        lines += [*([""] if lines else []), *_table(report, checks, paint, width)]
    return lines + _reasons(report, width)


def _tables(report: SeriesReport, width: int) -> Iterator[list[tuple[str, str]]]:
    """Divide the checks so that each table leaves room for the subjects."""
    room = width - _SUBJECT_AT_LEAST - _number_width(report)
    checks: list[tuple[str, str]] = []
    used = 0
    for check in report.checks:
        need = _column_width(report, check) + _GAP
        if checks and used + need > room:
            yield checks
            checks, used = [], 0
        checks.append(check)
        used += need
    if checks:
        yield checks


def _table(report: SeriesReport, checks: Sequence[tuple[str, str]], paint: Paint, width: int) -> list[str]:
    widths = [_column_width(report, check) for check in checks]
    number_width = _number_width(report)
    subjects = [(patch.number, visible(patch.subject)) for patch in report.patches]
    room = width - number_width - sum(_GAP + each for each in widths)
    has_base = any(cell.patch == 0 for cell in report.cells)
    rows = ([(0, "(the base)")] if has_base else []) + subjects
    subject_width = max(4, min(room, max((columns(subject) for _, subject in rows), default=4)))
    gap = " " * _GAP

    def row(number: str, subject: str, words: Sequence[str]) -> str:
        return gap.join([f"{number:>{number_width - _GAP}}", fit(subject, subject_width), *words]).rstrip()

    heads = zip(*(_words(check) for check in checks), strict=True)
    above, names = ([fit(word, each) for word, each in zip(words, widths, strict=True)] for words in heads)
    lines = [paint.dim(row("", "patch", names))]
    if any(word.strip() for word in above):
        lines.insert(0, paint.dim(row("", "", above)))
    for number, subject in rows:
        cells = [report.cell(number, *check) for check in checks]
        painted = [_painted(cell, each, paint) for cell, each in zip(cells, widths, strict=True)]
        lines.append(row(str(number) if number else "", subject, painted))
    return lines


def _words(check: tuple[str, str]) -> tuple[str, str]:
    """Return the two lines over a column: ``build`` over ``defconfig``, or nothing over ``pgtable``."""
    name, configuration = (visible(word) for word in check)
    return (name, configuration) if configuration else ("", name)


def _word(cell: Cell | None) -> str:
    """Return what a square says. Only a state that was reached is called by its name."""
    if cell is None:
        return "-"
    return f"{cell.new} new" if cell.new else cell.state.value


def _painted(cell: Cell | None, width: int, paint: Paint) -> str:
    word = _word(cell)
    blanks = " " * (width - columns(word))
    if cell is None or not cell.state.settled or cell.state is State.SKIPPED:
        return paint.dim(word) + blanks
    if cell.state is State.PASSED:
        return paint.good(word) + blanks
    return (paint.bad if cell.state is State.FAILED else paint.doubtful)(word) + blanks


def _column_width(report: SeriesReport, check: tuple[str, str]) -> int:
    words = [_word(cell) for cell in report.cells if (cell.check, cell.configuration) == check]
    return max(columns(word) for word in (*_words(check), *words))


def _number_width(report: SeriesReport) -> int:
    return len(str(max((patch.number for patch in report.patches), default=0))) + _GAP


def _reasons(report: SeriesReport, width: int) -> list[str]:
    """Return why cells were skipped or broke: one sentence for all patches with the same reason."""
    patches: dict[tuple[str, State, str], list[int]] = {}
    for cell in report.cells:
        if cell.state in _EXPLAINED and cell.summary:
            name = f"{cell.check} {cell.configuration}".strip()
            patches.setdefault((name, cell.state, cell.summary), []).append(cell.patch)
    everything = {cell.patch for cell in report.cells}
    lines = []
    for (name, state, summary), numbers in patches.items():
        where = "" if set(numbers) == everything else f" ({_numbered(numbers)})"
        lines += paragraph(f"{name}{where} {state.value}: {summary}", width, 2)
    return ["", *lines] if lines else []


def _numbered(numbers: Sequence[int]) -> str:
    patches = [str(number) for number in sorted(set(numbers)) if number]
    names = ["the base"] if 0 in numbers else []
    if patches:
        names.append(f"patch{'es' if len(patches) > 1 else ''} {enumerated(patches)}")
    return enumerated(names)
