"""What is said of one mistake, and of the other places that have it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from reviewbot.findings import Finding
from reviewbot.mail.compose import wrap
from reviewbot.reports.evidence import path, steps
from reviewbot.reports.facts import Life, PatchFacts, Remark, SeriesReport, Told
from reviewbot.reports.placing import Place
from reviewbot.reports.terminal import indented, shortened, visible

_COMPILERS = ("gcc", "clang")
_DEFINED = re.compile(r"\bdefined\s*\(\s*(\w+)\s*\)")


def grouped(findings: Sequence[Told], alone: Collection[Told], causes: Mapping[Told, Place]) -> list[list[Told]]:
    """Put findings of the same mistake together; the first of a group is told, the others are named.

    :param alone: what is told at a place of its own.
    :param causes: the added lines that some of the others come of.
    """
    groups: list[list[Told]] = []
    for told in findings:
        same = (
            group for group in groups if _same_mistake(group[0], told, alone) or _same_cause(group[0], told, causes)
        )
        group = None if told.said else next(same, None)
        if group is None:
            groups.append([told])
        else:
            group.append(told)
    return groups


def _same_cause(first: Told, other: Told, causes: Mapping[Told, Place]) -> bool:
    cause = causes.get(other)
    return cause is not None and cause == causes.get(first) and first.finding.rule == other.finding.rule


def _same_mistake(first: Told, other: Told, alone: Collection[Told]) -> bool:
    """True when two compilers say it of one line, both are told in the same words, or one comes by way of the other."""
    one, two = first.finding, other.finding
    if _at_one_line(first, other):
        return _compiler(one) != _compiler(two) and bool(_compiler(one) and _compiler(two))
    if other in alone or one.rule != two.rule:
        return False
    through = any(
        (step.file, step.line) == (a.location.file, a.location.line)
        for a, b in ((one, two), (two, one))
        for step in b.evidence
    )
    words = [(each.message.replace(each.location.function, ""), each.condition, each.assumption) for each in (one, two)]
    return through or words[0] == words[1]


def _at_one_line(first: Told, other: Told) -> bool:
    one, two = first.finding.location, other.finding.location
    return (one.file, one.line, first.patch, first.life) == (two.file, two.line, other.patch, other.life)


def _compiler(finding: Finding) -> str:
    tool = finding.rule.partition(".")[0]
    return tool if tool in _COMPILERS else ""


def comment(group: Sequence[Told], report: SeriesReport, patch: PatchFacts, above: str = "") -> list[str]:
    """Say what is wrong since which patch, how it comes to that, and where else.

    :param group: findings of one mistake.
    :param patch: the one that is answered.
    :param above: what stands above already: ``place``, ``code`` beneath a quoted line, "" beneath one of another place.
    """
    told, *others = group
    finding = told.finding
    lines = prose(_sentence(told, report, patch))
    for one in others:
        if _at_one_line(told, one):
            lines += ["", *prose(_ended(f"{_compiler(one.finding)} says: {_words(one.finding)}"))]
    if way := steps(finding):
        lines += ["", *_heading(told, above), *path(way, finding.location.file)]
    further = []
    if finding.condition:
        condition = _DEFINED.sub(r"\1", finding.condition)
        further.append(f"This happens only with {condition}.")
    if finding.assumption:
        further.append(f"This assumes that {_joined(finding.assumption)}")
    further += _raised_before(told, report)
    for text in further:
        lines += ["", *prose(text)]
    elsewhere = [one for one in others if not _at_one_line(told, one)]
    places = [spot(one) + (f", {_since(one, report, patch)}" if one.patch != told.patch else "") for one in elsewhere]
    return [*lines, *(["", *bullets("The same here:", places)] if places else [])]


def _heading(told: Told, above: str) -> list[str]:
    """Name the place whose lines the way goes, as far as that is not said; a hunk often names the function before."""
    function = told.finding.location.function
    if not above:
        return [visible(f"At {spot(told)}:")]
    unnamed = above == "code" and function and f"{function}()" not in stated(told)
    return [visible(f"In {function}():")] if unnamed else []


def spot(told: Told) -> str:
    """Name the place of a finding: file, line and function."""
    place = told.finding.location
    function = f", in {place.function}()" if place.function else ""
    return f"{place.file}:{place.line}{function}"


def _sentence(told: Told, report: SeriesReport, patch: PatchFacts) -> str:
    """Say what is wrong, since which patch, and whether an earlier version had it."""
    since, said = _since(told, report, patch), stated(told)
    function = told.finding.location.function
    if function and not steps(told.finding) and f"{function}()" not in said:
        lead = f"In {function}(), {since}"
    else:
        lead = since[0].upper() + since[1:]
    more = ""
    if told.life is Life.TRANSIENT:
        more = f" Patch {told.gone_by} mends it; only a bisection can stop in between."
    if told.since < report.version:
        more += f" v{told.since} had this already."
    return f"{lead}, {_joined(said)}{more}"


def _since(told: Told, report: SeriesReport, patch: PatchFacts) -> str:
    this = "this patch" if told.patch == patch.number else _named(told.patch, report)
    return f"between {this} and patch {told.gone_by}" if told.life is Life.TRANSIENT else f"since {this}"


def _named(number: int, report: SeriesReport) -> str:
    subject = next((one.subject for one in report.patches if one.number == number), "")
    return f'patch {number} ("{subject}")' if subject else f"patch {number}"


def stated(told: Told) -> str:
    """Return the message of a finding as a sentence; a compiler's word is told as the compiler's."""
    finding = told.finding
    tool, text, function = _compiler(finding), _words(finding), finding.location.function
    if tool and finding.rule.startswith(f"{tool}.-W"):
        text = f"{tool} warns{f' in {function}()' if function else ''}: {text}"
    elif tool:
        text = f"{tool} does not compile {f'{function}()' if function else 'this'}: {text}"
    return _ended(text)


def _ended(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _words(finding: Finding) -> str:
    """Return the message of a finding; behind that of a compiler the option that asks for it."""
    option = finding.rule.partition(".")[2]
    named = f" [{option}]" if _compiler(finding) and option.startswith("-W") else ""
    return finding.message.rstrip() + named


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


def prose(text: str) -> list[str]:
    """Return words of others or ours as lines of at most 72 columns, harmless and not endless."""
    return wrap(visible(shortened(" ".join(text.split()))))


def bullets(title: str, items: Sequence[str]) -> Iterator[str]:
    """Yield a list with its title; nothing when it is empty."""
    if items:
        yield title
        for item in items:
            first, *more = wrap(visible(item), 70) or [""]
            yield f"- {first}"
            yield from indented(more, 2)
