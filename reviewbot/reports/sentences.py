"""The sentences that every face says in the same words: the verdict, and what changed since the last version."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reviewbot.findings import Severity
from reviewbot.reports.facts import BaseFacts, Life, SeriesReport, State, Told, Verdict


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 patch``, ``3 patches``; no other plural than -s is guessed."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def enumerated(words: Sequence[str]) -> str:
    """Join words as a sentence does: ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def verdict(report: SeriesReport) -> str:
    """Return the verdict in one or two sentences; the first thing that every face says."""
    if report.verdict is Verdict.UNKNOWN:
        return _under_way(report)
    if report.verdict is Verdict.CLEAN:
        notes = f"but {counted(len(report.findings), 'note')} " if report.findings else "new "
        return f"Applies, and nothing {notes}was found."
    if report.verdict is Verdict.FINDINGS:
        return f"{_found(report.findings)} in {_patches(report.findings)}."
    lead = {
        Verdict.DOES_NOT_APPLY: "Does not apply.",
        Verdict.INCOMPLETE: "Incomplete.",
        Verdict.BROKEN: "Broken, which is our fault and says nothing about the patches.",
    }[report.verdict]
    return f"{lead} {report.reason}".strip()


def verdict_word(verdict: Verdict) -> str:
    """Return a verdict as every face for people says it; that there is none yet is ``not looked at``."""
    return "not looked at" if verdict is Verdict.UNKNOWN else verdict.value


def standing_word(verdict: Verdict, state: State, *, wanted: bool = True) -> str:
    """Return the verdict, or how far the way to it is: ``waiting``, ``running``, or ``not looked at``.

    :param wanted: whether the series is to be looked at without anybody asking for it again.
    """
    if verdict is not Verdict.UNKNOWN:
        return verdict.value
    if state is State.RUNNING:
        return state.value
    return "waiting" if wanted and state is State.NOT_RUN else verdict_word(verdict)


def _under_way(report: SeriesReport) -> str:
    if report.state is State.NOT_RUN:
        return "Not looked at yet."
    settled = sum(cell.state.settled for cell in report.cells)
    if not report.cells:
        return "Being applied."
    so_far = f"{_found(report.findings)} so far" if report.findings else "nothing found so far"
    return f"Being checked: {settled} of {counted(len(report.cells), 'run')} done, {so_far}."


def _found(findings: Iterable[Told]) -> str:
    by_severity = [(sum(told.finding.severity is severity for told in findings), severity) for severity in Severity]
    parts = [counted(number, str(severity)) for number, severity in by_severity if number]
    return f"{enumerated(parts)} found" if parts else "Findings"


def _patches(findings: Iterable[Told]) -> str:
    numbers = sorted({told.patch for told in findings if told.patch})
    if not numbers:
        return "the series"
    return f"{'patch' if len(numbers) == 1 else 'patches'} {enumerated([str(number) for number in numbers])}"


def since_previous(report: SeriesReport) -> str:
    """Return what changed against the version before, e.g. ``v2 fixed 1, 1 remains, 2 new``; "" when none is known."""
    if report.verdict not in (Verdict.CLEAN, Verdict.FINDINGS):
        return ""
    looked_at = (Verdict.CLEAN, Verdict.FINDINGS)
    if not any(one.version < report.version and one.verdict in looked_at for one in report.versions):
        return ""
    remain = sum(told.since < report.version for told in report.findings)
    back = sum(told.back > 0 for told in report.findings)
    new = len(report.findings) - remain - back
    if not (report.gone or remain or back or new):
        return ""
    remains = "remains" if remain == 1 else "remain"
    again = f", {back} came back" if back else ""
    return f"v{report.version} fixed {len(report.gone)}, {remain} {remains}, {new} new{again}"


def base_name(base: BaseFacts) -> str:
    """Return tree and version of a base without saying one twice: ``mm-unstable v6.12``."""
    return base.describe if base.describe.startswith(base.tree) else f"{base.tree} {base.describe}".strip()


def known_by(how: str) -> str:
    """Say how a version was recognised as one of the topic; "" when there was none before it."""
    phrases = {
        "lore link in text": "a link in its text",
        "subject+author": "its subject and author",
        "subject+files": "its subject and files; its author is another one",
    }
    return f"known by {phrases.get(how, f'its {how}')}" if how else ""


def patch_notes(report: SeriesReport) -> list[str]:
    """Say which patches somebody else posted, and what git changes that a mail does not show."""
    posted = [f"Patch {one.number} was posted by {one.author}, not by the author of the series."
              for one in report.patches if one.author]  # fmt: skip
    return posted + [one.unseen for one in report.patches if one.unseen]


def history(told: Told, version: int) -> str:
    """Return what a finding is to a series, and what became of it since the versions before."""
    moved = ", moved since the version before" if told.moved else ""
    back = f", came back: v{told.back} had it, the version before did not" if told.back else ""
    return f"{life(told, version)}{moved}{back}"


def life(told: Told, version: int) -> str:
    """Return what a finding is to a series, in a phrase that stands behind its rule."""
    if told.life is Life.TRANSIENT:
        return f"from patch {told.patch} to patch {told.gone_by}, where it is gone again"
    if told.life is Life.FIXED:
        return f"fixed by patch {told.patch}" if told.patch else "fixed by the series"
    if told.life is Life.PRE_EXISTING:
        return "in the base already"
    where = f"patch {told.patch}" if told.patch else "the series"
    still = f", since v{told.since}" if told.since < version else ""
    return f"new with {where}{still}"
