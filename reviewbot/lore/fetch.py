"""A discussion by Message-ID or URL, through b4.

b4 keeps its state in module globals, reads configuration from wherever it
stands and leaves with ``sys.exit`` on some mails; it therefore runs in a
process of its own, :mod:`reviewbot.lore.b4_worker`, with nothing of ours around it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from reviewbot.errors import NotFoundError, OperatorError, ReviewError, TransientError
from reviewbot.lore.origin import Origin, parse_target, source_of

_ROOT = Path(__file__).resolve().parents[2]
#: what of the surrounding environment reaches the worker
_PASSED_ON = ("PATH", "LANG", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def fetch_thread(target: str, origin: Origin, *, versions: bool = True) -> list[bytes]:
    """Return the mails around a target as the archive keeps them, each Message-ID once.

    First comes the whole thread of the mail, then, when asked for, the threads
    of earlier and later versions of the same work.

    :param target: a Message-ID, or the URL of a mail; see :func:`~reviewbot.lore.origin.parse_target`.
    :param versions: whether to look for other versions as well.
    :raises NotFoundError: when the target names no mail, or the archive does not know it.
    :raises TransientError: when the archive does not answer, or answers with something else than mail.
    :raises OperatorError: when the fetch exceeds the size allowed, or cannot be run.
    """
    wanted = parse_target(target)
    question = {"message_id": wanted.message_id, "versions": versions}
    return _ask(question, wanted.message_id, source_of(wanted, origin))


def find_patches(patch_ids: Sequence[str], origin: Origin) -> list[bytes]:
    """Return the threads of the patches that have one of some names (``git patch-id --stable``).

    :param patch_ids: hexadecimal digits; archives find a mail by ``patchid:``.
    :returns: empty when the archive knows none of them.
    :raises TransientError: when the archive does not answer, or answers with something else than mail.
    :raises OperatorError: when the answer exceeds the size allowed, or b4 cannot be run.
    """
    return _ask({"patch_ids": list(patch_ids)}, " ".join(patch_ids)[:60], origin) if patch_ids else []


def _ask(question: dict[str, Any], what: str, source: Origin) -> list[bytes]:
    """Put a question to the worker, and return the mails of its answer.

    :param what: the question, for a sentence.
    """
    request = {**question, "url": source.url, "max_bytes": source.max_bytes, "timeout": source.timeout}
    with tempfile.TemporaryDirectory(prefix="reviewbot-b4-") as home, tempfile.TemporaryFile() as answer:
        _run(request, Path(home), answer, source)
        answer.seek(0)
        return _read(answer, what, source)


def _run(request: dict[str, Any], home: Path, answer: BinaryIO, source: Origin) -> None:
    """Run the worker in an empty home; its answer goes to a file, its words nowhere."""
    try:
        subprocess.run(
            [sys.executable, "-m", "reviewbot.lore.b4_worker"],
            input=json.dumps(request).encode(),
            stdout=answer,
            stderr=subprocess.DEVNULL,
            cwd=home,
            env=_environment(home),
            timeout=source.timeout + 5,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TransientError(
            f"The archive {source.url} took longer than {source.timeout:.0f} seconds; the fetch was given up."
        ) from None
    except OSError as error:
        raise OperatorError(f"b4 cannot be started: {error}.") from error


def _environment(home: Path) -> dict[str, str]:
    """Return an environment in which neither b4 nor git finds a configuration."""
    kept = {name: os.environ[name] for name in (*_PASSED_ON, *map(str.upper, _PASSED_ON)) if name in os.environ}
    return kept | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "XDG_CACHE_HOME": str(home),
        "XDG_DATA_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CEILING_DIRECTORIES": str(home),
        "GIT_TERMINAL_PROMPT": "0",
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _read(answer: BinaryIO, message_id: str, source: Origin) -> list[bytes]:
    """Read the worker's answer: a line of JSON, then each mail after its length.

    :raises ReviewError: as the answer says, or when there is none.
    """
    head = answer.readline()
    try:
        verdict = json.loads(head)
        state = verdict["state"]
    except (ValueError, KeyError, TypeError):
        raise OperatorError("b4 ended without an answer; its installation or its memory limit is at fault.") from None
    if state != "ok":
        raise _error(state, str(verdict.get("detail", "")), message_id, source)
    mails = []
    for length in verdict["lengths"]:
        mails.append(answer.read(length))
    return mails


def _error(state: str, detail: str, message_id: str, source: Origin) -> ReviewError:
    """Put the worker's verdict into a sentence."""
    if state == "unknown":
        return NotFoundError(
            f"The archive {source.url} does not know the Message-ID <{message_id}>; check it, or the list's archive."
        )
    if state == "unreachable":
        return TransientError(f"The archive {source.url} cannot be reached ({detail}); try again later.")
    if state == "status":
        return TransientError(f"The archive {source.url} answered with status {detail}; try again later.")
    if state == "garbage":
        return TransientError(
            f"The archive {source.url} answered with something that is no mail ({detail}); try again later."
        )
    if state == "too-large":
        return OperatorError(
            f"The discussion of <{message_id}> has more than the {source.max_bytes >> 20} MB that are allowed here."
        )
    return OperatorError(f"b4 failed on <{message_id}>: {detail}.")
