"""The report for a terminal: what a reviewer wants to know first stands first.

Everything that comes from mails, trees and compilers is made harmless by
:func:`reviewbot.reports.terminal.visible` before it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reviewbot.findings import Finding, Severity
from reviewbot.reports.facts import Life, Reject, Remark, Said, SeriesReport, Told, Verdict
from reviewbot.reports.matrix import matrix
from reviewbot.reports.rules import full_name, source
from reviewbot.reports.sentences import (
    counted,
    enumerated,
    history,
    known_by,
    life,
    patch_notes,
    since_previous,
    verdict,
    verdict_word,
)
from reviewbot.reports.terminal import Paint, code, excerpt, fit, indented, labelled, paragraph, visible

NARROWEST, WIDEST = 60, 120
#: findings that are told in full, findings that are told beside them, and steps of one path
MOST, _OTHERS_SHOWN, _STEPS_SHOWN = 50, 5, 40
_REMARKS = {
    Remark.RAISED: "raised this",
    Remark.ANSWERED: "answered",
    Remark.PROMISED: "promised to change it",
}


def render(report: SeriesReport, *, colour: bool = False, width: int = 80) -> str:
    r"""Return the report as text that ends in ``\n``.

    :param colour: whether to use the terminal's colours; they repeat what words say.
    :param width: columns of the terminal; prose is wrapped there, code never is.
    """
    paint = Paint(colour)
    width = min(max(width, NARROWEST), WIDEST)
    sections = [
        _head(report, paint, width),
        _summary(report, paint, width),
        _failure(report, paint, width),
        matrix(report, paint, width),
        *_findings(report, paint, width),
        _others("Fixed by this series", report.fixed, report, paint, width),
        _others(_gone_since(report), report.gone, report, paint, width),
        _others("In the base already, in functions that this series touches", report.preexisting, report, paint, width),
        _rest(report, width),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


def _head(report: SeriesReport, paint: Paint, width: int) -> list[str]:
    lists = f" on {enumerated([visible(name) for name in report.lists])}" if report.lists else ""
    return [
        *(paint.bold(line) for line in paragraph(report.subject, width)),
        f"{visible(report.author or report.author_email)}, {report.date:%Y-%m-%d %H:%M %z}{lists}",
        paint.dim(visible(report.lore + report.message_id)),
    ]


def _summary(report: SeriesReport, paint: Paint, width: int) -> list[str]:
    """Return the verdict, what changed since the version before, and what it rests on."""
    colours = {Verdict.CLEAN: paint.good, Verdict.UNKNOWN: paint.bold, Verdict.BROKEN: paint.doubtful}
    errors = any(told.finding.severity is Severity.ERROR for told in report.findings)
    warned = paint.doubtful if report.verdict is Verdict.FINDINGS and not errors else paint.bad
    lines = [colours.get(report.verdict, warned)(line) for line in paragraph(verdict(report), width)]
    if report.verdict is Verdict.FINDINGS and report.reason:
        lines += paragraph(f"Not everything could be looked at: {report.reason}", width)
    lines += [line for note in patch_notes(report) for line in paragraph(note, width)]
    if (change := since_previous(report)) and report.verdict in (Verdict.FINDINGS, Verdict.CLEAN):
        lines += paragraph(f"{change}.", width)
    if report.missing and not report.reason:
        missing = enumerated([str(number) for number in report.missing])
        lines += paragraph(f"Missing of {counted(report.expected, 'patch', 'patches')}: {missing}.", width)
    facts = _base(report, width) + _discussion(report, width) + _versions(report, width)
    return [*lines, *([""] if facts else []), *facts]


def _base(report: SeriesReport, width: int) -> list[str]:
    base = report.base
    if base is None:
        return []
    described = base.describe if base.describe.startswith(base.tree) else f"{base.tree} {base.describe}".strip()
    methods = [f"patch {patch.number} {patch.method}" for patch in report.patches
               if patch.method not in ("", "clean")]  # fmt: skip
    tried = [line for line in base.trace if line]
    others = ", the others clean" if any(patch.method == "clean" for patch in report.patches) else ""
    applied = [f"Applied: {enumerated(methods)}{others}."] if methods else []
    return labelled("Base", [f"{described}, commit {base.commit[:12]}: {base.how}", *tried, *applied], width)


def _discussion(report: SeriesReport, width: int) -> list[str]:
    if not report.replies:
        return []
    people = enumerated([visible(person) for person in report.people])
    lines = [counted(report.replies, "reply", "replies") + (f" by {people}" if people else "")]
    lines += [f"patch {patch.number}: {trailer}" for patch in report.patches for trailer in patch.trailers]
    return labelled("Thread", lines, width)


def _versions(report: SeriesReport, width: int) -> list[str]:
    if len(report.versions) < 2:
        return []
    lines = []
    for one in report.versions:
        this = " (this one)" if one.message_id == report.message_id else ""
        found = counted(one.findings, "finding") if one.verdict is Verdict.FINDINGS else verdict_word(one.verdict)
        how = f", {known_by(one.how)}" if one.how else ""
        lines.append(f"v{one.version} of {one.date:%Y-%m-%d}: {found}{how}{this}")
    return labelled("Versions", lines, width)


def _failure(report: SeriesReport, paint: Paint, width: int) -> list[str]:
    """Return the hunk that does not apply, and what the tree has instead."""
    failure = report.failure
    if failure is None:
        return []
    where = ": ".join(filter(None, (visible(failure.file), visible(failure.hunk))))
    lines = [paint.bold(f"Patch {failure.patch} does not apply"), *([f"  {where}"] if where else [])]
    if failure.wanted:
        lines += ["", "  The patch expects:", *indented(_excerpt(failure.wanted), 4)]
    if failure.found:
        lines += ["", f"  The tree has at line {failure.found_line}:", *indented(_found(failure), 4)]
    return lines


def _excerpt(text: str) -> list[str]:
    return [code(line) for line in text.rstrip("\n").split("\n")]


def _found(failure: Reject) -> list[str]:
    return [f"{number:>6} | {line}".rstrip() for number, line in enumerate(_excerpt(failure.found), failure.found_line)]


def _findings(report: SeriesReport, paint: Paint, width: int) -> list[list[str]]:
    told = [_finding(number, one, report, paint, width) for number, one in enumerate(report.findings[:MOST], 1)]
    left_out = len(report.findings) - MOST
    return [*told, [f"and {counted(left_out, 'further finding')}"]] if left_out > 0 else told


def _finding(number: int, told: Told, report: SeriesReport, paint: Paint, width: int) -> list[str]:
    finding = told.finding
    severity = paint.bad if finding.severity is Severity.ERROR else paint.doubtful
    place = visible(f"{finding.location.file}:{finding.location.line}")
    function = f" in {visible(finding.location.function)}()" if finding.location.function else ""
    where = history(told, report.version)
    return [
        f"{number}. {severity(finding.severity.value)} {visible(full_name(finding.rule))}, {where}",
        f"   {paint.bold(place)}{function}",
        "",
        *paragraph(finding.message, width, 3),
        *_code(told, paint),
        *_evidence(finding, width),
        *_notes(finding, width),
        *(line for said in told.said for line in _said(said, report.lore, width)),
    ]


def _code(told: Told, paint: Paint) -> list[str]:
    lines = indented(excerpt(told), 3)
    return ["", *(paint.bold(line) if line.startswith("   >") else line for line in lines)] if lines else []


def _evidence(finding: Finding, width: int) -> list[str]:
    """Return the path that proves it: one step a line, the file named where it changes."""
    if not finding.evidence:
        return []
    lines = ["", "   How it comes to that:"]
    file = finding.location.file
    for step in finding.evidence[:_STEPS_SHOWN]:
        other = f"{visible(step.file)}:" if step.file != file else "line "
        label = f"{other}{step.line}"
        text = paragraph(step.text, width, 5 + max(10, len(label) + 2))
        first = text[0].lstrip() if text else ""
        lines += [f"     {fit(label, max(10, len(label) + 2))}{first}".rstrip(), *text[1:]]
    return [*lines, "     [...]"] if len(finding.evidence) > _STEPS_SHOWN else lines


def _notes(finding: Finding, width: int) -> list[str]:
    """Return under what condition it holds, what was guessed, and where the rule comes from."""
    notes = (
        ("Only when", [finding.condition]),
        ("Assuming", [finding.assumption]),
        ("Rule from", source(finding.rule).split("; ")),
    )
    lines = [line for label, texts in notes for line in indented(labelled(label, texts, width - 3), 3)]
    return ["", *lines] if lines else []


def _said(said: Said, lore: str, width: int) -> list[str]:
    who = f"{said.who} {_REMARKS[said.remark]} on {said.date:%Y-%m-%d}:"
    words = indented([f"| {line}" for line in paragraph(said.words, width - 8)], 5)
    return ["", *paragraph(who, width, 3), *words, f"     {visible(lore + said.message_id)}"]


def _gone_since(report: SeriesReport) -> str:
    earlier = [one.version for one in report.versions if one.version < report.version]
    return f"Fixed since v{max(earlier)}" if earlier else "Fixed since the version before"


def _others(title: str, found: Sequence[Told], report: SeriesReport, paint: Paint, width: int) -> list[str]:
    """Return findings that ask nothing of this version, without code."""
    if not found:
        return []
    lines = [paint.bold(title)]
    for told in found[:_OTHERS_SHOWN]:
        place = told.finding.location
        function = f" in {visible(place.function)}()" if place.function else ""
        fixed = f", {life(told, report.version)}" if told.life is Life.FIXED else ""
        lines.append(f"   {visible(full_name(told.finding.rule))} {visible(place.file)}:{place.line}{function}{fixed}")
        lines += paragraph(told.finding.message, width, 6)
        for said in told.said:
            lines += paragraph(f"{said.who} {_REMARKS[said.remark]}: {report.lore}{said.message_id}", width, 6)
    if left := len(found) - _OTHERS_SHOWN:
        lines += [f"   and {left} more"] if left > 0 else []
    return lines


def _rest(report: SeriesReport, width: int) -> list[str]:
    """Return what "nothing found" rests on, what was left out, and how to see the same elsewhere."""
    lines = labelled("Looked at", report.looked_at, width)
    lines += labelled("Not looked at", report.not_looked_at, width, 15)
    if report.reproduce:
        lines += [*([""] if lines else []), *_reproduce((one.what, one.command) for one in report.reproduce)]
    return lines


def _reproduce(commands: Iterable[tuple[str, str]]) -> list[str]:
    lines = ["To see the same:"]
    for what, command in commands:
        lines += [f"   # {visible(what)}", *(f"   {visible(line)}" for line in command.splitlines())]
    return lines
