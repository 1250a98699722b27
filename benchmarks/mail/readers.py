"""What others make of our mails: public-inbox, mutt, b4's review mode and Patchwork, each asked itself.

The mails go through a Postfix of our own first. Each reader is given the patches
and what arrived, and has to find every reply beneath its patch, whole, and its
comment at the right line. One that is not installed is named and left out.
"""

from __future__ import annotations

import email
import mailbox
import os
import pty
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from b4 import mbox as b4_mbox
from b4.review import _review as b4_review
from django.conf import settings

from benchmarks.ingest.compare import _PROJECT, _SETTINGS
from benchmarks.mail import mails, postfix
from reviewbot.mail.diff import find_diff
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import SeriesReport
from threads import conversion, models
from threads.services import outbox, sending

_MAILS = 12
_LIST = "linux-mm.kvack.org"
#: Patchwork keeps what stands above it
SIGNATURE = "\n-- \n"


class Pair(NamedTuple):
    """A patch, the reply to it as it arrived, and the facts that the reply tells."""

    patch: bytes
    reply: bytes
    report: SeriesReport


def run(work: Path, patchwork: Path | None) -> int:
    """Send some mails, ask each reader, and print what it says; return 0 when all are right."""
    mails.policy(work)
    pairs = _sent(work)
    readers: dict[str, Callable[[Path, Sequence[Pair]], int] | None] = {
        "public-inbox": _public_inbox if shutil.which("public-inbox-httpd") else None,
        "mutt": _mutt if shutil.which("mutt") else None,
        "b4 review": _b4,
        "Patchwork": (lambda work, pairs: _patchwork(work, pairs, patchwork)) if patchwork else None,
    }
    wrong = 0
    for name, read in readers.items():
        if read is None:
            print(f"{name}: not here")
            continue
        right = read(work, pairs)
        print(f"{name}: {right} of {len(pairs)} mails right")
        wrong += right != len(pairs)
    return int(bool(wrong) or len(pairs) != _MAILS)


def _sent(work: Path) -> list[Pair]:
    """Let the mails go through Postfix."""
    known = {}
    for number in range(_MAILS):
        report = mails.series(number, who=(f"Ada Example {number}", f"ada{number}@example.org"))
        series = models.Series.objects.get(root_msgid=report.message_id)
        outbox.put(series, report)
        known[series.deliveries.get().message_id] = (series.patches.get().message, report)
    with postfix.server(work) as (url, box):
        settings.SMTP_URL = url
        sending.send_due()
        arrived = postfix.arrived(box, _MAILS)
    pairs = []
    for raw in arrived:
        row, report = known[parse_message(raw).message_id]
        pairs.append(Pair(conversion.decompress(row.raw), raw, report))
    return pairs


def _public_inbox(work: Path, pairs: Sequence[Pair]) -> int:
    """Let public-inbox take the mails in as lore does, and ask its pages what a reply answers."""
    home, box = work / "pi", work / "pi" / "inbox"
    home.mkdir()
    environment = {
        **os.environ, "HOME": str(home), "PI_CONFIG": str(home / "config"), "PI_EMERGENCY": str(home / "emergency"),
        "ORIGINAL_RECIPIENT": "mm@example.org",
    }  # fmt: skip
    url = "http://127.0.0.1/mm"
    command = ["public-inbox-init", "-V2", "--skip-docdata", "mm", str(box), url, "mm@example.org"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (home / "config").open("a").write("[publicinboxmda]\n\tspamcheck = none\n")
    for raw in (raw for pair in pairs for raw in (pair.patch, pair.reply)):
        command = ["public-inbox-mda", "--no-precheck"]
        subprocess.run(command, input=raw, env=environment, check=True, capture_output=True)
    port = 20_000 + os.getpid() % 20_000 + 1
    server = subprocess.Popen(["public-inbox-httpd", "-W0", "-l", f"127.0.0.1:{port}"], env=environment)
    try:
        return sum(_threaded(f"http://127.0.0.1:{port}/mm", pair) for pair in pairs)
    finally:
        server.terminate()
        server.wait()


def _threaded(url: str, pair: Pair) -> bool:
    """True when the feed of the thread of a patch has the reply, as an answer to the patch."""
    patch, reply = (parse_message(raw).message_id for raw in pair[:2])
    feed = _get(f"{url}/{quote(patch, safe='@')}/t.atom")
    for entry in feed.split("<entry>")[1:]:
        if f'href="{url}/{reply}/"' in entry:
            return f"/{patch}/" in entry.partition("thr:in-reply-to")[2].partition(">")[0]
    return False


def _get(address: str) -> str:
    end = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def _mutt(work: Path, pairs: Sequence[Pair]) -> int:
    """Let mutt thread a mailbox, and show each reply to a file."""
    box = mailbox.mbox(work / "mutt.mbox")
    for pair in pairs:
        box.add(pair.patch)
        box.add(pair.reply)
    box.close()
    right = 0
    for pair in pairs:
        reply = parse_message(pair.reply)
        shown = work / "shown"
        shown.unlink(missing_ok=True)
        keys = f"<limit>~(~i {reply.message_id})<enter><first-entry><next-entry><pipe-message>cat >{shown}<enter><exit>"
        screen = _on_a_terminal(
            ["mutt", "-n", "-F", "/dev/null", "-R", "-f", str(work / "mutt.mbox"), "-e", "set sort=threads",
             "-e", "set ascii_chars pipe_decode wait_key=no", "-e", 'set index_format="%Z %s"',
             "-e", f'push "{keys}"'],
            {"HOME": str(work)},
        )  # fmt: skip
        text = shown.read_text("utf-8", "replace") if shown.exists() else ""
        right += reply.body.rstrip() in text and "`->" in screen
    return right


def _on_a_terminal(command: Sequence[str], more: Mapping[str, str]) -> str:
    """Run a program that wants a terminal, and return what it draws."""
    child, terminal = pty.fork()
    if not child:
        os.execvpe(command[0], list(command), {**os.environ, **more, "TERM": "xterm", "LINES": "40", "COLUMNS": "120"})
    drawn = b""
    with suppress(OSError):  # how a terminal ends on Linux
        while piece := os.read(terminal, 65_536):
            drawn += piece
    os.close(terminal)
    os.waitpid(child, 0)
    return drawn.decode("utf-8", "replace")


def _b4(_work: Path, pairs: Sequence[Pair]) -> int:
    return sum(_commented(pair) for pair in pairs)


def _commented(pair: Pair) -> bool:
    """Go the way of ``b4 review``: true when the first comment is the finding, at its line."""
    (reply,) = b4_mbox.minimize_thread([email.message_from_bytes(pair.reply, policy=b4_mbox.b4.emlpolicy)])
    comments = b4_review._extract_comments_from_quoted_reply(reply.get_payload(decode=True).decode())
    body = parse_message(pair.patch).body
    b4_review._resolve_comment_positions(body[find_diff(body) :].partition("\n-- \n")[0], comments)
    place = pair.report.findings[0].finding.location
    first = comments[0]
    return (first["path"], first["line"]) == (f"b/{place.file}", place.line) and first["text"].startswith("Since this")


def _patchwork(work: Path, pairs: Sequence[Pair], checkout: Path) -> int:
    """Let Patchwork parse the mails: each reply has to be a comment on its patch, and nothing else."""
    (work / "measured_settings.py").write_text(_SETTINGS % str(work / "patchwork.sqlite3"))
    environment = {**os.environ, "PYTHONPATH": f"{work}:{checkout}", "DJANGO_SETTINGS_MODULE": "measured_settings"}
    environment.pop("DATABASE_URL", None)
    manage = [str(checkout / ".venv" / "bin" / "python"), str(checkout / "manage.py")]

    def call(*words: str) -> str:
        done = subprocess.run([*manage, *words], env=environment, check=True, stdout=subprocess.PIPE, cwd=work)
        return done.stdout.decode()

    call("migrate", "-v0")
    call("loaddata", "-v0", "default_tags", "default_states")
    call("shell", "-v0", "-c", _PROJECT % _LIST)
    box = mailbox.mbox(work / "patchwork.mbox")
    for raw in (raw for pair in pairs for raw in (pair.patch, pair.reply)):
        box.add(raw)
    box.close()
    call("parsearchive", "--list-id", _LIST, str(work / "patchwork.mbox"))
    found = call(
        "shell", "-v0", "-c",
        "from patchwork.models import PatchComment, Patch; print('patches', Patch.objects.count())\n"
        "for one in PatchComment.objects.all(): print(one.patch.msgid, one.msgid, len(one.content.strip()))",
    ).splitlines()  # fmt: skip
    wanted = {
        f"<{parse_message(pair.patch).message_id}> <{parse_message(pair.reply).message_id}> "
        f"{len(parse_message(pair.reply).body.partition(SIGNATURE)[0].strip())}"
        for pair in pairs
    }
    if f"patches {len(pairs)}" not in found:
        print(f"Patchwork took replies for patches: {found[:1]}", file=sys.stderr)
        return 0
    return len(wanted & set(found))
