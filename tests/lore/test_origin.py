"""Which mail is meant, and which archive is asked for it."""

from __future__ import annotations

import pytest

from reviewbot.errors import NotFoundError
from reviewbot.lore.origin import Origin, Target, parse_target, source_of

ID = "20250304.1-a@example.org"


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (ID, Target(ID)),
        (f"<{ID}>", Target(ID)),
        (f" id:{ID} ", Target(ID)),
        (f"mid:{ID}", Target(ID)),
        ("20250304.1-a%40example.org", Target(ID)),
        (f"https://lore.kernel.org/linux-mm/{ID}/", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"https://lore.kernel.org/linux-mm/{ID}/T/#u", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"https://lore.kernel.org/all/{ID}/t.mbox.gz", Target(ID, "lore.kernel.org", "all")),
        (f"https://lore.kernel.org/linux-mm/{ID}/t/#m0a1", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"https://lore.kernel.org/linux-mm/{ID}/t.atom", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"https://lore.kernel.org/linux-mm/{ID}/#r", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"http://lore.kernel.org/linux-mm/{ID}?x=y", Target(ID, "lore.kernel.org", "linux-mm")),
        (f"HTTPS://LORE.KERNEL.ORG/all/{ID}", Target(ID, "lore.kernel.org", "all")),
        (f"https://lkml.kernel.org/g/{ID}", Target(ID, "lkml.kernel.org")),
        (f"https://msgid.link/{ID}", Target(ID, "msgid.link")),
        (f"Link: https://lore.kernel.org/r/{ID}", Target(ID, "lore.kernel.org")),
        (f"Message-ID: <{ID}>", Target(ID)),
        (f"https://lore.kernel.org/r/{ID}", Target(ID, "lore.kernel.org")),
        (f"https://lkml.kernel.org/r/{ID}", Target(ID, "lkml.kernel.org")),
        (f"https://patch.msgid.link/{ID}", Target(ID, "patch.msgid.link")),
        (f"http://127.0.0.1:8180/linux-mm/{ID}/raw", Target(ID, "127.0.0.1:8180", "linux-mm")),
        (f"https://patchwork.kernel.org/project/linux-mm/patch/{ID}/", Target(ID, "patchwork.kernel.org")),
        (
            "https://lore.kernel.org/linux-mm/a%2Fb@example.org/",
            Target("a/b@example.org", "lore.kernel.org", "linux-mm"),
        ),
        (f"<https://lore.kernel.org/linux-mm/{ID}/>", Target(ID, "lore.kernel.org", "linux-mm")),
    ],
)
def test_what_a_reader_may_paste(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize(
    "text", ["", "hello", "a b@example.org", "https://lore.kernel.org/linux-mm/", "x@", "@x", "a@b\nc@d", "http://["]
)
def test_what_names_no_mail(text: str) -> None:
    with pytest.raises(NotFoundError):
        parse_target(text)


def test_only_the_configured_archive_is_ever_asked() -> None:
    origin = Origin("https://lore.example.org/linux-mm")
    assert source_of(parse_target(f"https://evil.example.com/linux-mm/{ID}/"), origin) == origin
    assert source_of(parse_target(f"https://patch.msgid.link/{ID}"), origin) == origin
    assert (
        source_of(parse_target(f"https://lore.example.org/linux-arch/{ID}/"), origin).url
        == "https://lore.example.org/linux-arch"
    )
    assert source_of(parse_target(f"https://lore.example.org/..%2Fx/{ID}/"), origin) == origin
