"""The mailbox that we serve is the one that ``b4 am`` makes, and ``git am`` takes it."""

from __future__ import annotations

import email
import mailbox
import subprocess
from email.header import decode_header, make_header
from pathlib import Path

import pytest
from django.test import Client as WebClient

from tests.contract.conftest import Client
from tests.threads.conftest import CORPUS, V1, V2
from threads import links
from threads.services import intake

pytestmark = pytest.mark.django_db(transaction=True)


def parts(path: Path) -> list[tuple[str, str, str]]:
    """Return author, subject and body of each mail."""
    found = []
    for mail in mailbox.mbox(path, factory=lambda stream: email.message_from_binary_file(stream)):  # type: ignore[arg-type]
        heads = [str(make_header(decode_header(mail[name]))) for name in ("From", "Subject")]
        body = mail.get_payload(decode=True)
        assert isinstance(body, bytes)
        found.append((heads[0], heads[1], body.decode().rstrip("\n")))
    return found


@pytest.mark.parametrize("stem", [V1, V2])
def test_it_is_what_b4_am_makes(
    stem: str, client: WebClient, client_tool: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reviewbot.lore.mbox import read_mailbox

    mails = list(read_mailbox(CORPUS / "minikernel.mbox"))
    monkeypatch.setattr("threads.services.queue._send", lambda step, arguments: None)
    intake.take_in(mails)
    answer = client.get(f"{links.to_status(stem.format(1))[:-1]}.mbox")
    assert answer.status_code == 200, answer.content
    ours = tmp_path / "ours.mbox"
    ours.write_bytes(answer.content)
    version = "1" if stem == V1 else "2"
    everything = str(CORPUS / "minikernel.mbox")
    # Without a Message-ID b4 reads every thread, and carries over what an unchanged patch was given before.
    client_tool("b4", "am", "-m", everything, "-v", version, "-o", str(tmp_path / "out"))
    (theirs,) = (tmp_path / "out").glob("*.mbx")
    assert parts(ours) == parts(theirs)
    tree = tmp_path / "tree"
    _commit(tree)
    subprocess.run(["git", "-C", str(tree), *_WHO, "am", "-q", str(ours)], check=True)
    log = subprocess.run(["git", "-C", str(tree), "log", "--format=%s"], check=True, capture_output=True, text=True)
    assert len(log.stdout.splitlines()) == len(parts(ours)) + 1


_WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.org")


def _commit(tree: Path) -> None:
    subprocess.run(["cp", "-r", str(CORPUS / "minikernel"), str(tree)], check=True)
    for command in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "base")):
        subprocess.run(["git", "-C", str(tree), *_WHO, *command], check=True)
