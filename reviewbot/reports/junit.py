"""The report as JUnit XML, for servers that show test results: a suite for each patch, a case for each check."""

from __future__ import annotations

import unicodedata
from xml.etree import ElementTree as ET

from reviewbot.reports.facts import Cell, SeriesReport, State, Told
from reviewbot.reports.status import standing

_UNTOLD = (State.SKIPPED, State.NOT_RUN, State.RUNNING)


def render(report: SeriesReport, *, page: str = "") -> bytes:
    """Return an XML document.

    A finding that a patch brings is a ``failure`` with its place and evidence;
    what broke on our side is an ``error``; what was not run is ``skipped`` and says why.

    :param page: address of the page of the series, "" for none.
    """
    suites = ET.Element("testsuites", name=_text(report.subject))
    if report.failure or not report.cells:
        _applying(suites, report)
    for patch in report.patches:
        cells = [cell for cell in report.cells if cell.patch == patch.number]
        if cells:
            _suite(suites, report, f"{patch.number}: {patch.subject}", cells, page)
    for total in ("tests", "failures", "errors", "skipped"):
        suites.set(total, str(sum(int(suite.get(total, "0")) for suite in suites)))
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _applying(suites: ET.Element, report: SeriesReport) -> None:
    """Add the one case that there is while nothing was checked: whether the series applies."""
    suite = _started(suites, "series")
    case = ET.SubElement(suite, "testcase", classname="reviewbot", name="apply")
    if report.failure:
        failure = ET.SubElement(case, "failure", message=_text(report.failure.reason), type="apply")
        failure.text = _text(f"{report.failure.hunk}\nwanted:\n{report.failure.wanted}\nfound:\n{report.failure.found}")
    else:
        ET.SubElement(case, "skipped", message=_text(report.reason or report.state.value))
    _count(suite)


def _suite(suites: ET.Element, report: SeriesReport, name: str, cells: list[Cell], page: str) -> None:
    suite = _started(suites, name)
    if page:
        properties = ET.SubElement(suite, "properties")
        ET.SubElement(properties, "property", name="url", value=_text(page))
    for cell in cells:
        _case(suite, report, cell)
    _count(suite)


def _started(suites: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(suites, "testsuite", name=_text(name))


def _case(suite: ET.Element, report: SeriesReport, cell: Cell) -> None:
    name = f"{cell.check} {cell.configuration}".strip()
    case = ET.SubElement(suite, "testcase", classname=f"reviewbot.{_text(cell.check)}", name=_text(name))
    case.set("time", f"{cell.seconds or 0:.3f}")
    told = [one for one in report.findings if (one.patch, one.check) == (cell.patch, cell.check)]
    if cell.state is State.BROKEN:
        ET.SubElement(case, "error", message=_text(cell.summary or "broken: our fault"), type="broken")
    elif cell.state in _UNTOLD:
        ET.SubElement(case, "skipped", message=_text(cell.summary or cell.state.value))
    elif cell.new and told:
        for one in told:
            kind = f"{one.finding.rule} ({standing(one, report.version)})"
            failure = ET.SubElement(case, "failure", message=_text(one.finding.message), type=_text(kind))
            failure.text = _text(_where(one))
    elif cell.state is State.FAILED:
        ET.SubElement(case, "failure", message=_text(cell.summary or "failed"), type=_text(cell.check))
    if cell.summary:
        ET.SubElement(case, "system-out").text = _text(cell.summary)


def _where(told: Told) -> str:
    place = told.finding.location
    steps = [f"{step.file}:{step.line}: {step.text}" for step in told.finding.evidence]
    return "\n".join([f"{place.file}:{place.line}: in {place.function or 'no function'}", *steps])


def _count(suite: ET.Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for kind, total in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(total, str(sum(case.find(kind) is not None for case in cases)))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _text(text: str) -> str:
    """Replace what XML 1.0 has no place for (section 2.2)."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _unwritable(char) else char for char in text)


def _unwritable(char: str) -> bool:
    return (unicodedata.category(char) in ("Cc", "Cs") and char not in "\t\n\r") or char in "\ufffe\uffff"
