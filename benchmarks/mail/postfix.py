"""Mails through a Postfix of our own into a maildir: what arrives is the approved draft and what servers put above it.

It listens on loopback alone, knows one domain, and hands nothing to anybody.
Needs Debian's postfix, and root, as its daemons change their user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from benchmarks.mail import mails
from threads import models
from threads.services import outbox, sending

_MAIN = """\
compatibility_level = 3.6
queue_directory = {work}/spool
data_directory = {work}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {work}/boxes
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
default_transport = error:nothing leaves
maillog_file = /var/log/reviewbot-postfix.log
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
error     unix - - n - - error
retry     unix - - n - - error
virtual   unix - n n - - virtual
lmtp      unix - - n - - lmtp
postlog   unix-dgram n - n - 1 postlogd
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
"""
_PATIENCE = 60


def run(work: Path) -> int:
    """Send some mails and compare; return 0 when each arrived as it was approved."""
    mails.policy(work)
    rows = []
    for number in range(5):
        report = mails.series(number)
        series = models.Series.objects.get(root_msgid=report.message_id)
        outbox.put(series, report)
        rows.append(series.deliveries.get())
    with server(work) as (url, box):
        settings.SMTP_URL = url
        taken = sending.send_due()
        came = arrived(box, len(rows))
    same = 0
    for row in rows:
        row.refresh_from_db()  # the date is that of the sending
        approved = bytes(row.raw)
        same += any(mail.endswith(b"\n" + approved) and _above(mail, approved) for mail in came)
    print(f"{taken} of {len(rows)} mails taken by Postfix, {len(came)} arrived, {same} byte for byte")
    return int(not (taken == len(came) == same == len(rows)))


def _above(mail: bytes, approved: bytes) -> bool:
    """True when nothing stands above the approved bytes but what servers put there."""
    lines = mail[: len(mail) - len(approved)].decode("ascii").splitlines()
    names = {line.partition(":")[0] for line in lines if not line.startswith(("\t", " "))}
    return names <= {"Return-Path", "X-Original-To", "Delivered-To", "Received"}


def arrived(box: Path, wanted: int) -> list[bytes]:
    """Wait for so many mails, and return those that came."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and len(list(box.glob("new/*"))) < wanted:
        time.sleep(0.2)
    return [path.read_bytes() for path in sorted(box.glob("new/*"))]


@contextmanager
def server(work: Path, more: str = "") -> Iterator[tuple[str, Path]]:
    """Run the server; yield its address and the maildir.

    :param more: lines of its configuration.
    """
    if shutil.which("postfix") is None or os.geteuid():
        raise SystemExit("This needs Debian's postfix, and root.")
    user = pwd.getpwnam("postfix")
    port = 20_000 + os.getpid() % 20_000
    for name in ("etc", "spool", "data", "boxes"):
        (work / name).mkdir()
    work.chmod(0o755)
    os.chown(work / "data", user.pw_uid, user.pw_gid)
    os.chown(work / "boxes", user.pw_uid, user.pw_gid)
    (work / "etc" / "main.cf").write_text(_MAIN.format(work=work, uid=user.pw_uid, gid=user.pw_gid) + more)
    (work / "etc" / "master.cf").write_text(_MASTER.format(port=port))
    command = ["postfix", "-c", str(work / "etc")]
    subprocess.run([*command, "start"], check=True, capture_output=True)
    try:
        yield f"smtp://127.0.0.1:{port}", work / "boxes" / "all"
    finally:
        subprocess.run([*command, "stop"], check=False, capture_output=True)
