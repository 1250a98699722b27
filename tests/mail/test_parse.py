"""What becomes of a mail, whatever it is made of."""

from __future__ import annotations

import base64
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.mail.message import ATTACHED, Address, Message
from reviewbot.mail.parse import MAX_BODY, parse_message
from tests.mail.letters import PATCH_BODY, letter, mail

SHARED = Path(__file__).resolve().parents[3] / "shared"


def test_an_ordinary_mail_is_read_as_written() -> None:
    message = mail(
        "Text.\n", cc='"Doe, John" <john@example.org>, bob@example.org (Bob)', list_id="MM <linux-mm.kvack.org>"
    )
    assert message.message_id == "one@example.org"
    assert message.subject == "[PATCH] mm: check the constructor"
    assert message.author == Address("Ada Example", "ada@example.org")
    assert message.date == datetime(2025, 3, 4, 9, tzinfo=UTC)
    assert message.cc == (Address("Doe, John", "john@example.org"), Address("Bob", "bob@example.org"))
    assert message.lists == ("linux-mm.kvack.org",)
    assert message.body == "Text.\n"
    assert message.oddities == ()


def test_the_raw_bytes_are_kept_as_received() -> None:
    raw = b"From ada@example.org Tue Mar  4 10:00:00 2025\n" + letter()
    message = parse_message(raw)
    assert message.raw == raw
    assert message.message_id == "one@example.org"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?= an =?utf-8?b?w4RkYQ==?=", "Grüße an Äda"),
        ("=?utf-8?b?w4Q=?=\n =?utf-8?b?ZGE=?=", "Äda"),
        ("=?utf-8?b?w?= =?utf-8?b?4Q=?=", None),  # broken base64: no more than no exception is asked
        ("=?utf-8?q?=C3?=\n\t=?utf-8?q?=84da?=", "Äda"),  # one character split over two words
        ("a folded\n\tline", "a folded line"),
        ("=?no-such-charset?q?plain?=", "plain"),
        ("=?utf-8?q?a=0D=0ABcc:_x@example.org?=", "a Bcc: x@example.org"),
    ],
)
def test_encoded_subjects(written: str, read: str | None) -> None:
    subject = mail(subject=written).subject
    assert "\n" not in subject
    assert "\r" not in subject
    if read is not None:
        assert subject == read


def test_raw_8bit_headers_are_utf8_or_else_windows_1252() -> None:
    as_utf8 = letter().replace(b"Ada Example", "Zoë".encode())
    as_latin = letter().replace(b"Ada Example", "Zoë".encode("latin-1"))
    assert parse_message(as_utf8).author.name == "Zoë"
    assert parse_message(as_latin).author.name == "Zoë"


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ("Doe, John <j@example.org>, b@example.org", [("Doe, John", "j@example.org"), ("", "b@example.org")]),
        ("undisclosed-recipients:;", []),
        ("Team: a@example.org, B <b@example.org>;", [("", "a@example.org"), ("B", "b@example.org")]),
        ('"A \\"Ace\\" B" <a@example.org>', [('A "Ace" B', "a@example.org")]),
        ("x@example.org (open list:POWER (32-BIT AND\n\t64-BIT)), y@example.org",
         [("open list:POWER (32-BIT AND 64-BIT)", "x@example.org"), ("", "y@example.org")]),
        ("=?utf-8?q?D=C3=B6e=2C_J?= <d@example.org>", [("Döe, J", "d@example.org")]),
    ],
)  # fmt: skip
def test_recipients(field: str, addresses: list[tuple[str, str]]) -> None:
    assert [tuple(address) for address in mail(to=field).to] == addresses


def test_a_missing_message_id_is_derived_from_what_is_said() -> None:
    one, again = mail(message_id=None), parse_message(b"Received: by hop\n" + letter(message_id=None))
    other = mail("Something else.\n", message_id=None)
    assert one.message_id == again.message_id != other.message_id
    assert any("no Message-ID" in oddity for oddity in one.oddities)


@pytest.mark.parametrize(
    ("field", "message_id"),
    [
        ("<a@example.org> (added by relay@example.org)", "a@example.org"),
        ("a@example.org", "a@example.org"),
        ("<long\n part@example.org>", "longpart@example.org"),
    ],
)
def test_a_garbled_message_id_is_still_used(field: str, message_id: str) -> None:
    message = mail(message_id=field)
    assert message.message_id == message_id
    assert "garbled Message-ID" in message.oddities


def test_of_several_message_ids_the_first_counts() -> None:
    message = parse_message(b"Message-ID: <zero@example.org>\n" + letter())
    assert message.message_id == "zero@example.org"
    assert "several Message-IDs, the first is used" in message.oddities


@pytest.mark.parametrize(
    ("field", "parent"),
    [
        ("<p@example.org>", "p@example.org"),
        ('message from Bob <bob@example.org> of "Monday" <p@example.org>', "p@example.org"),
        ("Your message of Mon, 3 Mar 2025. <p@example.org>", "p@example.org"),
        ("p@example.org", "p@example.org"),
        ("message from Bob of Monday", ""),
    ],
)
def test_in_reply_to_with_junk(field: str, parent: str) -> None:
    assert mail(in_reply_to=field, cc="bob@example.org").in_reply_to == parent


def test_references_keep_their_order_and_lose_repeats() -> None:
    message = mail(references="<a@x> <b@x>\n\t<a@x> <one@example.org>")
    assert message.references == ("a@x", "b@x")
    assert message.parent == "b@x"


@pytest.mark.parametrize(
    "date", ["Thu, 1 Jan 1970 00:00:00 +0000", "Mon, 99 Foo 2025", "Fri, 1 Jan 2055 00:00:00 +0000", ""]
)
def test_an_impossible_date_is_taken_from_the_relay(date: str) -> None:
    message = mail(date=date, received="from a by b; Wed, 5 Mar 2025 12:00:00 +0000")
    assert message.date == datetime(2025, 3, 5, 12, tzinfo=UTC)
    assert any("impossible date" in oddity for oddity in message.oddities)


def encoded(body: bytes, content_type: str, encoding: str = "8bit") -> Message:
    return parse_message(letter(body, content_type=content_type, content_transfer_encoding=encoding))


def test_charsets_that_lie() -> None:
    assert encoded("Grüße\n".encode(), "text/plain; charset=us-ascii").body == "Grüße\n"
    assert encoded("Grüße\n".encode("latin-1"), "text/plain; charset=utf-8").body == "Grüße\n"
    assert encoded("Grüße\n".encode(), "text/plain; charset=iso-8859-1").body == "Grüße\n"
    assert encoded("ä\n".encode(), "text/plain; charset=y").oddities == ("unknown charset 'y'",)


def test_charsets_that_are_codecs_of_python_are_not_run() -> None:
    assert encoded(b"\\x41\n", "text/plain; charset=unicode_escape").body == "\\x41\n"


def test_other_charsets() -> None:
    assert encoded("日本".encode("iso-2022-jp"), "text/plain; charset=ISO-2022-JP").body == "日本"
    assert encoded("中文".encode("gb18030"), "text/plain; charset=gb2312").body == "中文"


def test_a_quoted_printable_patch_is_the_patch() -> None:
    body = PATCH_BODY.replace("=", "=3D").replace("\tstruct", "=09struct").encode()
    assert encoded(body, "text/plain; charset=utf-8", "quoted-printable").body == PATCH_BODY


def test_a_base64_patch_with_the_line_ends_of_mail_is_the_patch() -> None:
    body = base64.encodebytes(PATCH_BODY.replace("\n", "\r\n").encode())
    assert encoded(body, "text/plain; charset=utf-8", "base64").body == PATCH_BODY


def test_a_footer_that_a_list_appended_to_base64_stays_readable() -> None:
    body = base64.encodebytes(b"Text.\n") + b"_______\nlist mailing list, see https://example.org\n"
    message = encoded(body, "text/plain; charset=utf-8", "base64")
    assert message.body.startswith("Text.\n____")
    assert "text after base64" in message.oddities


def test_carriage_returns_of_a_patched_file_stay() -> None:
    body = "--- a/x.bat\n+++ b/x.bat\n@@ -1 +1 @@\n-a\r\n+b\r\n"
    assert mail(body).body == body


def test_flowed_text_is_joined_and_unstuffed() -> None:
    body = "A long \nparagraph.\n> quoted \n> words\n From here\n-- \nAda\n"
    message = encoded(body.encode(), "text/plain; charset=utf-8; format=flowed")
    assert message.body == "A long paragraph.\n> quoted words\nFrom here\n-- \nAda\n"


def test_flowed_text_with_delsp() -> None:
    message = encoded("日 \n本\n".encode(), "text/plain; charset=utf-8; format=flowed; delsp=yes")
    assert message.body == "日本\n"


def test_empty_context_lines_of_a_flowed_quote_are_not_joined() -> None:
    body = "> @@ -1,3 +1,3 @@\n>   int a;\n>  \n> -b\n> +c\n"
    assert encoded(body.encode(), "text/plain; format=flowed").body == body


def test_a_patch_that_was_not_made_for_flowed_stays_whole() -> None:
    assert encoded(PATCH_BODY.encode(), "text/plain; format=flowed").body == PATCH_BODY


def test_html_alone_becomes_text() -> None:
    html = "<head><style>p{}</style></head><p>One <b>two</b></p><blockquote>said</blockquote>a<br>b</html>"
    message = encoded(html.encode(), "text/html; charset=utf-8")
    assert message.body == "One two\n\n> said\n\na\nb\n"
    assert "only HTML" in message.oddities


def multipart(*parts: str, kind: str = "mixed", **fields: str) -> Message:
    body = "".join(f"--cut\n{part}\n" for part in parts) + "--cut--\n"
    return parse_message(letter("preamble\n" + body, content_type=f'multipart/{kind}; boundary="cut"', **fields))


def test_of_alternatives_the_plain_one_is_read() -> None:
    assert multipart("\nplain", "Content-Type: text/html\n\n<p>html", kind="alternative").body == "plain"


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: text/x-patch; name=a.patch",
        "Content-Type: application/octet-stream; name=0001-fix.patch",
        "Content-Type: text/plain\nContent-Disposition: attachment; filename*0=0001-;\n filename*1=fix.diff",
        "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename*=utf-8''%C3%A4.patch",
        "Content-Type: text/plain\nContent-Disposition: attachment",
    ],
)
def test_an_attached_patch_is_appended(head: str) -> None:
    message = multipart("\nSee below.", f"{head}\n\ndiff --git a/x b/x\n")
    assert message.body == "See below.\ndiff --git a/x b/x\n"


def test_a_file_that_is_attached_to_an_answer_is_told_from_its_words() -> None:
    file = "Content-Type: application/octet-stream; name=0001-fix.patch\n\ndiff --git a/x b/x\n"
    assert multipart("\nSee below.", file, subject="Re: x").body == f"See below.\n{ATTACHED}\ndiff --git a/x b/x\n"
    assert ATTACHED not in multipart(file, subject="Re: x").body
    assert (
        ATTACHED
        not in multipart("\nSee below.", file.replace("application/octet-stream", "text/x-patch"), subject="Re: x").body
    )


def test_other_attachments_are_not_text_of_the_mail() -> None:
    log = "Content-Type: text/plain\nContent-Disposition: attachment; filename=dmesg.txt\n\nBUG: at mm"
    assert multipart("\nSee the log.", log).body == "See the log."


def test_a_forwarded_mail_is_read_only_when_there_is_nothing_else() -> None:
    forwarded = "Content-Type: message/rfc822\n\nSubject: inner\n\ndiff --git a/x b/x"
    assert multipart("\nSee below.", forwarded).body == "See below."
    assert multipart(forwarded).body == "diff --git a/x b/x"


def test_a_signed_mail_is_its_text() -> None:
    signature = "Content-Type: application/pgp-signature; name=signature.asc\n\n-----BEGIN PGP SIGNATURE-----"
    assert multipart("\nText.", signature, kind="signed").body == "Text."


def test_nested_multiparts_and_a_missing_last_boundary() -> None:
    body = "--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\ninner\n--ab--\n--a\n\nsecond"
    assert parse_message(letter(body, content_type="multipart/mixed; boundary=a")).body == "inner\nsecond\n"


@pytest.mark.parametrize(
    ("text", "oddity"),
    [
        ("a\u202eb", "bidirectional control character U+202E in the body"),
        ("a\u2066b", "bidirectional control character U+2066 in the body"),
        ("a\u200bb", "invisible character U+200B in the body"),
    ],
)
def test_characters_that_hide_something_are_kept_and_noted(text: str, oddity: str) -> None:
    message = mail(text)
    assert message.body == text
    assert message.oddities == (oddity,)


def test_nul_bytes_are_noted_and_made_visible() -> None:
    message = mail("a\0b")
    assert message.body == "a\ufffdb"
    assert "NUL bytes in the body" in message.oddities


HOSTILE = {
    "nothing": b"",
    "no header": b"\n\n\n",
    "no body": b"Subject: x",
    "one megabyte subject": b"Subject: " + b"=?utf-8?q?" * 100_000 + b"\n\n",
    "encoded words that never end": b"Subject: " + b"=?u?b?" * 200_000 + b"?=\n\n",
    "open comments": b"To: " + b"(" * 500_000 + b"\n\n",
    "open quotes": b"To: " + b'"\\' * 300_000 + b"\n\n",
    "many recipients": b"To: " + b"a@b," * 300_000 + b"\n\n",
    "many references": b"References: " + b"<a@b> " * 200_000 + b"\n\n",
    "many fields": b"X: y\n" * 500_000 + b"\n",
    "many continuation lines": b"X: y\n" + b" \n" * 500_000 + b"\n",
    "many parameters": b"Content-Type: text/plain" + b'; a="b' * 100_000 + b"\n\n",
    "a hundred thousand parts": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--x\n\na\n" * 100_000,
    "boundaries that are none": b"Content-Type: multipart/mixed; boundary=x\n\n" + b"--xy" * 500_000,
    "a deep nest": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000)),
    "a million lines": b"Subject: x\n\n" + b"\n" * 1_000_000,
    "a megabyte line": b"Subject: x\n\n" + b"x" * 1_000_000,
    "flowed without end": b"Content-Type: text/plain; format=flowed\n\n" + b"> a \n" * 200_000,
    "wide text": b"Content-Type: text/plain; charset=utf-8\n\n" + "é\u202e".encode() * 200_000,
    "base64 noise": b"Content-Transfer-Encoding: base64\n\n" + b"A=" * 500_000,
    "deep HTML": b"Content-Type: text/html\n\n" + b"<div><b>" * 100_000,
    "deep quotes in HTML": b"Content-Type: text/html\n\n" + b"<blockquote>x" * 100_000,
    "entities": b"Content-Type: text/html\n\n" + b"&amp;&#0;&nope;" * 100_000,
    "hunks that never end": b"Content-Type: text/plain; format=flowed\n\n" + b"@@ -1\n+\n+\n" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_is_survived_and_does_not_hang(name: str) -> None:
    start = time.thread_time()
    message = parse_message(HOSTILE[name])
    assert message.message_id
    assert len(message.body) <= 2 * MAX_BODY
    assert time.thread_time() - start < 5  # far above what it takes; what grows with the square takes minutes


FIELDS = st.sampled_from(
    [
        *("From", "To", "Cc", "Subject", "Date", "Message-ID", "References", "In-Reply-To", "List-Id", "Received"),
        *("Content-Type", "Content-Disposition", "Content-Transfer-Encoding"),
    ]
)
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        b"multipart/mixed; boundary=b|text/html|base64|quoted-printable|message/rfc822|<a@b> <c".split(b"|")
    ),
    st.sampled_from(
        [b"attachment; filename*=x'y'%ff", b"=?utf-7?b?+2AA-?=", b"text/plain; charset=utf-7; format=flowed"]
    ),
)
BODIES = st.lists(
    st.one_of(
        st.binary(max_size=40), st.sampled_from([b"\n--b\n", b"\n--b--", b"\n\n", b"> x \n", b"+2AA-", b"<p>&#x0;"])
    ),
    max_size=12,
)


@given(st.lists(st.tuples(FIELDS, VALUES), max_size=8), BODIES)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_becomes_a_message(fields: list[tuple[str, bytes]], body: list[bytes]) -> None:
    raw = b"".join(name.encode() + b": " + value + b"\n" for name, value in fields) + b"\n" + b"".join(body)
    message = parse_message(raw)
    assert message == parse_message(raw)
    assert message.message_id
    assert message.date.tzinfo is UTC
    for text in (message.subject, message.author.name, message.author.email, message.body):
        text.encode()  # no lone surrogates
        assert "\0" not in text
    for person in (message.author, *message.to, *message.cc):
        assert not any(character in str(person) for character in "\r\n")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_mutated_mails_become_messages(data: st.DataObject) -> None:
    raw = bytearray(letter(PATCH_BODY, content_type="text/plain; charset=utf-8", references="<a@b> <c@d>"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(raw) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "repeat"])):
            case "flip":
                raw[at] = data.draw(st.integers(0, 255))
            case "cut" if len(raw) > 40:
                del raw[at : at + 20]
            case _:
                raw[at:at] = raw[at : at + 30]
    assert parse_message(bytes(raw)).raw == bytes(raw)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no corpus beside the project")
def test_every_mail_of_the_seed_threads_is_read_without_an_oddity() -> None:
    files = sorted((SHARED / "corpus" / "seed-thread").glob("*.eml"))
    messages = [parse_message(file.read_bytes()) for file in files]
    assert len({message.message_id for message in messages}) == 45
    assert [message.oddities for message in messages if message.oddities] == []


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no corpus beside the project")
def test_every_mail_of_the_corpus_is_read(tmp_path: Path) -> None:
    clone = tmp_path / "epoch"
    subprocess.run(
        ["git", "clone", "-q", "--mirror", SHARED / "corpus" / "linux-arch-sample.bundle", clone], check=True
    )
    commits = subprocess.run(
        ["git", "-C", clone, "rev-list", "HEAD"], capture_output=True, text=True, check=True
    ).stdout
    names = "".join(f"{commit}:m\n" for commit in commits.split()[::25])
    out = subprocess.run(
        ["git", "-C", clone, "cat-file", "--batch"], input=names.encode(), capture_output=True, check=True
    )
    rest = out.stdout
    while rest:
        head, _, rest = rest.partition(b"\n")
        size = int(head.split()[2])
        message = parse_message(rest[:size])
        rest = rest[size + 1 :]
        assert message.body.strip()
        assert message.author.email
        assert not any("Message-ID" in oddity or "date" in oddity for oddity in message.oddities)
