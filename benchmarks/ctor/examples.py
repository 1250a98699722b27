"""Labelled real cases: states of a tree built from mails and small edits, and what has to be found in each.

The cases are recipes (``cases.json``): which tree, which mail forwards or in
reverse, which line replaced by which. The mails themselves lie beside the
project; a case whose mail or tree is not at hand is left out and named.
"""

from __future__ import annotations

import json
import mailbox
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any

from benchmarks.ctor.judge import Bench, Expected, loud, one_line
from reviewbot.findings import Finding

CASES = Path(__file__).with_name("cases.json")
_DIFF_PATH = re.compile(rb"^(?:---|\+\+\+) [ab]/(\S+)", re.MULTILINE)


class CannotBuildError(Exception):
    """A state cannot be built here: a tree or a mail is missing, or a patch does not apply."""


class Mails:
    """Mails by Message-ID, from folders of ``.eml`` files, mboxes and bundles of a public-inbox epoch."""

    def __init__(self, places: Sequence[Path]) -> None:
        self._bodies: dict[str, bytes] = {}
        for place in places:
            for path in sorted(place.rglob("*")):
                if path.suffix == ".eml":
                    self._add(path.read_bytes())
                elif path.suffix == ".mbox":
                    for message in mailbox.mbox(path):
                        self._add(message.as_bytes())
                elif path.suffix == ".bundle":
                    for raw in _bundled(path):
                        self._add(raw)

    def _add(self, raw: bytes) -> None:
        found = re.search(rb"^message-id:\s*<([^>\s]+)>", raw.partition(b"\n\n")[0], re.MULTILINE | re.IGNORECASE)
        if found:
            self._bodies[found[1].decode()] = raw

    def patch(self, message_id: str) -> bytes:
        """Return the decoded text of a mail.

        :raises CannotBuildError: when the mail is not at hand.
        """
        if message_id not in self._bodies:
            raise CannotBuildError(f"mail <{message_id}> is not at hand")
        text = message_from_bytes(self._bodies[message_id]).get_payload(decode=True)
        return text if isinstance(text, bytes) else b""


def _bundled(bundle: Path) -> Iterator[bytes]:
    """Yield the mails of a public-inbox epoch that speak of constructors or destructors in a diff."""
    with tempfile.TemporaryDirectory() as folder:
        clone = ["git", "clone", "--quiet", "--bare", str(bundle), folder]
        subprocess.run(clone, check=True, capture_output=True)
        wanted = ["git", "-C", folder, "log", "--format=%H:m", "-G[cd]tor|pagetable_|pgtable_", "--", "m"]
        names = subprocess.run(wanted, check=True, capture_output=True).stdout
        cat = ["git", "-C", folder, "cat-file", "--batch"]
        data = subprocess.run(cat, input=names, check=True, capture_output=True).stdout
    while data:
        head, _, rest = data.partition(b"\n")
        if head.endswith(b" missing"):
            data = rest
            continue
        size = int(head.rsplit(b" ", 1)[1])
        yield rest[:size]
        data = rest[size + 1 :]


@dataclass(frozen=True)
class Case:
    """One case of ``cases.json``.

    :ivar tree: name of the kernel on which the states are built.
    :ivar states: state -> steps that lead from the tree to it.
    :ivar expected: state -> what has to be found.
    :ivar optional: state -> rules that may be reported and are no false positive.
    :ivar silent: states in which nothing may be reported.
    """

    name: str
    tree: str
    files: tuple[str, ...]
    states: Mapping[str, Sequence[Mapping[str, Any]]]
    expected: Mapping[str, Sequence[Expected]]
    optional: frozenset[str]
    silent: frozenset[str]
    anchors: Mapping[str, Sequence[str]]


def load(path: Path = CASES) -> list[Case]:
    """Read the cases."""
    cases = []
    for row in json.loads(path.read_text()):
        expected: dict[str, list[Expected]] = {}
        anchors: dict[str, list[str]] = {}
        for want in row.get("expected", []):
            rules = (want["rule"], *want.get("alt_rules", []))
            functions = tuple(want["function"].split())
            expected.setdefault(want["state"], []).append(Expected(rules, want["file"], functions))
            anchors.setdefault(want["state"], []).append(want.get("anchor", ""))
        cases.append(
            Case(
                row["id"],
                row["tree"],
                tuple(row["files"]),
                row["states"],
                expected,
                frozenset(row.get("optional", [])),
                frozenset(row.get("silent", [])),
                anchors,
            )
        )
    return cases


def build(tree: Path, steps: Sequence[Mapping[str, Any]], mails: Mails) -> dict[str, bytes | None]:
    """Return the files that differ from the tree after some steps.

    :raises CannotBuildError: when a step cannot be done.
    """
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        for step in steps:
            if "mail" in step:
                _apply(tree, top, mails.patch(step["mail"]), step)
            else:
                _replace(tree, top, step)
        found: dict[str, bytes | None] = {}
        for path in sorted(top.rglob("*")):
            if path.is_file():
                found[path.relative_to(top).as_posix()] = path.read_bytes()
        return found


def _fetch(tree: Path, top: Path, path: str) -> Path:
    target = top / path
    if not target.exists() and (tree / path).exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((tree / path).read_bytes())
    return target


def _apply(tree: Path, top: Path, patch: bytes, step: Mapping[str, Any]) -> None:
    only = step.get("only") or sorted({path.decode() for path in _DIFF_PATH.findall(patch)})
    for path in only:
        _fetch(tree, top, path)
    command = ["git", "apply", "-C1", "--recount", *(f"--include={path}" for path in only)]
    if step.get("reverse"):
        command.append("--reverse")
    done = subprocess.run(command, cwd=top, input=patch, capture_output=True)
    if done.returncode:
        raise CannotBuildError(f"<{step['mail']}> does not apply: {done.stderr.decode(errors='replace').strip()[:200]}")


def _replace(tree: Path, top: Path, step: Mapping[str, Any]) -> None:
    target = _fetch(tree, top, step["in"])
    if "content" in step:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(step["content"])
        return
    text = target.read_text(errors="surrogateescape")
    start = text.find(step["after"]) if "after" in step else 0
    place = text.find(step["old"], start) if start >= 0 else -1
    if place < 0:
        raise CannotBuildError(f"{step['in']} does not hold {step['old']!r}")
    changed = text[:place] + step["new"] + text[place + len(step["old"]) :]
    target.write_text(changed, errors="surrogateescape")


@dataclass(frozen=True)
class Outcome:
    """What became of one state of a case: found, missed and too much."""

    case: str
    state: str
    expected: int = 0
    found: int = 0
    at_line: int = 0
    missed: tuple[str, ...] = ()
    noise: tuple[str, ...] = ()
    not_built: str = ""


def judge(case: Case, bench: Bench, mails: Mails) -> Iterator[Outcome]:
    """Build the states of a case, check them, and compare."""
    for state, steps in case.states.items():
        try:
            overlay = build(bench.tree, steps, mails)
        except CannotBuildError as error:
            yield Outcome(case.name, state, not_built=str(error))
            continue
        findings = loud(bench.findings(overlay, case.files))
        yield _compared(case, state, findings, overlay, bench)


def _compared(
    case: Case, state: str, findings: list[Finding], overlay: Mapping[str, bytes | None], bench: Bench
) -> Outcome:
    found, near, missed = 0, 0, []
    wanted = list(zip(case.expected.get(state, ()), case.anchors.get(state, ()), strict=True))
    for expected, anchor in wanted:
        data = overlay.get(expected.file) or (bench.tree / expected.file).read_bytes()
        lines = tuple(
            number
            for number, line in enumerate(data.decode(errors="replace").splitlines(), 1)
            if anchor and anchor in line
        )
        placed = Expected(expected.rules, expected.file, expected.functions, lines)
        hits = [finding for finding in findings if placed.hit_by(finding)]
        found += bool(hits)
        near += any(placed.near(finding) for finding in hits)
        if not hits:
            missed.append(f"{'/'.join(expected.rules)} {expected.file} {expected.functions[0]}()")
    noise: tuple[str, ...] = ()
    if state in case.silent:
        noise = tuple(one_line(finding) for finding in findings if finding.rule not in case.optional)
    return Outcome(case.name, state, len(wanted), found, near, tuple(missed), noise)
