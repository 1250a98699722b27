"""The text of a reply: what a careful reviewer writes beneath the lines of a patch.

The first sentence says what is wrong and since which patch. Prose is wrapped
at 72 columns; code, paths and commands never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote as percent

from reviewbot.mail.compose import quote_hunk, wrap
from reviewbot.mail.diff import FileDiff, parse_diff
from reviewbot.mail.message import Message
from reviewbot.reports.evidence import path, steps
from reviewbot.reports.facts import BaseFacts, Life, PatchFacts, Remark, SeriesReport, Told, Verdict
from reviewbot.reports.placing import Place, place_of
from reviewbot.reports.sentences import base_name, counted, verdict
from reviewbot.reports.terminal import MAX_CODE, excerpt, indented, shortened, visible
from reviewbot.tree.model import GUESSED

_HOW_TO_ANSWER = 'If this is wrong, reply with a line "#reviewbot wrong: why".'
_HOW_TO_END = 'You asked for results like this one; a reply with a line "#reviewbot mute" ends them.'
_COMPILERS = ("gcc", "clang")
_LOOKED_AT = (Verdict.CLEAN, Verdict.FINDINGS)
#: lines of code that are shown of a hunk that does not apply, and sentences on the bases that were tried
_CODE_SHOWN, _TRIED = 12, 6
_DEFINED = re.compile(r"\bdefined\s*\(\s*(\w+)\s*\)")
_BUILT = re.compile(r"(?:Built|Checked) \d")
#: columns of a command that is given as one line
_WIDE = 100


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
    places = {id(told): place_of(told, diff) if told.patch == patch.number else None for told in findings}
    groups = _grouped(findings, places)
    lines: list[str] = []
    if placed := [(place, group) for group in groups if (place := places[id(group[0])])]:
        # The elision ends the last comment for those who read it beside the diff.
        lines = [_attribution(parent), *_beneath(placed, report, patch), "> [...]", ""]
    for group in (group for group in groups if not places[id(group[0])]):
        code = indented(excerpt(group[0]), 2)
        said = _comment(group, report, patch, beneath=False)
        lines += [f"{visible(_where(group[0]))}:", "", *code, *([""] if code else []), *said, ""]
    return "\n".join([*lines, *_closing(report, findings, left_out), *_footer(report, site_url)])


def _grouped(findings: Sequence[Told], places: Mapping[int, Place | None]) -> list[list[Told]]:
    """Put what the patch does not show to what is told already of the same mistake; the first of a group is told."""
    groups: list[list[Told]] = []
    for told in findings:
        same = (group for group in groups if _same_mistake(group[0], told))
        group = None if places[id(told)] or told.said else next(same, None)
        if group is None:
            groups.append([told])
        else:
            group.append(told)
    return groups


def _same_mistake(first: Told, other: Told) -> bool:
    """True when both are told in the same words, or one comes about by way of the other's line."""
    one, two = first.finding, other.finding
    if (one.rule, one.condition, one.assumption) != (two.rule, two.condition, two.assumption):
        return False
    through = any(
        (step.file, step.line) == (a.location.file, a.location.line)
        for a, b in ((one, two), (two, one))
        for step in b.evidence
    )
    return through or one.message.replace(one.location.function, "") == two.message.replace(two.location.function, "")


def _beneath(placed: Sequence[tuple[Place, list[Told]]], report: SeriesReport, patch: PatchFacts) -> Iterator[str]:
    """Yield the hunks that something is said about, quoted up to each comment."""
    file: FileDiff | None = None
    in_order = sorted(placed, key=lambda pair: pair[0].line.position)
    for _, group in groupby(in_order, key=lambda pair: pair[0].hunk.position):
        here = list(group)
        place = here[0][0]
        lines = list(dict.fromkeys(one.line for one, _ in here))
        pieces = dict(zip(lines, quote_hunk(place.file, place.hunk, lines, named=place.file != file), strict=True))
        file = place.file
        for one, told in here:
            if quoted := pieces.pop(one.line, None):
                yield from (*map(visible, quoted), "")
            yield from (*_comment(told, report, patch), "")


def clean(report: SeriesReport, site_url: str) -> str:
    """Return the body of the short letter to an author who asked for clean results too."""
    who = f"v{report.version}" if report.version > 1 else "The series"
    sentence = verdict(report)
    lines = [*_prose(f"{who} {sentence[0].lower()}{sentence[1:]} {report.reason}"), ""]
    return "\n".join([*lines, *_closing(report, (), 0), *_footer(report, site_url, _HOW_TO_END)])


def unapplied(report: SeriesReport, site_url: str) -> str:
    """Return the body of the letter to an author who asked for a result, and whose series does not apply."""
    who = f"v{report.version}" if report.version > 1 else "The series"
    failure = report.failure
    where = f" to {_base(report.base)}" if report.base else ""
    lead = f"{who} does not apply{where}" + (f": patch {failure.patch} fails." if failure else ".")
    lines = [*_prose(lead), "", *_prose(report.reason), *([""] if report.reason else [])]
    if failure and failure.wanted:
        lines += ["The patch expects:", *_cut(failure.wanted), ""]
    if failure and failure.found:
        lines += [f"The tree has at line {failure.found_line}:", *_cut(failure.found), ""]
    if report.base:
        # What the reason says already, and advice that stands below, is not said again.
        said = (line for line in report.base.trace if line and not line.startswith("To the author:"))
        tried = [line.replace(report.reason, "").rstrip() if report.reason else line for line in said]
        lines += _listed("How the base was found:", tried[:_TRIED])
    advice = (
        'If another base is meant, name it in the next version: "git format-patch --base=COMMIT" writes it, and so '
        'does b4. To have this version tried on another tree, reply with a line "#reviewbot test: TREE".'
    )
    return "\n".join([*lines, *wrap(advice), "", *_footer(report, site_url, _HOW_TO_END)])


def _cut(code: str) -> list[str]:
    shown = code.rstrip("\n").split("\n")
    more = ["[...]"] if len(shown) > _CODE_SHOWN else []
    return indented([visible(line[:MAX_CODE]) for line in [*shown[:_CODE_SHOWN], *more]], 2)


def retraction(told: Told, reason: str, report: SeriesReport, site_url: str) -> str:
    """Return the body of the mail that takes a finding back.

    :param reason: why it is wrong, in the words of the maintainer who said so.
    """
    words = visible(shortened(" ".join(reason.split())))
    lines = [
        *wrap(visible(f"The finding at {_where(told)}, was wrong:")),
        "",
        *indented(wrap(words, 68), 2),
        "",
        *wrap("Please ignore it. It will not be reported again."),
        "",
    ]
    return "\n".join([*lines, *_footer(report, site_url)])


def mended(gone: Sequence[Told], report: SeriesReport, site_url: str) -> str:
    """Return the body of the mail that says of what was told which of it a later version has no more."""
    lines = [f"Fixed in v{report.version}:", ""]
    for told in gone:
        first, *more = wrap(visible(shortened(f"{_where(told)}: {_stated(told)}")), 70) or [""]
        lines += [f"- {first}", *indented(more, 2)]
    link = f"{report.lore}{report.message_id}"
    return "\n".join([*lines, "", visible(link), "", *_footer(report, site_url)])


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


def _comment(group: Sequence[Told], report: SeriesReport, patch: PatchFacts, *, beneath: bool = True) -> list[str]:
    """Say what is wrong, and where else; beneath a quoted line, also in which function that is."""
    told, *others = group
    finding = told.finding
    lines = _prose(_sentence(told, report, patch))
    if way := steps(finding):
        function = finding.location.function
        # A hunk often names the function before the one that it changes.
        named = [visible(f"In {function}():")] if beneath and function and f"{function}()" not in _stated(told) else []
        lines += ["", *named, *path(way, finding.location.file)]
    prose = []
    if finding.condition:
        condition = _DEFINED.sub(r"\1", finding.condition)
        prose.append(f"This happens only with {condition}.")
    if finding.assumption:
        prose.append(f"This assumes that {_joined(finding.assumption)}")
    prose += _raised_before(told, report)
    for text in prose:
        lines += ["", *_prose(text)]
    where = [_where(one) + (f", {_since(one, report, patch)}" if one.patch != told.patch else "") for one in others]
    return [*lines, *(["", *_listed("The same here:", where)][:-1] if where else [])]


def _prose(text: str) -> list[str]:
    return wrap(visible(shortened(" ".join(text.split()))))


def _sentence(told: Told, report: SeriesReport, patch: PatchFacts) -> str:
    """Say what is wrong, since which patch, and whether an earlier version had it."""
    since = _since(told, report, patch)
    stated, function = _stated(told), told.finding.location.function
    if function and not steps(told.finding) and f"{function}()" not in stated:
        lead = f"In {function}(), {since}"
    else:
        lead = since[0].upper() + since[1:]
    more = ""
    if told.life is Life.TRANSIENT:
        more = f" Patch {told.gone_by} mends it; only a bisection can stop in between."
    if told.since < report.version:
        more += f" v{told.since} had this already."
    return f"{lead}, {_joined(stated)}{more}"


def _since(told: Told, report: SeriesReport, patch: PatchFacts) -> str:
    this = "this patch" if told.patch == patch.number else _named(told.patch, report)
    return f"between {this} and patch {told.gone_by}" if told.life is Life.TRANSIENT else f"since {this}"


def _named(number: int, report: SeriesReport) -> str:
    subject = next((one.subject for one in report.patches if one.number == number), "")
    return f'patch {number} ("{subject}")' if subject else f"patch {number}"


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


def _raised_before(told: Told, report: SeriesReport) -> list[str]:
    """Name the mail that raised it for an earlier version."""
    for said in told.said:
        if said.remark is Remark.RAISED:
            return [f"{said.who} raised it for an earlier version: {report.lore}{said.message_id}"]
    return []


def _closing(report: SeriesReport, findings: Sequence[Told], left_out: int) -> Iterator[str]:
    """Yield what the sentences above rest on: base, what was looked at, and how to see the same."""
    if left_out:
        yield from (*wrap(f"{counted(left_out, 'more finding')} can be read on the page below."), "")
    if change := _since_previous(report):
        yield from (*wrap(change), "")
    if report.base:
        guessed = (line for line in report.base.trace if line.endswith(GUESSED))
        yield from (*_prose(" ".join([f"Applied to {_base(report.base)}.", *guessed])), "")
    for text in (one.unseen for one in report.patches if one.unseen):
        yield from (*_prose(text), "")
    yield from _listed("Looked at:", [line for line in map(_in_short, report.looked_at) if line])
    yield from _listed("Not looked at:", report.not_looked_at)
    if lines := _command(report, findings):
        where = f", in {_base(report.base)}" if report.base else ""
        yield from (*wrap(visible(f"To see the same{where}:")), *(f"  {visible(line)}" for line in lines), "")


def _base(base: BaseFacts) -> str:
    """Name the tree; a commit only when a reader can have it."""
    name = base_name(base)
    return f"{name}, commit {base.commit[:12]}" if base.published and base.commit[:12] not in name else name


def _since_previous(report: SeriesReport) -> str:
    """Say what became of the findings of the version before, "" when it had none."""
    remain = sum(told.since < report.version for told in report.findings)
    before = len(report.gone) + remain
    earlier = [one.version for one in report.versions if one.version < report.version and one.verdict in _LOOKED_AT]
    if not before or not earlier or report.verdict not in _LOOKED_AT:
        return ""
    many = "the finding" if before == 1 else f"the {before} findings"
    if not report.gone:
        done = f"still has {many}"
    elif remain:
        done = f"fixes {len(report.gone)} of {many}"
    else:
        done = f"fixes {many}"
    new = len(report.findings) - remain
    added = f", and has {new} new" if new else ""
    return f"v{report.version} {done} of v{max(earlier)}{added}."


def _in_short(line: str) -> str:
    """Return what a mail needs of a sentence on what was looked at: no reasons, and no sizes of objects."""
    if line[:1].isdigit():
        return ""
    short = line.partition("; ")[0]
    if _BUILT.match(short):
        short = short.partition(": ")[0]
    return short if short.endswith(".") else f"{short}."


def _command(report: SeriesReport, findings: Sequence[Told]) -> list[str]:
    """Return the command that shows the first of the findings, else the first one; broken behind ``&&`` when long."""
    commands = {one.what: one.command for one in report.reproduce}
    command = next(iter(commands.values()), "")
    if findings and findings[0].check == "build":
        built = [cell.configuration for cell in report.cells
                 if cell.check == "build" and cell.patch == findings[0].patch and cell.new]  # fmt: skip
        names = (f"build {name}" for name in built)
        any_build = next((one for what, one in commands.items() if what.startswith("build")), command)
        command = next((commands[name] for name in names if name in commands), any_build)
    elif findings:
        command = commands.get("check", command)
    if len(command) <= _WIDE:
        return [command] if command else []
    first, *more = command.split(" && ")
    return [f"{first} &&", *(f"{step} &&" for step in more[:-1]), more[-1]] if more else [first]


def _listed(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield title
        for item in items:
            first, *more = wrap(visible(item), 70) or [""]
            yield f"- {first}"
            yield from indented(more, 2)
        yield ""


def _footer(report: SeriesReport, site_url: str, how: str = _HOW_TO_ANSWER) -> list[str]:
    return ["-- ", visible(page(report, site_url)), how, ""]
