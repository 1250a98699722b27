"""What the compiler says -> findings.

gcc writes its diagnostics as JSON (``-fdiagnostics-format=json``, since gcc 9: one array on
one line for each run of the compiler), between make's own lines. The assembler, the
linker, Kconfig, clang and older compilers write text. Both are a stranger's
bytes: what cannot be read is left out here and stays in the log.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reviewbot.findings import Evidence, Finding, Location, Severity

# "  CC      mm/memory.o", "  CC [M]  fs/ext4/inode.o": kbuild's word for what it makes
_STEP = re.compile(r"  (?P<tool>[A-Z][A-Z0-9]*)(?: \[[A-Z]+\])?\s+(?P<target>\S+)$")
_TEXT = re.compile(
    r"(?P<file>[^\s:]{1,500}):(?P<line>\d{1,7}):(?:(?P<column>\d{1,5}):)? ?"
    r"(?P<kind>fatal error|[Ee]rror|[Ww]arning): (?P<message>.{1,2000}?)(?: \[(?P<option>-W[^\]]+)\])?$"
)
# Kconfig's own errors name no kind: "mm/Kconfig:12: syntax error"
_KCONFIG = re.compile(r"(?P<file>(?:[^\s:]{1,500}/)?Kconfig[^\s:/]{0,100}):(?P<line>\d{1,7}): ?(?P<message>.{1,2000})$")
_UNMET = re.compile(r"WARNING: (?P<message>unmet direct dependencies detected for (?P<option>\w+))")
_FAILED = re.compile(r"make(?:\[\d+\])?: \*\*\* \[(?:[^\]]*?: )?(?P<target>[^\]:\s]+)\] ")
_NO_RULE = re.compile(
    r"make(?:\[\d+\])?: \*\*\* No rule to make target '(?P<target>[^']+)'(?:, needed by '(?P<user>[^']+)')?"
)
_MAX_LINE = 4 * 1024 * 1024
_MAX_PER_OBJECT = 200
_MAX_MESSAGE = 1000
_KINDS = {
    "error": Severity.ERROR,
    "fatal error": Severity.ERROR,
    "sorry, unimplemented": Severity.ERROR,
    "internal compiler error": Severity.ERROR,
    "warning": Severity.WARNING,
}

#: maps a path as the compiler writes it to one relative to the tree
Relative = Callable[[str], str]
#: maps a file and a line to the enclosing function and the text of the line
Place = Callable[[str, int], tuple[str, str]]


@dataclass(slots=True)
class Said:
    """What one run of make said.

    :ivar by_object: the diagnostics of each object that was made, in order; "" holds those of no object.
    :ivar made: what was compiled or tried.
    :ivar failed: targets that make reports as failed.
    :ivar no_rule: targets that make knows no rule for.
    """

    by_object: dict[str, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    made: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    no_rule: list[str] = field(default_factory=list)


def parse(output: bytes, *, compiler: str, relative: Relative, place: Place) -> Said:
    """Read make's output, which must have been written with ``--output-sync=target``.

    :param compiler: prefix of the rules, ``gcc`` or ``clang``.
    """
    said = Said()
    current, speaker = "", compiler
    for raw in output.split(b"\n"):
        if len(raw) > _MAX_LINE:
            continue
        line = raw.decode("utf-8", "replace").rstrip("\r")
        if step := _STEP.match(line):
            # With C=1, "CHECK mm/gup.c" follows "CC mm/gup.o" and speaks of the same object.
            speaker = "sparse" if step["tool"] == "CHECK" else compiler
            if speaker == compiler:
                current = _target(step["target"], relative)
                said.made.append(current)
        elif failed := _FAILED.match(line):
            said.failed.append(_target(failed["target"], relative))
        elif missing := _NO_RULE.match(line):
            _no_rule(said, _target(missing["target"], relative), missing["user"] or "")
        elif line.startswith("[") and line.endswith("]"):
            _add(said, current, _from_json(line, compiler, relative, place))
        elif match := _TEXT.match(line):
            _add(said, current, [_from_text(match, speaker, relative, place)])
        elif match := _KCONFIG.match(line):
            file, number = relative(match["file"]), int(match["line"])
            _add(said, current, [_finding("kconfig", "error", "", file, number, match["message"], place, ())])
        elif match := _UNMET.match(line):
            where = Location("Kconfig", 0, "", match["option"])
            _add(said, current, [Finding("kconfig.unmet", Severity.WARNING, where, _clean(match["message"]))])
    return said


def _target(name: str, relative: Relative) -> str:
    return relative(name) if name.startswith("/") else name


def _no_rule(said: Said, target: str, user: str) -> None:
    if user in ("", target):
        said.no_rule.append(target)
        return
    message = f"make knows no way to make {target}, which {user} needs"
    said.failed.append(user)
    _add(said, user, [Finding("kbuild.error", Severity.ERROR, Location(user, 0), _clean(message))])


def step(line: bytes) -> str:
    """Return what make says it has made, or "" when the line says something else."""
    match = _STEP.match(line.decode("utf-8", "replace"))
    return match["target"] if match else ""


def _add(said: Said, target: str, findings: list[Finding] | Iterator[Finding]) -> None:
    kept = said.by_object[target]
    for finding in findings:
        if len(kept) >= _MAX_PER_OBJECT:
            return
        kept.append(finding)


def _from_json(line: str, compiler: str, relative: Relative, place: Place) -> Iterator[Finding]:
    try:
        items = json.loads(line)
    except (ValueError, RecursionError):
        return
    for item in items if isinstance(items, list) else ():
        kind = item.get("kind") if isinstance(item, dict) else None
        if not isinstance(kind, str) or kind not in _KINDS:
            continue
        file, number = _caret(item)
        option = str(item.get("option") or "")
        message = str(item.get("message") or "")
        evidence = []
        for child in (item.get("children") or ())[:10] if isinstance(item.get("children"), list) else ():
            if isinstance(child, dict):
                child_file, child_line = _caret(child)
                evidence.append(Evidence(relative(child_file), child_line, _clean(str(child.get("message") or ""))))
        yield _finding(compiler, kind, option, relative(file), number, message, place, tuple(evidence))


def _caret(item: dict[str, Any]) -> tuple[str, int]:
    """Return file and line of a diagnostic; ("", 0) when it has none."""
    locations = item.get("locations")
    first = locations[0] if isinstance(locations, list) and locations else None
    caret = first.get("caret") if isinstance(first, dict) else None
    if not isinstance(caret, dict) or not isinstance(caret.get("file"), str):
        return "", 0
    number = caret.get("line")
    return caret["file"][:500], number if isinstance(number, int) and 0 <= number < 10**7 else 0


def _from_text(match: re.Match[str], compiler: str, relative: Relative, place: Place) -> Finding:
    file = relative(match["file"])
    tool = "kconfig" if file.rpartition("/")[2].startswith("Kconfig") else compiler
    # What sparse calls an error does not keep anything from being built.
    kind = "warning" if tool == "sparse" else match["kind"].lower()
    return _finding(tool, kind, match["option"] or "", file, int(match["line"]), match["message"], place, ())


def _finding(
    tool: str,
    kind: str,
    option: str,
    file: str,
    line: int,
    message: str,
    place: Place,
    evidence: tuple[Evidence, ...],
) -> Finding:
    # -Werror=x is the warning -Wx that this tree does not let pass: the same rule, another severity.
    name = option.replace("-Werror=", "-W", 1).split(",")[-1] or ("warning" if kind == "warning" else "error")
    function, text = place(file, line)
    where = Location(file, line, function, text)
    return Finding(f"{tool}.{_clean(name)[:80]}", _KINDS[kind], where, _clean(message), evidence)


def _clean(text: str) -> str:
    """Leave out what is not printable: terminal escapes, line ends, reversed writing."""
    return "".join(c for c in text[:_MAX_MESSAGE] if c.isprintable())


_SYMBOL = re.compile(r"[\u2018'`]([A-Za-z_][A-Za-z0-9_]*)")
_SYNTAX = re.compile(r"^expected |^stray |unterminated|^unknown type name|No such file or directory$")


def fold(findings: list[Finding]) -> list[Finding]:
    """Fold what follows from an error in the same object into the error that came first.

    After a syntax error, an unknown type or a missing header everything later is suspect;
    after another error, what names the same symbol is. What is folded stays visible as evidence of the first.
    """
    kept: list[Finding] = []
    folded: dict[int, list[Finding]] = defaultdict(list)
    causes: list[tuple[int, frozenset[str], bool]] = []
    for finding in findings:
        symbols = frozenset(_SYMBOL.findall(finding.message))
        cause = next((number for number, names, syntax in causes if syntax or names & symbols), None)
        if cause is not None:
            folded[cause].append(finding)
            continue
        if finding.severity is Severity.ERROR:
            causes.append((len(kept), symbols, bool(_SYNTAX.search(finding.message))))
        kept.append(finding)
    return [_with_consequences(finding, folded[number]) for number, finding in enumerate(kept)]


def _with_consequences(finding: Finding, consequences: list[Finding]) -> Finding:
    if not consequences:
        return finding
    shown = [Evidence(c.location.file, c.location.line, f"then: {c.message}") for c in consequences[:5]]
    if len(consequences) > 5:
        shown.append(Evidence(finding.location.file, 0, f"and {len(consequences) - 5} more that follow from it"))
    return Finding(
        finding.rule,
        finding.severity,
        finding.location,
        finding.message,
        (*finding.evidence, *shown),
        finding.condition,
    )
