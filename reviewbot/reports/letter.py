"""The text of a reply: what a careful reviewer writes beneath the lines of a patch.

The first sentence says what is wrong and since which patch. Prose is wrapped
at 72 columns; code, paths and commands never are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from urllib.parse import quote as percent

from reviewbot.mail.compose import quote_hunk, wrap
from reviewbot.mail.diff import FileDiff, parse_diff
from reviewbot.mail.message import Message
from reviewbot.reports.comment import bullets, comment, grouped, prose, spot, stated
from reviewbot.reports.facts import BaseFacts, PatchFacts, SeriesReport, Told, Verdict
from reviewbot.reports.placing import Place, cause_of, place_of
from reviewbot.reports.sentences import base_name, counted, verdict
from reviewbot.reports.terminal import MAX_CODE, excerpt, indented, shortened, visible
from reviewbot.tree.model import GUESSED

_HOW_TO_ANSWER = 'If this is wrong, reply with a line "#reviewbot wrong: why".'
_HOW_TO_END = 'You asked for this; a reply with the line "#reviewbot mute" ends it.'
_LOOKED_AT = (Verdict.CLEAN, Verdict.FINDINGS)
#: lines of code that are shown of a hunk that does not apply, and sentences on the bases that were tried
_CODE_SHOWN, _TRIED = 12, 6
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
    here = [told for told in findings if told.patch == patch.number]
    shown = {told: place for told in here if (place := place_of(told, diff))}
    causes = {told: place for told in here if told not in shown and (place := cause_of(told, diff))}
    groups = grouped(findings, shown, causes)
    quoted = [(place, group) for group in groups if (place := shown.get(group[0]) or causes.get(group[0]))]
    lines: list[str] = []
    if quoted:
        # The elision ends the last comment for those who read it beside the diff.
        lines = [_attribution(parent), *_beneath(quoted, report, patch), "> [...]", ""]
    for group in (group for group in groups if group[0] not in shown and group[0] not in causes):
        code = indented(excerpt(group[0]), 2)
        said = comment(group, report, patch, above="place")
        lines += [f"{visible(spot(group[0]))}:", "", *code, *([""] if code else []), *said, ""]
    return "\n".join([*lines, *_closing(report, findings, left_out), *_footer(report, site_url)])


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
        for one, mistake in here:
            if quoted := pieces.pop(one.line, None):
                yield from (*map(visible, quoted), "")
            yield from (*comment(mistake, report, patch, "code" if one.own else ""), "")


def clean(report: SeriesReport, site_url: str) -> str:
    """Return the body of the short letter to an author who asked for clean results too."""
    sentence = verdict(report)
    lines = [*prose(f"{_who(report)} {sentence[0].lower()}{sentence[1:]} {report.reason}"), ""]
    return "\n".join([*lines, *_closing(report, (), 0), *_footer(report, site_url, _HOW_TO_END)])


def unapplied(report: SeriesReport, site_url: str) -> str:
    """Return the body of the letter to an author who asked for a result, and whose series does not apply."""
    failure = report.failure
    where = f" to {_base(report.base)}" if report.base else ""
    which = f": patch {failure.patch} fails" if failure and report.expected > 1 else ""
    lead = f"{_who(report)} does not apply{where}{which}."
    lines = [*prose(lead), "", *prose(report.reason), *([""] if report.reason else [])]
    if failure and failure.wanted:
        lines += ["The patch expects:", *_cut(failure.wanted), ""]
    if failure and failure.found:
        lines += [f"The tree has at line {failure.found_line}:", *_cut(failure.found), ""]
    if report.base:
        # What the reason says already, and advice that stands below, is not said again.
        said = (line for line in report.base.trace if line and not line.startswith(("To the author:", "MAINTAINERS")))
        tried = [line.replace(report.reason, "").rstrip() if report.reason else line for line in said]
        lines += [*bullets("How the base was found:", tried[:_TRIED]), ""] if tried else []
    advice = (
        'If another base is meant, name it in the next version: "git format-patch --base=COMMIT" writes it, and so '
        'does b4. To have this version tried on another tree, reply with a line "#reviewbot test: TREE".'
    )
    return "\n".join([*lines, *wrap(advice), "", *_footer(report, site_url, _HOW_TO_END)])


def _who(report: SeriesReport) -> str:
    if report.version > 1:
        return f"v{report.version}"
    return "The series" if report.expected > 1 else "The patch"


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
        *wrap(visible(f"The finding at {spot(told)}, was wrong:")),
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
        first, *more = wrap(visible(shortened(f"{spot(told)}: {stated(told)}")), 70) or [""]
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


def _closing(report: SeriesReport, findings: Sequence[Told], left_out: int) -> Iterator[str]:
    """Yield what the sentences above rest on: base, what was looked at, and how to see the same."""
    if left_out:
        yield from (*wrap(f"{counted(left_out, 'more finding')} can be read on the page below."), "")
    if change := _since_previous(report):
        yield from (*wrap(change), "")
    if report.base:
        guessed = (line for line in report.base.trace if line.endswith(GUESSED))
        yield from (*prose(" ".join([f"Applied to {_base(report.base)}.", *guessed])), "")
    for text in (one.unseen for one in report.patches if one.unseen):
        yield from (*prose(text), "")
    looked_at = [line for line in map(_in_short, report.looked_at) if line]
    for title, sentences in (("Looked at:", looked_at), ("Not looked at:", report.not_looked_at)):
        yield from (*bullets(title, sentences), "") if sentences else ()
    if lines := _command(report, findings):
        where = " on that base" if report.base else ""
        yield from (f"To see the same{where}:", *(f"  {visible(line)}" for line in lines), "")


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


def _footer(report: SeriesReport, site_url: str, how: str = _HOW_TO_ANSWER) -> list[str]:
    return ["-- ", visible(page(report, site_url)), how, ""]
