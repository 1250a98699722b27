"""The verdict as a small picture for pages of others: SVG without script, font or link to elsewhere."""

from __future__ import annotations

from xml.sax.saxutils import escape

from reviewbot.findings import Severity
from reviewbot.reports.facts import SeriesReport, Verdict
from reviewbot.reports.sentences import counted, standing_word

LABEL = "page tables"
_EM = 7  # mean advance of the 11 px face, in px
_PAD = 6
_GREY, _GREEN, _AMBER, _RED = "#57606a", "#1a7f37", "#9a6700", "#b62324"  # each at least 4.5:1 against white


def render(report: SeriesReport) -> str:
    """Return a badge of 20 px height; its words say all that its colour says."""
    word, colour = _verdict(report)
    left, right = (len(text) * _EM + 2 * _PAD for text in (LABEL, word))
    title = escape(f"{LABEL}: {word}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{title}"><title>{title}</title>'
        f'<rect width="{left}" height="20" fill="#24292f"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14">{escape(LABEL)}</text>'
        f'<text x="{left + right / 2:g}" y="14">{escape(word)}</text></g></svg>\n'
    )


def _verdict(report: SeriesReport) -> tuple[str, str]:
    if report.verdict is Verdict.CLEAN:
        return "nothing new", _GREEN
    if report.verdict is Verdict.FINDINGS:
        errors = sum(told.finding.severity is Severity.ERROR for told in report.findings)
        if errors:
            return counted(errors, "error"), _RED
        return counted(len(report.findings), "warning"), _AMBER
    if report.verdict is Verdict.UNKNOWN:
        return standing_word(report.verdict, report.state), _GREY
    return report.verdict.value, _RED if report.verdict is Verdict.DOES_NOT_APPLY else _GREY
