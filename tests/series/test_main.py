"""The command: what a person and a program get to see."""

from __future__ import annotations

import gzip
import io
import json
import mailbox
import sys
from pathlib import Path

import pytest

from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Message
from reviewbot.series.__main__ import main
from tests.series.posting import ADA, BOB, cover, diff, patch, posting, reply


def raw(message: Message) -> bytes:
    """Write an invented mail down."""
    fields = {
        "From": message.author,
        "Subject": message.subject,
        "Date": f"{message.date:%a, %d %b %Y %H:%M:%S +0000}",
        "Message-ID": f"<{message.message_id}>",
        "In-Reply-To": f"<{message.in_reply_to}>" if message.in_reply_to else "",
    }
    head = "".join(f"{name}: {value}\n" for name, value in fields.items() if value)
    return f"{head}\n{message.body}".encode()


def mbox(*messages: Message) -> bytes:
    return b"".join(b"From mboxrd@z Thu Jan  1 00:00:00 1970\n" + raw(message) + b"\n" for message in messages)


@pytest.fixture
def box(tmp_path: Path) -> Path:
    first = posting(2)
    second = posting(2, version=2, to="v1-0@example.org", minutes=3000)
    answers = [
        reply(first[0], "Reviewed-by: Bob Example <bob@example.org>\n", id="to-cover@x"),
        reply(first[1], "Tested-by: Bob Example <bob@example.org>\nAcked-by: Eve <eve@example.com>\n", id="to-one@x"),
    ]
    question = reply(first[1], "> +\tmm:_step_1();\n\nIs it late enough?\n", id="question@x", minutes=70)
    promise = reply(question, "> Is it late enough?\n\nNo. I'll move it.\n", author=ADA, id="promise@x", minutes=80)
    answers += [question, promise]
    path = tmp_path / "box.mbox"
    path.write_bytes(mbox(*first, *second[:2], *answers))
    return path


def test_json_has_one_entry_for_each_posted_version(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "json", str(box)]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert one["root_msgid"] == "v1-0@example.org"
    assert (one["version"], one["expected"], one["got"], one["complete"]) == (1, 2, 2, True)
    assert (one["has_cover"], one["author"], one["replies"]) == (True, "Ada Example <ada@example.org>", 4)
    assert (one["base_commit"], one["change_id"], one["previous"]) == (None, None, None)
    assert one["patches"][0] == {"n": 1, "msgid": "v1-1@example.org", "subject": "mm: step 1"}
    reviewed = {"trailer": "Reviewed-by: Bob Example <bob@example.org>", "via": "to-cover@x"}
    tested = {"trailer": "Tested-by: Bob Example <bob@example.org>", "via": "to-one@x"}
    assert one["trailers"] == [[tested, reviewed], [reviewed]]
    assert one["cover_trailers"] == [reviewed]
    assert one["trailer_mismatches"] == [{"trailer": "Acked-by: Eve <eve@example.com>", "via": "to-one@x"}]
    assert (two["complete"], two["missing"]) == (False, [2])
    assert two["previous"] == {"root_msgid": "v1-0@example.org", "version": 1, "how": "in-reply-to"}


def test_json_tells_what_changed_and_what_is_open(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--format", "json", str(box)]) == 0
    one, two = json.loads(capsys.readouterr().out)
    assert one["changes"] is None
    assert [(pair["old"], pair["fate"], pair["new"]) for pair in two["changes"]] == [
        *((1, "unchanged", 1), (2, "not known", None))
    ]
    (point,) = one["points"]
    assert (point["n"], point["stance"], point["file"], point["line"]) == (1, "asks", "mm/late.c", 11)
    assert (point["via"], point["state"], point["answered_by"]) == ("question@x", "change promised", "promise@x")
    assert one["opinions"][-2:] == [
        {"via": "question@x", "stances": ["asks"]},
        {"via": "promise@x", "stances": ["promises a change"]},
    ]


def test_range_diff_shows_the_changed_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "box"
    two = patch("PATCH v2", "mm: a", change=diff(added="better();"), id="two@x", minutes=900)
    path.write_bytes(mbox(patch("PATCH", "mm: a", change=diff(added="good();"), id="one@x"), two))
    assert main(["--range-diff", str(path)]) == 0
    out = capsys.readouterr().out
    assert "        -+\tgood();" in out
    assert "        ++\tbetter();" in out


GOLDEN = """\
[PATCH 0/2] mm: constructors
  by Ada Example <ada@example.org>, 2025-03-04 09:00 UTC, v1, 2 of 2 patches, with cover, 4 replies
  Message-ID: v1-0@example.org
    Reviewed-by: Bob Example <bob@example.org>  <to-cover@x>
  1/2 mm: step 1
      Tested-by: Bob Example <bob@example.org>  <to-one@x>
      Acked-by: Eve <eve@example.com> (sent by another person)  <to-one@x>
      change promised: Bob Example <bob@example.org> asks at mm/late.c:11: Is it late enough?  <question@x>
  2/2 mm: step 2

[PATCH v2 0/2] mm: constructors
  by Ada Example <ada@example.org>, 2025-03-06 11:00 UTC, v2, 1 of 2 patches, with cover, 0 replies
  Message-ID: v2-0@example.org
  previous: v1, v1-0@example.org (known by in-reply-to)
  missing: 2
  1/2 mm: step 1
      Tested-by: Bob Example <bob@example.org>  <to-one@x>
      Acked-by: Eve <eve@example.com> (sent by another person)  <to-one@x>
  since v1:
    1 = 1  mm: step 1
    2 < -  mm: step 2 (not known)
"""


def test_text_is_for_people(box: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(box)]) == 0
    assert capsys.readouterr().out == GOLDEN


def test_a_version_that_posts_one_patch_again_is_shown_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = patch("PATCH v2 2/2", "mm: step 2", id="again@x", to="v1-2@example.org", minutes=900)
    path = tmp_path / "box"
    path.write_bytes(mbox(*posting(2), again))
    assert main(["--format", "json", str(path)]) == 0
    two = json.loads(capsys.readouterr().out)[1]
    assert (two["partial_reroll"], two["complete"], two["root_msgid"]) == (True, True, "v1-0@example.org")
    assert main([str(path)]) == 0
    assert "1/2 mm: step 1 (as before)" in capsys.readouterr().out


def test_mails_are_read_from_standard_input_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw(patch("PATCH", "mm: one mail")))))
    assert main(["-"]) == 0
    assert "1/1 mm: one mail" in capsys.readouterr().out


def test_every_kind_of_mailbox_says_the_same(box: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packed = tmp_path / "box.mbox.gz"
    packed.write_bytes(gzip.compress(box.read_bytes()))
    maildir = mailbox.Maildir(tmp_path / "maildir")
    for mail in split_mbox(io.BytesIO(box.read_bytes())):
        maildir.add(mail)
    said = []
    for path in (box, packed, tmp_path / "maildir"):
        assert main(["--format", "json", str(path)]) == 0
        said.append(json.loads(capsys.readouterr().out))
    assert said[0] == said[1] == said[2]


def test_quoted_from_lines_of_mboxrd_are_text_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mails = posting(1)
    quoting = reply(mails[1], ">From here on it is fine.\n\nReviewed-by: Bob Example <bob@example.org>\n", id="re@x")
    path = tmp_path / "box"
    path.write_bytes(mbox(*mails, quoting))
    assert main(["--format", "json", str(path)]) == 0
    (series,) = json.loads(capsys.readouterr().out)
    assert [one["via"] for one in series["trailers"][0]] == ["re@x"]


def test_several_files_are_one_set_of_mails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = []
    for message in posting(2):
        paths.append(tmp_path / f"{message.message_id}.eml")
        paths[-1].write_bytes(raw(message))
    assert main(["--format", "json", *map(str, reversed(paths))]) == 0
    (series,) = json.loads(capsys.readouterr().out)
    assert series["complete"]


def test_a_cover_alone_is_mentioned_to_people_and_is_no_entry_for_programs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cover.eml"
    path.write_bytes(raw(cover("PATCH 0/7", id="0@x")))
    assert main(["--format", "json", str(path)]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "patches are not here: [PATCH 0/7] mm: constructors" in out
    assert "missing: 1-7" in out


def test_controls_and_direction_marks_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "evil.eml"
    path.write_bytes(raw(patch("PATCH", "mm: \N{RIGHT-TO-LEFT OVERRIDE}txe \x1b[2J", author=BOB)))
    assert main([str(path)]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"<html>\n", "no mailbox"),
        (b"\x7fELF\x02\x01\x01\0\0\n\xff", "no mailbox"),
        (b"{}", "no mailbox"),
        (b"\x1f\x8b\x08\x00", "truncated or damaged"),
        (b"From mboxrd@z Thu Jan  1 00:00:00 1970\nSubject: [PA", "truncated"),
    ],
)
def test_bad_input_gets_one_sentence_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, sentence: str
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(content)
    assert main([str(path)]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_missing_file_gets_one_sentence_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none")]) == 2
    assert "There is no mailbox" in capsys.readouterr().err


@pytest.mark.shared
def test_the_page_table_discussion_of_2019_has_four_versions(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mails = sorted((shared / "corpus" / "seed-thread").glob("*.eml"))
    assert main(["--format", "json", *map(str, mails)]) == 0
    versions = [one for one in json.loads(capsys.readouterr().out) if one["author"].startswith("Yu Zhao")]
    assert [(one["version"], one["got"], one["complete"]) for one in versions] == [
        *((1, 1, True), (2, 3, True), (3, 3, True), (4, 4, True))
    ]
    assert [(one["previous"] or {}).get("version") for one in versions] == [None, 1, 2, 3]
