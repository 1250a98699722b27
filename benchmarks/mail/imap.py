"""The mailbox that people write to, on a Dovecot of our own: each mail is read once, whatever happens in between.

It listens on loopback alone. Needs Debian's dovecot-imapd, and root, as its
processes change their user.
"""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from reviewbot.errors import TransientError
from threads.services import mailbox as service

_MAILS = 50
_CONFIGURATION = """\
base_dir = {work}/run
state_dir = {work}/run
log_path = {work}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
first_valid_uid = 1
default_internal_user = {user}
default_login_user = {user}
mail_location = maildir:{work}/box
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password=se/cret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={work}
}}
"""


def run(work: Path) -> int:
    """Read a mailbox in which some mails have to wait, and one breaks us; return 0 when each was read once."""
    user = pwd.getpwnam("mail")
    box = mailbox.Maildir(work / "box")
    for number in range(_MAILS):
        box.add(b"From: a@example.org\nSubject: %d\nMessage-ID: <%d@x>\n\nGr\xc3\xbc\xc3\x9fe.\n" % (number, number))
    for path in (work / "box").rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid)
    os.chown(work / "box", user.pw_uid, user.pw_gid)
    came: list[bytes] = []

    def receive(raw: bytes) -> str:
        came.append(raw)
        if len(came) == 10:
            raise TransientError("The DNS does not answer.")
        if len(came) == 20:
            raise RuntimeError("nobody has thought of that")
        return "Read."

    with _dovecot(work, user) as url, mock.patch.object(service, "receive", receive):
        rounds = [len(service.read(url)) for _ in range(3)]
    names = [raw.partition(b"Message-ID: <")[2].partition(b">")[0] for raw in came]
    whole = sum("Grüße.".encode() in raw for raw in came)
    print(f"{_MAILS} mails in Dovecot: {rounds} read in three rounds, {len(set(names))} different ones, {whole} whole")
    return int(rounds != [_MAILS - 2, 2, 0] or len(set(names)) != _MAILS or whole != len(came))


@contextmanager
def _dovecot(work: Path, user: pwd.struct_passwd) -> Iterator[str]:
    """Run the server; yield the address of its mailbox."""
    program = shutil.which("dovecot") or "/usr/sbin/dovecot"
    if not Path(program).exists() or os.geteuid():
        raise SystemExit("This needs Debian's dovecot-imapd, and root.")
    port = 20_000 + os.getpid() % 20_000
    work.chmod(0o755)
    (work / "run").mkdir()
    path = work / "dovecot.conf"
    path.write_text(_CONFIGURATION.format(work=work, port=port, user=user.pw_name, uid=user.pw_uid, gid=user.pw_gid))
    server = subprocess.Popen([program, "-F", "-c", str(path)])
    try:
        url = f"imap://review:se%2Fcret@127.0.0.1:{port}/INBOX"
        end = time.monotonic() + 20
        while True:
            try:
                with mock.patch.object(service, "MOST", 0):
                    service.read(url)
                break
            except TransientError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
