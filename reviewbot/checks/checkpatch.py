"""The tree's own scripts/checkpatch.pl on the files that a series touches; of its messages the new ones count.

It looks at whole files before and after each patch (``-f``), so that what a
file had before is recognised and left out, and a message says the same
whichever patch brings it. What it says of commit messages is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from reviewbot.checks import tools
from reviewbot.checks.protocol import Coverage
from reviewbot.errors import NotFoundError
from reviewbot.findings import Finding, Severity
from reviewbot.tree.files import Files

SCRIPT = "scripts/checkpatch.pl"
_BESIDE = ("scripts/spelling.txt", "scripts/const_structs.checkpatch")
_MESSAGE = re.compile(
    r"(?P<path>[^:\n]+):(?P<line>\d+): (?P<level>ERROR|WARNING|CHECK):(?P<type>[A-Z0-9_]+): (?P<words>.+)"
)
_LOOKED_AT = re.compile(r".*\.(?:[chS]|dts[io]?|rst|sh|py)|(?:.*/)?(?:Kconfig|Makefile)[^/]*")
#: style is never wrong code, whatever checkpatch calls it
_SEVERITY = {"ERROR": Severity.WARNING, "WARNING": Severity.NOTE, "CHECK": Severity.NOTE}


class CheckpatchCheck:
    """Runs the tree's own checkpatch.pl in the sandbox."""

    name = "checkpatch"
    version = "1"
    title = "checkpatch.pl"

    def __init__(self) -> None:
        """Remember what was said of each content."""
        self._answers: dict[str, tools.PerFile] = {}

    def for_changes(self) -> tuple[CheckpatchCheck, Callable[[str], bool]]:
        """Return the check; what it says of old lines is never told."""
        return self, lambda rule: True

    def check(self, files: Files, paths: Sequence[str], coverage: Coverage) -> Iterator[Finding]:
        """Yield its messages; see :class:`reviewbot.checks.protocol.Check`.

        :raises NotFoundError: when no file is named, or the tree has no checkpatch.pl.
        :raises OperatorError: when it comes to no answer.
        """
        tools.require_paths(self.name, paths)
        script = files.read(SCRIPT)
        if script is None:
            raise NotFoundError(f"The tree has no {SCRIPT}.")
        beside = {path: data for path in _BESIDE if (data := files.read(path)) is not None}
        which = " ".join(files.blob(path) or "" for path in (SCRIPT, *beside))
        answers = self._answers.setdefault(which, tools.PerFile(lambda given: _ask({SCRIPT: script, **beside}, given)))
        looked_at = [path for path in paths if _LOOKED_AT.fullmatch(path)]
        coverage.files.extend(path for path in looked_at if files.blob(path) is not None)
        yield from answers.of(files, looked_at)


def _ask(scripts: Mapping[str, bytes], given: Mapping[str, bytes]) -> dict[str, list[tools.Message]]:
    options = ["--no-tree", "--show-types", "--terse", "--showfile", "--no-summary", "--quiet", "-f", "--"]
    argv = ["/usr/bin/perl", f"{tools.TREE}/{SCRIPT}", *options, *given]
    output = tools.run(argv, {**given, **scripts}, tool=SCRIPT, accepted=(0, 1))
    return tools.messages(output, _MESSAGE, _message)


def _message(match: re.Match[str]) -> tools.Message:
    return tools.Message(
        match["path"], int(match["line"]), f"checkpatch.{match['type']}", _SEVERITY[match["level"]], match["words"]
    )
