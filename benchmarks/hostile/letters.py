"""Honest mails of a list, generated: what the mutations start from when no others are given."""

from __future__ import annotations

import base64
import quopri
from random import Random

_PEOPLE = ("Ada Example <ada@example.org>", '"Doe, Bob" <bob@example.net>', "=?utf-8?q?Zo=C3=AB?= <zoe@example.org>")
_WORDS = ("mm", "arm64", "page", "table", "constructor", "ptlock", "late", "alloc", "check", "free", "größer", "folio")
_TRAILERS = ("Reviewed-by", "Acked-by", "Tested-by", "Signed-off-by", "Fixes", "Closes")


def letter(random: Random, number: int) -> bytes:
    """Return one mail of a series of five: a cover, a patch, or an answer to one of them.

    :param number: of the mail in its run; six mails in a row belong to one thread.
    """
    series, part = divmod(number, 6)
    version = 1 + series % 3
    name = " ".join(random.choice(_WORDS) for _ in range(5)) if part == 0 else f"mm: work {series // 3}"
    root = f"{series}.0-ada@example.org"
    subject = f"[PATCH v{version} {min(part, 4)}/4] {name}" if part < 5 else f"Re: [PATCH v{version} 2/4] {name}"
    fields = [
        ("From", random.choice(_PEOPLE)),
        ("To", ", ".join(_PEOPLE[:2])),
        ("Cc", "linux-mm@example.org, " * random.randint(0, 6) + "list@example.org"),
        ("Subject", subject),
        ("Date", f"{1 + series % 28} Mar 2025 10:{part:02}:00 +0100"),
        ("Message-ID", f"<{series}.{part}-ada@example.org>"),
        ("List-Id", "<linux-mm.example.org>"),
    ]
    if part:
        fields += [("In-Reply-To", f"<{root}>"), ("References", f"<{root}>")]
    return _with_body(random, fields, _answer(random) if part == 5 else _patch(random) if part else _cover(random))


def _with_body(random: Random, fields: list[tuple[str, str]], body: str) -> bytes:
    data = body.encode()
    encoding = random.choice(("8bit", "8bit", "8bit", "base64", "quoted-printable", "flowed"))
    if encoding == "base64":
        data = base64.encodebytes(data)
    elif encoding == "quoted-printable":
        data = quopri.encodestring(data)
    kind = "text/plain; charset=utf-8" + ("; format=flowed" if encoding == "flowed" else "")
    mime = [("Content-Type", kind), ("Content-Transfer-Encoding", "8bit" if encoding == "flowed" else encoding)]
    return "".join(f"{name}: {value}\n" for name, value in fields + mime).encode() + b"\n" + data


def _cover(random: Random) -> str:
    return (
        "This checks what the constructor says.\n\nv1: https://lore.example.org/r/0.0-ada@example.org\n\n"
        " mm/late.c | 4 +++-\n 1 file changed, 3 insertions(+), 1 deletion(-)\n\n"
        f"base-commit: {random.getrandbits(160):040x}\nchange-id: 20250301-work-{random.randint(1, 9)}\n"
    )


def _patch(random: Random) -> str:
    hunks = "".join(
        f"@@ -{at},3 +{at},5 @@ static int late_{at}(void)\n {{\n-\tctor(page);\n+\tif (!ctor(page))\n"
        "+\t\treturn -ENOMEM;\n+\n }\n"
        for at in range(10, 10 + 20 * random.randint(1, 12), 20)
    )
    return (
        f"Say why.\n\n{random.choice(_TRAILERS)}: {_PEOPLE[0]}\n---\n mm/late.c | 4 +++-\n\n"
        f"diff --git a/mm/late.c b/mm/late.c\nindex 1111111..2222222 100644\n--- a/mm/late.c\n+++ b/mm/late.c\n{hunks}"
        "-- \n2.39.5\n"
    )


def _answer(random: Random) -> str:
    quoted = "".join(f"> {line}\n" for line in _patch(random).split("\n"))
    return f"On Tue, Mar 4, 2025, Ada Example wrote:\n{quoted}\nWhy?\n\n{random.choice(_TRAILERS)}: {_PEOPLE[1]}\n"
