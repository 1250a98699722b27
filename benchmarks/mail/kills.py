"""A sender that is killed at random, against an SMTP server that takes its time: nothing twice, nothing lost.

A kill may hit between any two steps: before the server is greeted, while it is
asked, before the claim, behind it, while the mail is handed over, behind the
server's answer. What is left is either approved and is sent by the next sender,
or claimed without an outcome: such a mail may be out, is never sent again, and
is shown to a person as unclear. None may be unclear that the server was not
about to be given.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connections
from django.utils import timezone

from benchmarks.mail import mails
from threads import models
from threads.selectors.outbox import addressee
from threads.services import outbox, sending

Stage = models.Delivery.Stage

#: seconds after which a sender is killed at the latest
_LONGEST = 0.8

_SERVER = """\
import asyncio, random, sys
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

kept, asked = (open(name, "ab", buffering=0) for name in sys.argv[1:3])

async def think(longest):
    await asyncio.sleep(random.uniform(0, longest))

class Slow:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await think(0.04)
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        await think(0.02)
        envelope.rcpt_tos.append(address)
        asked.write(address.encode() + b"\\n")
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        await think(0.02)
        name = next(line for line in envelope.content.split(b"\\r\\n") if line.lower().startswith(b"message-id:"))
        kept.write(name.split(b"<")[1].split(b">")[0] + b"\\n")
        await think(0.02)
        return "250 taken"

controller = Controller(Slow(), hostname="127.0.0.1", port=int(sys.argv[3]))
controller.start()
print("ready", flush=True)
sys.stdin.read()
"""


def run(work: Path, times: int, count: int, seed: int) -> int:
    """Kill senders, and print what became of the mails; return 0 when nothing is lost or twice."""
    chance = random.Random(seed)
    port = 20_000 + os.getpid() % 20_000
    log, asked = work / "taken", work / "asked"
    mails.policy(work)
    settings.SMTP_URL = f"smtp://127.0.0.1:{port}"
    server = subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(log), str(asked), str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        if server.stdout:
            server.stdout.readline()
        killed, made = _kill(times, count, chance)
        models.Delivery.objects.filter(stage=Stage.SENDING).update(
            claimed_at=timezone.now() - sending.CLAIM - timedelta(1)
        )
        models.Delivery.objects.filter(stage=Stage.APPROVED).update(not_before=None)
        sending.send_due()
    finally:
        server.communicate()
    return _judge(log, asked, killed, made)


def _kill(times: int, count: int, chance: random.Random) -> tuple[int, int]:
    """Start senders and kill them while there is something to send; return the kills that hit, and the mails."""
    killed = made = 0
    while killed < times:
        if not models.Delivery.objects.filter(stage=Stage.APPROVED).exists():
            for number in range(made, made + count):
                report = mails.series(number, who=(f"Author {number}", f"author{number}@example.org"))
                outbox.put(models.Series.objects.get(root_msgid=report.message_id), report)
            made += count
        connections.close_all()
        child = os.fork()
        if not child:
            try:
                sending.send_due()
            finally:
                os._exit(0)
        time.sleep(chance.uniform(0, _LONGEST))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return killed, made


def _judge(log: Path, asked: Path, killed: int, made: int) -> int:
    taken, wanted = Counter(log.read_text().split()), set(asked.read_text().split())
    rows = models.Delivery.objects.all()
    stages = {row.message_id: row.stage for row in rows}
    twice = [name for name, times in taken.items() if times > 1]
    sent = [name for name, stage in stages.items() if stage == Stage.SENT]
    unclear = [row for row in rows if row.stage == Stage.UNCLEAR]
    early = [row for row in unclear if addressee(row) not in wanted]
    lost = [name for name, stage in stages.items() if stage not in (Stage.SENT, Stage.UNCLEAR)]
    lied = [name for name in sent if not taken[name]]
    arrived = sum(row.message_id in taken for row in unclear)
    print(f"{killed} senders killed over {made} mails: {len(sent)} sent, {len(unclear)} unclear ({arrived} arrived,")
    print(f"{len(early)} that the server had not been asked to take), {len(twice)} twice, {len(lost)} lost,")
    print(f"{len(lied)} called sent that never arrived")
    return int(bool(twice or lost or lied or early or len(stages) != made))
