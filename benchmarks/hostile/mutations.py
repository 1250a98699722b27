# ruff: noqa: E501 - tables
"""What people and broken machines do to mails; each mutation takes a mail and returns a worse one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, bytes], bytes]

#: bytes that mean something to a parser
_TOKENS = (
    *(
        b"\0",
        b"\r",
        b"\n\n",
        b"\r\n",
        b"\n ",
        b"From ",
        b"\nFrom a@example.org Tue Mar  4 10:00:00 2025\n",
        b"--",
        b"=?",
    ),
    *("\u202e".encode(), "\u2066".encode(), "\u200b".encode(), b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf"),
    *(
        b"\n-- \n",
        b"\n> ",
        b"\n>" * 30,
        b"diff --git a/x b/x\n",
        b"@@ -1,9999999 +1 @@\n",
        b"\n---\n",
        b"GIT binary patch\n",
    ),
    *(
        b"%s%n%(x)s",
        b"{0.__class__}",
        b"../../../etc/passwd",
        b"\x1b[2J",
        b"<script>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    ),
)
_CHARSETS = (b"utf-7", b"utf-16", b"utf-32", b"gb2312", b"iso-2022-jp", b"hz", b"unicode_escape", b"zlib", b"idna", b"",
             b"punycode", b"x" * 500, b"us-ascii", b"iso-8859-1", b"koi8-r", b"undefined", b"utf-8\0", b"rot13")  # fmt: skip
_NAMES = (b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Content-Type",
          b"Content-Transfer-Encoding", b"Content-Disposition", b"List-Id", b"Received")  # fmt: skip
_WORDS = (b"=?utf-8?b?", b"=?utf-8?q?=41?=", b"=?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3F=3D?=", b"=?utf-7?q?+2AA-?=", b"=??q?a?=",
          b"=?utf-8?x?a?=", b"=?idna?b?eA==?=", b"=?utf-8?b?////?=", b"=?utf-8?q?a=00b?=", b"=?utf-16?b?//4A2A==?=")  # fmt: skip
_PARAMETERS = (b"; name*=utf-8''%FF", b"; name*0*=idna'x'%41; name*1=b", b"; name*99999999=x", b"; boundary*0=a; boundary*1=b",
               b"; boundary*=x'y'%00", b"; charset*=a'b", b'; name="../../x.patch', b"; format=flowed; delsp=yes",
               b"; filename*=undefined''x", b"; charset*=\0'\0'x", b"; format*=\0'a'b", b"; boundary*=punycode''-" + b"9" * 900)  # fmt: skip


def _head(raw: bytes) -> tuple[bytes, bytes]:
    head, _, body = raw.partition(b"\n\n")
    return head, body


def _add(raw: bytes, field: bytes) -> bytes:
    return field + b"\n" + raw


def _without(raw: bytes, name: bytes) -> bytes:
    head, body = _head(raw)
    lines = [line for line in head.split(b"\n") if not line.lower().startswith(name.lower() + b":")]
    return b"\n".join(lines) + b"\n\n" + body


def flip(random: Random, raw: bytes) -> bytes:
    """Change single bytes."""
    data = bytearray(raw or b"x")
    for _ in range(random.randint(1, 40)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data)


def insert(random: Random, raw: bytes) -> bytes:
    """Put in what means something to a parser."""
    for _ in range(random.randint(1, 5)):
        at = random.randint(0, len(raw))
        raw = raw[:at] + random.choice(_TOKENS) * random.choice((1, 1, 1, 40)) + raw[at:]
    return raw


def cut(random: Random, raw: bytes) -> bytes:
    """End, or lose a piece."""
    start = random.randint(0, len(raw))
    return raw[:start] + (raw[random.randint(start, len(raw)) :] if random.random() < 0.6 else b"")


def repeat(random: Random, raw: bytes) -> bytes:
    """Say a piece many times."""
    start = random.randint(0, len(raw))
    piece = raw[start : start + random.choice((1, 10, 100, 1000))]
    return raw[:start] + piece * random.choice((2, 50, 2000)) + raw[start:]


def double_field(random: Random, raw: bytes) -> bytes:
    """Give a field twice, the same or another, in any case."""
    name = random.choice(_NAMES)
    return _add(
        raw, name.swapcase() + b": " + random.choice((b"<a@example.org>", b"", b"x" * 100, b"Re: y", b"\xe4\xf6"))
    )


def lose_field(random: Random, raw: bytes) -> bytes:
    """Leave a field out."""
    return _without(raw, random.choice(_NAMES))


def huge_field(random: Random, raw: bytes) -> bytes:
    """Give a field of up to a megabyte."""
    piece = random.choice(
        (b"a", b"(", b'"\\', b"<a@b> ", b"a@b,", b"=?utf-8?q?a?= ", b"\n ", b"a;", b",", b"<", b"[x] ", b"Re: ")
    )
    size = random.choice((70_000, 200_000, 1_000_000))
    name = random.choice(_NAMES)
    return _add(_without(raw, name), name + b": " + piece * (size // len(piece)))


def many_fields(random: Random, raw: bytes) -> bytes:
    """Give very many fields."""
    return (
        random.choice((b"X: y\n", b"To: a@b, c@d\n", b"Received: x; y\n", b"Cc: =?utf-8?q?a?= <a@b>\n")) * 30_000 + raw
    )


def lie(random: Random, raw: bytes) -> bytes:
    """Declare another charset or encoding than is used."""
    field = b"Content-Type: text/plain; charset=" + random.choice(_CHARSETS)
    if random.random() < 0.5:
        raw = _without(raw, b"Content-Transfer-Encoding")
        encoding = random.choice((b"base64", b"quoted-printable", b"x-uuencode", b"gzip", b"7bit"))
        raw = _add(raw, b"Content-Transfer-Encoding: " + encoding)
    return _add(_without(raw, b"Content-Type"), field)


def odd_words(random: Random, raw: bytes) -> bytes:
    """Write encoded words that RFC 2047 does not know."""
    name = random.choice((b"Subject", b"From", b"To"))
    words = b" ".join(random.choice(_WORDS) for _ in range(random.choice((1, 5, 500))))
    return _add(_without(raw, name), name + b": " + words + b" <a@example.org>")


def odd_parameters(random: Random, raw: bytes) -> bytes:
    """Write parameters that RFC 2231 does not know."""
    words = b"".join(random.choice(_PARAMETERS) for _ in range(random.choice((1, 3, 200))))
    name = random.choice(
        (b"Content-Type: text/plain", b"Content-Type: multipart/mixed", b"Content-Disposition: attachment")
    )
    return _add(_without(raw, name.partition(b":")[0]), name + words)


def nest(random: Random, raw: bytes) -> bytes:
    """Wrap the mail in parts in parts, encoded or not."""
    for depth in range(random.choice((1, 3, 12, 100))):
        kind = b"multipart/mixed; boundary=b%d" % depth if random.random() < 0.6 else b"message/rfc822"
        body = b"--b%d\n\n%s\n--b%d--\n" % (depth, raw, depth) if kind[:1] == b"m" and b"=" in kind else raw
        head = b"Content-Type: " + kind + b"\n"
        if random.random() < 0.3 and len(body) < 1_000_000:
            body, head = base64.encodebytes(body), head + b"Content-Transfer-Encoding: base64\n"
        raw = head + b"Subject: outer\nMessage-ID: <n%d@example.org>\n\n" % depth + body
    return raw


def many_parts(random: Random, raw: bytes) -> bytes:
    """Put the mail into up to 100,000 parts."""
    head = random.choice((b"\n", b"Content-Type: text/html\n\n", b"Content-Type: text/x-patch; name=a.patch\n\n",
                          b"Content-Type: text/plain; format=flowed\n\n", b"Content-Disposition: attachment\n\n",
                          b"Content-Type: multipart/mixed; boundary=b\n\n"))  # fmt: skip
    part = b"--b\n" + head + random.choice((b"a\n", _head(raw)[1][:2000]))
    count = min(100_000, 6_000_000 // len(part))
    return b"Content-Type: multipart/mixed; boundary=b\n" + _without(_head(raw)[0], b"Content-Type") + part * count


def html(random: Random, raw: bytes) -> bytes:
    """Say it in HTML alone, well or badly."""
    piece = random.choice(
        (
            b"<p>",
            b"<div><b>",
            b"<blockquote>x",
            b"&amp;&#0;&nope;",
            b"<table><tr><td>",
            b"<!--",
            b"<a href='x'>",
            b"</p>",
        )
    )
    body = _head(raw)[1][:20_000] + piece * random.choice((1, 100, 50_000))
    return _add(_without(_head(raw)[0], b"Content-Type"), b"Content-Type: text/html; charset=utf-8") + body


def flow(random: Random, raw: bytes) -> bytes:
    """Declare format=flowed and break its rules."""
    lines = random.choice((b"> a \n", b"a \n>b \n", b" \n", b">" * 50 + b" \n", b"@@ -1\n+\n")) * random.choice(
        (1, 100, 100_000)
    )
    return _add(_without(_head(raw)[0], b"Content-Type"), b"Content-Type: text/plain; format=flowed; delsp=yes") + lines


def garbage(random: Random, raw: bytes) -> bytes:
    """Declare base64 over something else."""
    body = random.choice(
        (
            random.randbytes(5000),
            b"A=" * 200_000,
            b"=" * 100_000,
            base64.encodebytes(raw)[: -random.randint(1, 9)] + b"\n-- \nx",
        )
    )
    head = _without(_without(_head(raw)[0], b"Content-Transfer-Encoding"), b"Content-Type")
    return b"Content-Transfer-Encoding: base64\n" + head + body


def huge_body(random: Random, raw: bytes) -> bytes:
    """Write megabytes."""
    piece = random.choice((b"\n", b"x", b"> \n", b"+\n", b"-a\n+b\n", b"@@ -1 +1 @@\n", b"--- a\n", b"Acked-by: A <a@b>\n", b"From here\n",
                           "\u202e".encode(), b"On x, A wrote:\n> a\n", b"diff --git a/x b/x\n", b" mm/x | 2 +-\n", b"a: b\n",
                           b"https://a/b@c ", b"v2: ", b"[", b"- x\n  - y\n", b"base-commit: 1\n"))  # fmt: skip
    return raw + piece * (random.choice((50_000, 500_000, 3_000_000)) // len(piece))


def odd_date(random: Random, raw: bytes) -> bytes:
    """Send it at no time that there is."""
    date = random.choice((b"Tue, 99 Mar 2025", b"Thu, 1 Jan 1970 00:00:00 +9999", b"1 Jan 99999999999 0:0:0", b"-1", b"\xff",
                          b"Tue, 4 Mar 2025 10:00:00 +99999999999999", b"4 Mar 0 10:00", b"9" * 3000))  # fmt: skip
    return _add(_without(raw, b"Date"), b"Date: " + date)


def odd_ids(random: Random, raw: bytes) -> bytes:
    """Name itself and its parents in ways that are none, or in a circle."""
    name = random.choice((b"Message-ID", b"In-Reply-To", b"References"))
    value = random.choice((b"<>", b"<<a@b>>", b"a@b", b"<a b@c>", b"<" + b"a" * 5000 + b"@b>", b"<0.0-ada@example.org>", b"<\xff@b>",
                           b"<a/../b@c>", b"<\0@b>", b"".join(b"<%d@b>" % n for n in range(3000))))  # fmt: skip
    return _add(_without(raw, name), name + b": " + value)


def odd_lines(random: Random, raw: bytes) -> bytes:
    """End lines in another way, or in several."""
    end = random.choice((b"\r\n", b"\r", b"\r\r\n", b"\n\r", b"\x0b", b"\n\0"))
    return raw.replace(b"\n", end, random.choice((-1, 5, 20)))


def odd_subject(random: Random, raw: bytes) -> bytes:
    """Number and name the patch beyond reason."""
    subject = random.choice((b"[PATCH 99999999999/2] x", b"[PATCH v99999999999999999999 1/2] x", b"[PATCH" * 300, b"[" * 3000, b"[PATCH 0/0]",
                             b"Re: " * 3000, b"[PATCH -1/-2] x", b"[RFC PATCH v2 \xd9\xa1/\xd9\xa2] x", b"[PATCH 1/100000] x", b""))  # fmt: skip
    return _add(_without(raw, b"Subject"), b"Subject: " + subject)


MUTATIONS: tuple[Mutation, ...] = (
    *(flip, insert, cut, repeat, double_field, lose_field, huge_field, many_fields, lie, odd_words, odd_parameters),
    *(nest, many_parts, html, flow, garbage, huge_body, odd_date, odd_ids, odd_lines, odd_subject),
)


def shell(canary: str) -> Mutation:
    """Return a mutation that asks whoever runs what a mail says to make a file."""
    commands = [
        f"$(touch {canary})",
        f"`touch {canary}`",
        f"'; touch {canary}; '",
        f"| touch {canary}",
        f"--exec=touch {canary}",
    ]
    commands += [
        f"__import__('os').system('touch {canary}')",
        f'<img src="x" onerror="touch {canary}">',
        f"\n!touch {canary}",
    ]

    def mutate(random: Random, raw: bytes) -> bytes:
        command = random.choice(commands).encode()
        name = random.choice(_NAMES)
        raw = _add(raw, name + b": " + command.replace(b"\n", b" "))
        return raw.replace(b"mm/late.c", command) + command + b"\n"

    return mutate


def mutate(random: Random, raw: bytes, mutations: tuple[Mutation, ...]) -> tuple[bytes, list[str]]:
    """Apply one to four mutations; return the mail, and what was done to it."""
    chosen = random.choices(mutations, k=random.randint(1, 4))
    for mutation in chosen:
        raw = mutation(random, raw[:8_000_000])
    return raw, [mutation.__name__ for mutation in chosen]
