"""Semantic patches: those of this project, and those of the tree that can report (scripts/coccinelle).

Coccinelle matches code as it is parsed, without a configuration, so that each
file can be looked at alone. What a file had before a series is left out.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from reviewbot.checks import tools
from reviewbot.checks.protocol import Coverage
from reviewbot.errors import OperatorError
from reviewbot.findings import Finding, Severity
from reviewbot.tree.files import Files
from reviewbot.tree.readers import blob_name

OWN = Path(__file__).with_name("semantic")
FOLDER = "scripts/coccinelle"
#: of the tree's semantic patches those about life and locks of memory; the others are about style
_TREES = ("api/alloc", "free", "locks", "null")
_REPORTS = re.compile(rb"^\s*virtual\b[^\n]*\breport\b", re.MULTILINE)
_MESSAGE = re.compile(r"\./(?P<path>[^:\n]+):(?P<line>\d+):\d+-\d+: (?:(?P<level>ERROR|WARNING): )?(?P<words>.+)")
_SEVERITY = {"ERROR": Severity.WARNING, "WARNING": Severity.NOTE, None: Severity.NOTE}


class CoccinelleCheck:
    """Runs spatch in the sandbox."""

    name = "coccinelle"
    version = "1"
    title = "Coccinelle"

    def __init__(self) -> None:
        """Remember what was said of each content."""
        self._answers: dict[tuple[str, str], tools.PerFile] = {}

    def for_changes(self) -> tuple[CoccinelleCheck, Callable[[str], bool]]:
        """Return the check; what it says of old lines is never told."""
        return self, lambda rule: True

    def check(self, files: Files, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        """Yield what the semantic patches report; see :class:`reviewbot.checks.protocol.Check`.

        :raises NotFoundError: when no file is named.
        :raises OperatorError: when Coccinelle is not installed.
        """
        tools.require_paths(self.name, paths)
        if shutil.which("spatch") is None:
            raise OperatorError("Coccinelle is not installed; the operator can install it (apt install coccinelle).")
        looked_at = [path for path in paths if path.endswith(".c") and files.blob(path) is not None]
        coverage.files.extend(looked_at)
        patches = {path.name: path.read_bytes() for path in sorted(OWN.glob("*.cocci"))}
        folders = [f"{FOLDER}/{name}" for name in _TREES]
        for path in (path for folder in folders for path in files.paths(folder) if path.endswith(".cocci")):
            data = files.read(path) or b""
            if _REPORTS.search(data) and b":ocaml" not in data:  # those need a compiler
                patches[path] = data
        for name, data in patches.items() if looked_at else ():
            try:
                yield from self._answer(name, data).of(files, looked_at)
            except OperatorError as error:
                coverage.unread.append(f"{name}: {error}")

    def _answer(self, name: str, data: bytes) -> tools.PerFile:
        rule = f"coccinelle.{Path(name).stem}"
        return self._answers.setdefault((name, blob_name(data)), tools.PerFile(lambda given: _ask(rule, data, given)))


def _ask(rule: str, patch: bytes, given: Mapping[str, bytes]) -> dict[str, list[tools.Message]]:
    place = ".semantic.cocci"
    options = ["--very-quiet", "--no-includes", "--no-show-diff", "--timeout", "60", "-D", "report"]
    argv = ["/usr/bin/spatch", *options, "--sp-file", f"{tools.TREE}/{place}", *(f"./{path}" for path in given)]
    output = tools.run(argv, {**given, place: patch}, tool="spatch", accepted=(0,))
    return tools.messages(output, _MESSAGE, lambda match: _message(rule, match))


def _message(rule: str, match: re.Match[str]) -> tools.Message:
    severity = _SEVERITY[match["level"]]
    return tools.Message(match["path"], int(match["line"]), rule, severity, match["words"])
