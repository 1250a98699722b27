"""The first run: what has to be known, the file that keeps it, and the commands that make a service of it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from reviewbot.environment import read_file
from reviewbot.errors import OperatorError


@dataclass(frozen=True, slots=True)
class Question:
    """What an operator is asked.

    :ivar name: the setting that the answer becomes.
    :ivar words: the question.
    :ivar default: the answer when nothing is said.
    """

    name: str
    words: str
    default: str


def questions(known: Mapping[str, str]) -> list[Question]:
    """Return what to ask, with what is set already as the default."""
    asked = (
        ("REVIEWBOT_VAR", "Folder for everything it keeps", str(settings.VAR)),
        ("SITE_URL", "Address of the dashboard", settings.SITE_URL),
        ("DATABASE_URL", "PostgreSQL, as postgres://user:secret@host/name (empty: SQLite in that folder)", ""),
        ("REDIS_URL", "Redis, as redis://host:6379/0 (empty: one of its own)", ""),
        ("MAIL_FROM", "From of the replies it drafts; nothing is sent before you say so", settings.MAIL_FROM),
    )
    return [Question(name, words, known.get(name) or default) for name, words, default in asked]


def derived(values: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that follow from the answers, where nothing else was said of them.

    :raises OperatorError: when the address is none.
    """
    site = urlsplit(values["SITE_URL"])
    if site.scheme not in ("http", "https") or not site.hostname:
        raise OperatorError(f"{values['SITE_URL']!r} is no address of a dashboard; it takes https://host.")
    hosts = dict.fromkeys((site.hostname, "localhost", "127.0.0.1"))
    return {"ALLOWED_HOSTS": ",".join(hosts)}


def keep(path: Path, values: Mapping[str, str]) -> None:
    """Write settings into a file that only its owner can read; what else stands there stays as it is.

    :raises OperatorError: when a value cannot stand in such a file, or the file cannot be written.
    """
    for name, value in values.items():
        if not value.isprintable() or value != value.strip() or set(value) & set("\"'\\"):
            raise OperatorError(
                f"{name} cannot be kept in {path}: quotes, backslashes and line ends cannot stand there."
            )
    missing = dict(values)
    lines = []
    try:
        read_file(path)
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            name = line.partition("=")[0].strip()
            lines.append(f"{name}={missing.pop(name)}" if name in missing else line)
        lines += [f"{name}={value}" for name, value in missing.items() if value]
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text("\n".join([*lines, ""]), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise OperatorError(f"{path} cannot be written: {error.strerror}.") from error


def run(values: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run a management command under settings that this process does not have; return its status and its words."""
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
        env=os.environ | values, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, (done.stdout + done.stderr).strip()
