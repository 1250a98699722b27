"""What the checks share that run a tool of the tree or of the machine on source files, in the sandbox."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from reviewbot import sandbox
from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.sandbox import MIB, Limits
from reviewbot.tree.files import Files
from reviewbot.tree.readers import safe_path

TREE = "/check/tree"
#: more messages than this in one file say nothing
MAX_MESSAGES = 2000
#: files that are handed to one call of a tool
BATCH = 40
_MAX_TEXT = 400
_LIMITS = Limits(wall_seconds=300, cpu_seconds=600, memory_bytes=2048 * MIB, processes=64, output_bytes=8 * MIB)


class Message(NamedTuple):
    """One thing that a tool says of a file: the line from 1 (0: the whole file), its name for it, and its words."""

    path: str
    line: int
    rule: str
    severity: Severity
    words: str


@contextmanager
def staged(contents: Mapping[str, bytes]) -> Iterator[Path]:
    """Write files of a tree to a folder that the sandbox may show, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="reviewbot-check-") as name:
        top = Path(name)
        top.chmod(0o755)
        for path, data in contents.items():
            if not safe_path(path):
                continue
            place = top / path
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            place.write_bytes(data)
            place.chmod(0o644)
        yield top


def run(argv: Sequence[str], contents: Mapping[str, bytes], *, tool: str, accepted: Iterable[int]) -> str:
    """Run a tool at the top of a small tree in the sandbox, and return what it writes.

    :param accepted: exit statuses that are an answer.
    :raises OperatorError: when it was stopped or did not come to an answer.
    """
    sandbox.require()
    with staged(contents) as top:
        result = sandbox.run(argv, read_only={top: TREE}, cwd=TREE, limits=_LIMITS)
    output = result.output.decode("utf-8", "replace")
    if result.outcome is not sandbox.Outcome.EXITED or result.exit_code not in set(accepted):
        said = next((line for line in reversed(output.splitlines()) if line.strip()), "")
        why = result.reason or f"It ended with status {result.exit_code}: {_printable(said)}"
        raise OperatorError(f"{tool} came to no answer. {why}")
    return output


def require_paths(tool: str, paths: Sequence[str]) -> None:
    """Refuse to run a slow tool over a whole tree.

    :raises NotFoundError: when no file is named.
    """
    if not paths:
        raise NotFoundError(f"{tool} looks at files, not at whole trees; name files or folders.")


def finding(message: Message, data: bytes) -> Finding:
    """Make a finding of a message, with the text of its line."""
    lines = _lines(data)
    text = lines[message.line - 1].strip() if 0 < message.line <= len(lines) else ""
    place = Location(message.path, message.line, "", _printable(text))
    words = _printable(message.words).rstrip(".")
    steps = (Evidence(message.path, message.line, place.text),) if text else ()
    return Finding(message.rule, message.severity, place, f"{words}.", steps)


@lru_cache(maxsize=64)
def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").split("\n")


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)[:_MAX_TEXT].strip()


def messages(
    output: str, pattern: re.Pattern[str], make: Callable[[re.Match[str]], Message]
) -> dict[str, list[Message]]:
    """Sort what a tool writes, a message on each line, by file."""
    found: dict[str, list[Message]] = {}
    for line in output.splitlines():
        match = pattern.fullmatch(line)
        if match:
            message = make(match)
            known = found.setdefault(message.path, [])
            if len(known) < MAX_MESSAGES and message not in known:
                known.append(message)
    return found


class PerFile:
    """A tool whose answer about a file depends on that file alone: each content is looked at once in a process."""

    def __init__(self, ask: Callable[[Mapping[str, bytes]], dict[str, list[Message]]]) -> None:
        self._ask = ask
        self._known: dict[tuple[str, str], list[Message]] = {}

    def of(self, files: Files, paths: Sequence[str]) -> Iterator[Finding]:
        """Yield the findings of the files, in their order."""
        contents = {path: data for path in paths if (data := files.read(path)) is not None}
        names = {path: (path, files.blob(path) or "") for path in contents}
        missing = [path for path in contents if names[path] not in self._known]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            answers = self._ask({path: contents[path] for path in batch})
            self._known.update({names[path]: answers.get(path, []) for path in batch})
        for path, data in contents.items():
            yield from (finding(message, data) for message in self._known[names[path]])
