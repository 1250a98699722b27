"""The cost of a mail as the database grows: the same mailbox again and again, each time as if by other people."""

from __future__ import annotations

import gc
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAMED = re.compile(rb"(?im)^((?:message-id|references|in-reply-to)[ \t]*:(?:.*(?:\n[ \t])?)*)")
_FROM = re.compile(rb"(?im)^(from[ \t]*:.*?)([\w.+-]+@)")
_CHANGED = re.compile(rb"(?m)^([+-])(?!\1\1 )")
_LINK = re.compile(rb"(https?://[^\s<>@]+/[^\s<>/@]+)(@|%40)|(?m:^)(change-id:[ \t]+)")
_SUBJECT = re.compile(rb"(?im)^(subject[ \t]*:.*)")


def run(mbox: Path, work: Path, times: int) -> int:
    """Take the mailbox in as often as asked; return 0 when the last mails cost as much as the first ones."""
    var = work / "var"
    shutil.rmtree(var, ignore_errors=True)
    os.environ |= {"REVIEWBOT_VAR": str(var), "DATABASE_URL": "", "DJANGO_SETTINGS_MODULE": "reviewbot.settings"}
    subprocess.run([sys.executable, str(ROOT / "manage.py"), "migrate", "-v0"], check=True)
    costs = list(_costs(mbox, times))
    return int(costs[-1] > 1.5 * costs[0])


def _costs(mbox: Path, times: int) -> Iterator[float]:
    import django

    django.setup()
    from reviewbot.lore.mbox import read_mailbox
    from threads import models
    from threads.services import arrivals, importing

    gc.freeze()
    gc.disable()  # as an import does
    for copy in range(times):
        start = time.process_time()
        mails = (as_if_by_others(raw, copy) for raw in read_mailbox(mbox))
        count, changing = 0, 0.0
        while True:
            began = time.process_time()
            batch = list(islice(mails, importing.BATCH))
            changing += time.process_time() - began
            if not batch:
                break
            arrivals.take_in(batch, None)
            gc.collect()
            count += len(batch)
        cost = 1000 * (time.process_time() - start - changing) / count
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{models.Message.objects.count():8} mails, {models.Series.objects.count()} series: "
            f"{cost:.2f} ms a mail ({1000 / cost:.0f} mails a second of processor time), {memory:.0f} MB at most",
            flush=True,
        )
        yield cost


def as_if_by_others(raw: bytes, copy: int) -> bytes:
    """Return a mail under other names: Message-IDs, links, author, subject, and the lines that it changes."""
    head, blank, body = raw.partition(b"\n\n")
    mark = b"k%d" % copy
    head = _NAMED.sub(lambda match: re.sub(rb"@", b"." + mark + b"@", match[1]), head)
    head = _FROM.sub(rb"\g<1>" + mark + rb"\g<2>", head, count=1)
    head = _SUBJECT.sub(rb"\g<1> " + mark, head, count=1)
    body = _LINK.sub(lambda match: (match[3] or match[1] + b".") + mark + (match[2] or b""), body)
    return head + blank + _CHANGED.sub(rb"\1" + mark, body)
