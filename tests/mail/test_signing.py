"""A developer's signature on a mail of ours: patatt itself finds it good, and any change of what it covers bad."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import patatt
import pytest

from reviewbot.errors import OperatorError
from reviewbot.mail.compose import compose_reply, to_wire
from reviewbot.mail.message import Address
from reviewbot.mail.parse import parse_message
from reviewbot.mail.signing import attest
from tests.mail.letters import PATCH_BODY, mail

WHEN = datetime(2025, 3, 5, tzinfo=UTC)
SEED = base64.b64encode(bytes(range(32))).decode()
SUBJECTS = [
    "[PATCH v2 1/2] mm: check the constructor",
    "Re: [PATCH] Re: [RFC] mm: grüße  an  alle",
    "reply: nothing to strip",
    "[PATCH 1/2] [mm: no end",
    "x" * 300,
]
BODY = (
    "On Wed, Ada wrote:\n> diff --git a/a.c b/a.c\n> --- a/a.c\n\nSince this patch, größer.\n\n---\n-- \nhttps://x\n\n"
)


def written(subject: str = SUBJECTS[0], name: str = "Review Bot", body: str = BODY) -> bytes:
    return compose_reply(
        mail(PATCH_BODY, subject=subject), body, sender=Address(name, "bot@example.org"),
        to=[Address("", "ada@example.org")], message_id="r@example.org", date=WHEN,
    )  # fmt: skip


def signed(raw: bytes) -> bytes:
    return attest(raw, selector="default", key=SEED, at=WHEN)


def judged(raw: bytes, keys: Path) -> int:
    """Return what patatt says of a mail, whose key it is shown."""
    public = raw.partition(b"pk=")[2].partition(b"\n")[0].strip()
    place = keys / "ed25519" / "example.org" / "bot" / "default"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(public)
    ((result, *_),) = patatt.validate_message(raw, [str(keys)])
    return result


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", ["Review Bot", "Zoë, the Bot", ""])
def test_patatt_finds_it_good_on_both_sides_of_a_server(subject: str, name: str, tmp_path: Path) -> None:
    raw = signed(written(subject, name))
    assert judged(raw, tmp_path) == patatt.RES_VALID
    assert judged(to_wire(raw), tmp_path) == patatt.RES_VALID


@pytest.mark.parametrize("body", ["From here on\n" + "x" * 2000 + "\n", "\n\nLate.\n\n\n", "One line\n"])
def test_whatever_the_transfer_encoding(body: str, tmp_path: Path) -> None:
    assert judged(signed(written(body=body)), tmp_path) == patatt.RES_VALID


CHANGES = [
    (b"this patch", b"that patch"),
    (b"Subject: Re: [PATCH v2 1/2] mm", b"Subject: x"),
    (b"bot@example.org>", b"eve@example.org>"),
    (b"<r@", b"<s@"),
]


@pytest.mark.parametrize(("what", "other"), CHANGES)
def test_nothing_that_counts_can_be_changed(what: bytes, other: bytes, tmp_path: Path) -> None:
    raw = signed(written())
    head, blank, body = raw.partition(b"\nFrom: ")
    assert what in blank + body
    assert judged(head + (blank + body).replace(what, other), tmp_path) == patatt.RES_BADSIG


def test_the_approved_bytes_stand_below_it_and_the_same_moment_gives_the_same_bytes() -> None:
    raw = written()
    assert signed(raw).endswith(b"\n" + raw)
    assert signed(raw) == signed(raw)
    assert parse_message(signed(raw)).body == parse_message(raw).body


def test_a_key_that_is_none_is_told() -> None:
    with pytest.raises(OperatorError, match="PATATT_KEY"):
        attest(written(), selector="default", key="no key", at=WHEN)
