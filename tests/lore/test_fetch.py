"""Fetching a discussion through b4, from an archive on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot.errors import NotFoundError, OperatorError, TransientError
from reviewbot.lore.fetch import fetch_thread
from reviewbot.lore.origin import Origin
from reviewbot.mail.parse import parse_message
from tests.lore.fake_lore import Lore, serve
from tests.mail.letters import PATCH_BODY, letter

V1 = [
    letter(PATCH_BODY, message_id="<v1@example.org>", subject="[PATCH] mm: check the constructor"),
    letter(
        "Why?\n",
        message_id="<why@example.org>",
        subject="Re: [PATCH] mm: check the constructor",
        in_reply_to="<v1@example.org>",
    ),
]
V2 = [letter(PATCH_BODY, message_id="<v2@example.org>", subject="[PATCH v2] mm: check the constructor")]
RENAMED = [letter("v3: https://lore.example.org/linux-mm/v2@example.org/\n" + PATCH_BODY, message_id="<v3@example.org>",
                  subject="[PATCH v3] arm64: late tables: give pages back")]  # fmt: skip
OTHER = [
    letter(
        PATCH_BODY,
        message_id="<other@example.org>",
        subject="[PATCH] mm: check the constructor",
        From="Bob <bob@example.org>",
    )
]


@pytest.fixture
def lore() -> Iterator[Lore]:
    with serve(Lore([V1, V2, RENAMED, OTHER])) as archive:
        yield archive


def fetch(lore: Lore, target: str, **options: bool) -> list[str]:
    return [parse_message(raw).message_id for raw in fetch_thread(target, Origin(lore.url, timeout=20), **options)]


def test_the_whole_thread_comes_first_and_then_the_other_versions(lore: Lore) -> None:
    assert fetch(lore, "<v1@example.org>") == ["v1@example.org", "why@example.org", "v2@example.org"]


def test_a_reply_brings_the_thread_and_versions_of_its_patch(lore: Lore) -> None:
    assert fetch(lore, f"{lore.url}/why%40example.org/T/#u") == ["v1@example.org", "why@example.org", "v2@example.org"]


def test_a_link_leads_to_a_version_of_another_name(lore: Lore) -> None:
    assert fetch(lore, "v3@example.org")[:2] == ["v3@example.org", "v2@example.org"]


def test_other_versions_are_only_asked_for_when_wanted(lore: Lore) -> None:
    assert fetch(lore, "v2@example.org", versions=False) == ["v2@example.org"]
    assert len(lore.asked) == 1


def test_the_bytes_are_those_of_the_archive(lore: Lore) -> None:
    assert fetch_thread("v2@example.org", Origin(lore.url), versions=False) == V2


def test_an_unknown_message_id(lore: Lore) -> None:
    with pytest.raises(NotFoundError, match="does not know the Message-ID <nobody@"):
        fetch(lore, "nobody@example.org")


def test_an_archive_that_is_not_there() -> None:
    with pytest.raises(TransientError, match="cannot be reached"):
        fetch_thread("v1@example.org", Origin("http://127.0.0.1:9/linux-mm"))


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, b"<html>maintenance</html>"), "something that is no mail"),
        ((200, b"\x1f\x8b\x08\x00broken"), "something that is no mail"),
        ((500, b""), "status 500"),
        ((403, b""), "status 403"),
    ],
)
def test_an_archive_that_answers_something_else(lore: Lore, answer: tuple[int, bytes], sentence: str) -> None:
    lore.broken = lambda: answer
    with pytest.raises(TransientError, match=sentence):
        fetch(lore, "v1@example.org")


def test_more_than_is_allowed(lore: Lore) -> None:
    with pytest.raises(OperatorError, match="more than the 0 MB"):
        fetch_thread("v1@example.org", Origin(lore.url, max_bytes=100))


def test_an_archive_that_never_answers(lore: Lore) -> None:
    def hang() -> tuple[int, bytes]:
        import time

        time.sleep(3)
        return 404, b""

    lore.broken = hang
    with pytest.raises(TransientError, match="took longer than"):
        fetch_thread("v1@example.org", Origin(lore.url, timeout=-4))


def test_no_configuration_of_the_surroundings_is_read(
    lore: Lore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".b4-config").write_text("[b4]\n\tmidmask = http://127.0.0.1:9/%s\n")
    (tmp_path / ".gitconfig").write_text("[b4]\n\tmidmask = http://127.0.0.1:9/%s\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert fetch(lore, "v2@example.org", versions=False) == ["v2@example.org"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".b4-config", ".gitconfig"]
