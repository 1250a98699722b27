"""Running git so that nobody's configuration, hook, filter or attribute has a say.

Every process gets the same small environment and a limit on memory and time;
the repository it works on is one of ours (:mod:`reviewbot.tree.store`), never
a stranger's: theirs are read as object directories only.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pygit2

from reviewbot.errors import OperatorError, ReviewError

#: seconds after which a git command that reads a patch is stopped
PATIENCE = 60.0
#: bytes of address space of one git process
MEMORY = 6 << 30
#: characters of git's complaints that are kept
COMPLAINT = 64 << 10

_OUR_FAULT = re.compile(
    r"No space left|[Qq]uota exceeded|Input/output error|Read-only file system|Permission denied|"
    r"Too many open files|unable to (?:write|create temporary|read tree|find all commit-ish)|"
    r"unable to read [0-9a-f]{40}|missing blob|loose object .* is corrupt|cannot allocate memory|not a git repository"
)

# libgit2 runs no programs, but it would read the configuration of whoever runs the service.
for _level in (
    pygit2.enums.ConfigLevel.SYSTEM,
    pygit2.enums.ConfigLevel.GLOBAL,
    pygit2.enums.ConfigLevel.XDG,
):
    pygit2.settings.search_path[_level] = ""
pygit2.settings.owner_validation = False


class GitTimeoutError(ReviewError):
    """A git command took longer than it was given."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a git command left: exit status, standard output, and its complaints as text."""

    status: int
    stdout: bytes
    stderr: str

    @property
    def ok(self) -> bool:
        """True for exit status 0."""
        return self.status == 0


def environment(git_dir: Path) -> dict[str, str]:
    """Return the whole environment of a git process that works on ``git_dir``.

    See git(1): no system or personal configuration and attributes, no
    replacement objects, no prompt, no helper transports, English messages.
    """
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "HOME": str(git_dir),
        "GIT_DIR": str(git_dir),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    }


class Git:
    """The git command on one repository of ours."""

    def __init__(self, git_dir: Path) -> None:
        self.git_dir = git_dir
        self._environment = environment(git_dir)

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        extra: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        patience: float = PATIENCE,
        keep: Sequence[int] = (),
        bound: bool = False,
    ) -> Output:
        """Run ``git ARGUMENTS`` and return what it left, whatever its exit status.

        :param extra: variables on top of the fixed environment, e.g. ``GIT_INDEX_FILE``.
        :param stdin: a stranger's bytes; a process that is given any is bound in memory.
        :param patience: seconds.
        :param keep: open files that the process inherits, e.g. a lock.
        :param bound: bind the process in memory also without any ``stdin``.
        :raises GitTimeoutError: when it takes longer.
        :raises OperatorError: when there is no git, or when it stopped for a
            reason that is no patch's: a full disk, a missing object.
        """
        process = self.start(*arguments, extra=extra, cwd=cwd, stdout=subprocess.PIPE, keep=keep)
        if stdin or bound:
            limit(process.pid)
        try:
            stdout, complaints = process.communicate(stdin, timeout=patience)
        except subprocess.TimeoutExpired:
            raise GitTimeoutError(f"git {arguments[0]} took more than {patience:.0f} s and was stopped.") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        stderr = complaints[:COMPLAINT].decode("utf-8", "replace")
        if process.returncode and (process.returncode < 0 or _OUR_FAULT.search(stderr)):
            raise OperatorError(trouble(arguments[0], process.returncode, stderr))
        return Output(process.returncode, stdout, stderr)

    def start(
        self,
        *arguments: str,
        extra: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        stdout: int | None = None,
        keep: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start ``git ARGUMENTS`` with a pipe to its standard input and from its complaints."""
        try:
            return subprocess.Popen(
                ["git", *arguments],
                stdin=subprocess.PIPE,
                stdout=stdout,
                stderr=subprocess.PIPE,
                cwd=cwd or self.git_dir,
                env={**self._environment, **(extra or {})},
                pass_fds=keep,
            )
        except FileNotFoundError:
            raise OperatorError(
                "git could not be started: install it (Debian: apt install git), and see that the store is there."
            ) from None

    def must(self, *arguments: str, stdin: bytes = b"", patience: float = PATIENCE) -> bytes:
        """Run ``git ARGUMENTS`` and return its output.

        :raises OperatorError: when it fails: no patch is involved, so it is ours to mend.
        """
        output = self.run(*arguments, stdin=stdin, patience=patience)
        if not output.ok:
            raise OperatorError(trouble(arguments[0], output.status, output.stderr))
        return output.stdout


@contextlib.contextmanager
def our_fault(doing: str) -> Iterator[None]:
    """Turn what libgit2 and the file system raise into the operator's error.

    :param doing: as the start of a sentence, e.g. ``The series cannot be applied``.
    """
    try:
        yield
    except (OSError, pygit2.GitError, KeyError) as error:
        raise OperatorError(f"{doing}, which is no fault of the patch: {error}.") from error


def limit(pid: int) -> None:
    """Bound the address space of a process, so that a hostile delta cannot take the machine's memory."""
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ProcessLookupError, PermissionError, ValueError):
        return  # it is already gone, or is bound tighter than this


def trouble(command: str, status: int, stderr: str) -> str:
    """Say in one sentence that git failed for a reason that the operator can mend."""
    last = [line for line in stderr.splitlines() if line.strip()][-1:] or [f"it ended with status {status}"]
    return f"git {command} failed, which is no fault of the patch: {last[0].strip()[:300]}"
