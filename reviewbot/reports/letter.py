"""The text of a reply: what a careful reviewer writes beneath the lines of a patch.

The first sentence says what is wrong and since which patch. Prose is wrapped
at 72 columns; code, paths and commands never are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote as percent

from reviewbot.findings import Evidence
from reviewbot.mail.compose import quote_place, wrap
from reviewbot.mail.diff import parse_diff
from reviewbot.mail.message import Message
from reviewbot.reports.facts import Life, PatchFacts, Remark, Reproduce, SeriesReport, Told
from reviewbot.reports.placing import Place, place_of
from reviewbot.reports.sentences import counted, since_previous, verdict
from reviewbot.reports.terminal import MAX_CODE, excerpt, indented, shortened, visible

_STEPS_SHOWN = 8
_HOW_TO_ANSWER = 'If this is wrong, answer "#reviewbot wrong: why"; a person reads it.'
_COMPILERS = ("gcc", "clang")


def write(
    report: SeriesReport, findings: Sequence[Told], left_out: int, patch: PatchFacts, parent: Message, site_url: str
) -> str:
    r"""Return the body of a reply to one patch of a series.

    :param findings: what is said, never empty.
    :param left_out: number of further findings that are only counted.
    :param patch: the patch that is answered; findings of other patches follow, with their code.
    :param parent: its mail.
    """
    diff = parse_diff(parent.body)
    places = [(told, place_of(told, diff) if told.patch == patch.number else None) for told in findings]
    lines: list[str] = []
    last: Place | None = None
    for place, told in sorted(((place, told) for told, place in places if place), key=_position):
        lines += [*_quoted(place, last), *_comment(told, report, patch), ""]
        last = place
    if last:
        # The elision ends the last comment for those who read it beside the diff.
        lines = [_attribution(parent), *lines, "> [...]", ""]
    for told in (told for told, place in places if not place):
        code = indented(excerpt(told), 2)
        lines += [f"{visible(_where(told))}:", "", *code, *([""] if code else []), *_comment(told, report, patch), ""]
    return "\n".join([*lines, *_closing(report, findings[0].check, left_out), *_footer(report, site_url)])


def clean(report: SeriesReport, site_url: str) -> str:
    """Return the body of the short letter to an author who asked for clean results too."""
    who = f"v{report.version}" if report.version > 1 else "This"
    sentence = verdict(report)
    lines = [*wrap(f"{who} {sentence[0].lower()}{sentence[1:]}"), ""]
    return "\n".join([*lines, *_closing(report, "", 0), *_footer(report, site_url)])


def retraction(told: Told, reason: str, report: SeriesReport, site_url: str) -> str:
    """Return the body of the mail that takes a finding back.

    :param reason: why it is wrong, in the words of the maintainer who said so.
    """
    words = visible(shortened(" ".join(reason.split())))
    lines = [
        *wrap(visible(f"What this says about {_where(told)} is wrong:")),
        "",
        *indented(wrap(words, 68), 2),
        "",
        *wrap("It is not told again, and it counts against the rule."),
        "",
    ]
    return "\n".join([*lines, *_footer(report, site_url)])


def mended(gone: Sequence[Told], report: SeriesReport, site_url: str) -> str:
    """Return the body of the mail that says of what was told which of it a later version has no more."""
    lines = wrap(f"v{report.version} has {'none of' if not report.findings else 'no longer'} this:")
    lines.append("")
    for told in gone:
        first, *more = wrap(visible(shortened(f"{_where(told)}: {_stated(told)}")), 70) or [""]
        lines += [f"- {first}", *indented(more, 2)]
    link = f"{report.lore}{report.message_id}"
    return "\n".join([*lines, "", visible(link), "", *_footer(report, site_url)])


def _quoted(place: Place, last: Place | None) -> list[str]:
    """Quote up to a line; nothing twice: neither the line just commented on, nor the names of its file."""
    if place == last:
        return []
    lines = quote_place(*place)
    return [*(visible(line) for line in (lines[3:] if last and last.file == place.file else lines)), ""]


def _position(pair: tuple[Place, Told]) -> int:
    return pair[0].line.position


def page(report: SeriesReport, site_url: str) -> str:
    """Return the address of the page of a series."""
    name = report.lists[0] if report.lists else "all"
    return f"{site_url}/project/{name}/series/{percent(report.message_id, safe='@')}/"


def _attribution(parent: Message) -> str:
    who = visible(parent.author.name or parent.author.email)
    return f"On {parent.date:%a, %b %d, %Y at %I:%M:%S%p %z}, {who} wrote:"


def _where(told: Told) -> str:
    place = told.finding.location
    function = f", in {place.function}()" if place.function else ""
    return f"{place.file}:{place.line}{function}"


def _comment(told: Told, report: SeriesReport, patch: PatchFacts) -> list[str]:
    finding = told.finding
    lines = _prose(_sentence(told, report, patch))
    if finding.evidence:
        lines += ["", *_evidence(told)]
    prose = []
    if finding.condition:
        prose.append(f"The path exists only under {finding.condition}.")
    if finding.assumption:
        prose.append(f"It is assumed that {_joined(finding.assumption)}")
    prose += _raised_before(told, report)
    for text in prose:
        lines += ["", *_prose(text)]
    return lines


def _prose(text: str) -> list[str]:
    return wrap(visible(shortened(" ".join(text.split()))))


def _sentence(told: Told, report: SeriesReport, patch: PatchFacts) -> str:
    """Say what is wrong, since which patch, and whether an earlier version had it."""
    this = "this patch" if told.patch == patch.number else _named(told.patch, report)
    since = f"between {this} and patch {told.gone_by}" if told.life is Life.TRANSIENT else f"since {this}"
    earlier = f", and in v{told.since} already" if told.since < report.version else ""
    stated, function = _stated(told), told.finding.location.function
    # A hunk often names the function before the one that it changes.
    lead = f"In {function}(), {since}" if function and f"{function}()" not in stated else since[0].upper() + since[1:]
    mended = ""
    if told.life is Life.TRANSIENT:
        mended = f" Patch {told.gone_by} mends it, but a bisection may stop in between."
    return f"{lead}{earlier}, {_joined(stated)}{mended}"


def _named(number: int, report: SeriesReport) -> str:
    subject = next((one.subject for one in report.patches if one.number == number), "")
    return f'patch {number}, "{subject}"' if subject else f"patch {number}"


def _stated(told: Told) -> str:
    """Return the message of a finding as a sentence; a compiler's word is told as the compiler's."""
    finding = told.finding
    tool, _, option = finding.rule.partition(".")
    text = finding.message.rstrip()
    if tool in _COMPILERS:
        where = f" in {finding.location.function}()" if finding.location.function else ""
        if option.startswith("-W"):
            return f"{tool} warns{where}: {text} [{option}]."
        text = f"{tool} does not compile {finding.location.function + '()' if where else 'this'}: {text}"
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _joined(sentence: str) -> str:
    """Return a sentence as it goes on behind a comma: names of functions and macros stay as they are."""
    first = sentence.partition(" ")[0]
    return sentence[0].lower() + sentence[1:] if first.istitle() and first.isalpha() else sentence


def _evidence(told: Told) -> Iterator[str]:
    """Yield the path, one step a line; the middle of a long one is left out."""
    steps = told.finding.evidence
    shown: Sequence[Evidence | None] = steps
    if len(steps) > _STEPS_SHOWN:
        shown = [*steps[:3], None, *steps[-_STEPS_SHOWN + 4 :]]
    for step in shown:
        if step is None:
            yield "  [...]"
            continue
        place = f"line {step.line}" if step.file == told.finding.location.file else f"{step.file}:{step.line}"
        yield visible(f"  {place}: {shortened(' '.join(step.text.split()), MAX_CODE)}")


def _raised_before(told: Told, report: SeriesReport) -> list[str]:
    """Name the mail that raised it for an earlier version."""
    for said in told.said:
        if said.remark is Remark.RAISED:
            return [f"{said.who} raised it for an earlier version: {report.lore}{said.message_id}"]
    return []


def _closing(report: SeriesReport, check: str, left_out: int) -> Iterator[str]:
    """Yield what the sentences above rest on: base, what was looked at, and how to see the same."""
    if left_out:
        yield from (*wrap(f"{counted(left_out, 'further finding')} can be read on the page below."), "")
    if change := since_previous(report):
        yield from (*wrap(f"{change}."), "")
    if report.base:
        yield from (*wrap(visible(f"Applied to {report.base.describe}, commit {report.base.commit[:12]}.")), "")
    yield from _listed("Looked at:", report.looked_at)
    yield from _listed("Not looked at:", report.not_looked_at)
    if command := _command(report.reproduce, check):
        yield from ("To see the same:", f"  {visible(command)}", "")


def _command(commands: Sequence[Reproduce], check: str) -> str:
    """Return the command that shows what one check or build has found, else the first."""
    kind = "build" if check == "build" else "check"
    fitting = (one.command for one in commands if one.what.split(" ")[0] == kind)
    return next(fitting, commands[0].command if commands else "")


def _listed(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield title
        for item in items:
            first, *more = wrap(visible(item), 70) or [""]
            yield f"- {first}"
            yield from indented(more, 2)
        yield ""


def _footer(report: SeriesReport, site_url: str) -> list[str]:
    return ["-- ", visible(page(report, site_url)), _HOW_TO_ANSWER, ""]
