"""A bare copy of one epoch that may be killed while it is brought up to date."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reviewbot.errors import OperatorError, TransientError

#: a fetch that brings less than a kilobyte a second for a minute is given up
_SETTINGS = (
    "-c", "http.lowSpeedLimit=1000",
    "-c", "http.lowSpeedTime=60",
    "-c", "core.hooksPath=/dev/null",
    "-c", "gc.autoDetach=false",
)  # fmt: skip
_BRANCHES = ("refs/heads/master", "refs/heads/main")


def git(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
    """Run git without the configuration of this machine.

    :raises TransientError: when it fails and ``check`` is true.
    :raises OperatorError: when git is not there, or the disk is full.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": "file:http:https",
    }
    environment |= {name: value for name, value in os.environ.items() if name.lower() in ("http_proxy", "https_proxy")}
    try:
        done = subprocess.run(["git", *_SETTINGS, *arguments], capture_output=True, env=environment, check=False)
    except OSError as error:
        raise OperatorError(f"git cannot be started: {error}.") from error
    if check and done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = said[-1][:300] if said else f"status {done.returncode}"
        if "No space left" in reason:
            raise OperatorError("The disk is full: the copy of the archive cannot grow.")
        raise TransientError(f"git {arguments[0]} failed: {reason}")
    return done


def remote_head(source: str) -> str:
    """Return the newest commit of a repository, a bundle or a URL, "" when there is no such repository.

    :raises TransientError: when it does not answer.
    """
    done = git("ls-remote", "--quiet", "--", source, check=False)
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode and "not found" not in said:
        raise TransientError(
            f"{source} does not answer: {(said.strip().splitlines() or ['no reason given'])[-1][:300]}"
        )
    heads = {
        name: commit for commit, name in (line.split() for line in done.stdout.decode("ascii", "replace").splitlines())
    }
    return next((heads[name] for name in ("HEAD", *_BRANCHES) if name in heads), "")


def is_repository(path: Path) -> bool:
    """Return whether a directory is a git repository, bare or not."""
    return any((place / "objects").is_dir() and (place / "HEAD").is_file() for place in (path, path / ".git"))


@dataclass(frozen=True, slots=True)
class Mirror:
    """The copy of one epoch."""

    path: Path

    def update(self, source: str) -> None:
        """Fetch what is new, and keep what was.

        :param source: a path, a bundle or a URL.
        :raises TransientError: when the source does not answer, or another process updates this copy.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._alone():
            for lock in (*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")):
                lock.unlink()  # of a git that was killed: we are alone here
            git("init", "--quiet", "--bare", str(self.path))
            # What a rewritten history drops stays reachable for a month: a cursor may still stand there.
            git(f"--git-dir={self.path}", "config", "core.logAllRefUpdates", "true")
            git(
                f"--git-dir={self.path}",
                *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", source),
                "+refs/heads/*:refs/heads/*",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.path / "reviewbot.flock").open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise TransientError(f"Another process is updating {self.path}; it will be tried again.") from None
            yield

    def _git(self, *arguments: str, check: bool = True) -> str:
        return git(f"--git-dir={self.path}", *arguments, check=check).stdout.decode("ascii", "replace").strip()

    @property
    def head(self) -> str:
        """The newest commit, "" when there is none."""
        for branch in _BRANCHES:
            if commit := self._git("rev-parse", "--quiet", "--verify", branch, check=False):
                return commit
        return self._git("for-each-ref", "--count=1", "--format=%(objectname)", "refs/heads")

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Return whether one commit is part of the history of another."""
        return git(f"--git-dir={self.path}", "merge-base", "--is-ancestor", commit, of, check=False).returncode == 0

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit of both histories, "" when there is none, or one is gone."""
        return self._git("merge-base", one, other, check=False)

    def commits(self, after: str, until: str) -> list[str]:
        """Return the commits behind one and up to another, oldest first."""
        return self._git("rev-list", "--reverse", "--first-parent", until, *([f"^{after}"] if after else [])).split()

    def files_added(self, after: str, until: str) -> set[tuple[str, str]]:
        """Return file and blob names that the commits between two brought."""
        if self._git("cat-file", "-t", until, check=False) != "commit":
            return set()
        listing = self._git(
            *("log", "--format=", "--raw", "--no-abbrev", "--no-renames", "-m", "--first-parent", "--root"),
            *(until, *([f"^{after}"] if after else [])),
        )
        changes = (line.split() for line in listing.splitlines() if line.startswith(":"))
        return {(change[5], change[3]) for change in changes}
