"""The reply: to whom, in which thread, and when there is none."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.findings import Evidence, Finding, Location, Severity
from reviewbot.mail.parse import parse_message
from reviewbot.reports.facts import Life, SeriesReport, Told
from reviewbot.reports.mail import draft
from tests.reports import samples
from tests.reports.situations import MAILS, SENDER, alone, clean, drafted, retraction, several_patches, with_findings


def test_a_clean_letter_goes_to_its_author_alone_and_a_note_to_whom_the_mail_went() -> None:
    assert [one.email for one in clean().recipients] == ["mara@example.org"]
    first = drafted(samples.second_version())
    assert retraction().recipients == first.recipients
    assert retraction().in_reply_to == first.message_id


def test_alone_a_patch_hears_of_its_own_findings_only() -> None:
    assert "split_pud" not in parse_message(alone().raw).body


def test_it_answers_the_patch_with_the_worst_finding() -> None:
    warning = samples.told(replace(samples.ignored_result(), severity=Severity.WARNING), 2)
    made = drafted(with_findings(warning, samples.told(samples.missing_dtor(), 3)))
    assert made.in_reply_to == samples.V1.format(4)
    assert drafted(several_patches()).in_reply_to == samples.V1.format(3)


def passing(check: str = "pgtable", *, inherited: bool = True) -> Told:
    """Return what is wrong from patch 2 to patch 3, at a line that patch 2 did not write."""
    fields = {"life": Life.TRANSIENT, "gone_by": 3, "inherited": inherited, "check": check}
    return samples.told(samples.ignored_result(), 2, **fields)


def test_what_a_series_makes_wrong_and_right_without_writing_it_is_not_told_unless_it_does_not_compile() -> None:
    assert draft(with_findings(passing()), MAILS, sender=SENDER, site_url=samples.SITE) is None
    for told in (passing("build"), passing(inherited=False)):
        assert drafted(with_findings(told)).in_reply_to == samples.V1.format(3)


def test_what_stays_comes_before_what_a_later_patch_mends() -> None:
    standing = samples.told(samples.missing_dtor(), 3)
    assert drafted(with_findings(passing(inherited=False), standing)).in_reply_to == samples.V1.format(4)


def test_it_stands_in_the_thread() -> None:
    made = drafted(samples.second_version())
    reply = parse_message(made.raw)
    assert reply.references == (samples.V2.format(1), samples.V2.format(4))
    assert reply.subject == made.subject == "Re: [PATCH v2 3/3] arm64: mm: split PUD blocks of the linear map"
    assert (reply.message_id, reply.in_reply_to) == (made.message_id, made.in_reply_to)
    assert [address.email for address in made.recipients] == [
        "mara@example.org",
        "linux-mm@kvack.org",
        "oke@example.org",
    ]


def test_what_the_thread_has_said_is_not_repeated() -> None:
    said = with_findings(samples.told(samples.ignored_result(), 2, said=samples.raised()))
    assert draft(said, MAILS, sender=SENDER, site_url=samples.SITE) is None


@pytest.mark.parametrize(
    "report",
    [
        samples.report(),
        samples.does_not_apply(),
        samples.report(preexisting=(samples.told(samples.old_mistake(), 0, life=Life.PRE_EXISTING),)),
        with_findings(samples.told(replace(samples.missing_dtor(), severity=Severity.NOTE), 3)),
        replace(samples.second_version(), patches=()),
    ],
    ids=["clean", "does not apply", "pre-existing only", "notes only", "no mail to answer"],
)
def test_there_is_no_mail_when_there_is_nothing_to_say(report: SeriesReport) -> None:
    assert draft(report, MAILS, sender=SENDER, site_url=samples.SITE) is None


def test_the_same_facts_give_the_same_bytes_and_other_facts_another_mail() -> None:
    one, again = drafted(samples.second_version()), drafted(samples.second_version())
    assert one == again
    other = drafted(samples.second_version(not_looked_at=()))
    assert other.message_id != one.message_id
    assert other.digest != one.digest


def test_the_date_is_that_of_the_newest_mail_it_rests_on() -> None:
    late = samples.raised()[0]
    late = replace_date(late, days=3)
    findings = (samples.told(samples.ignored_result(), 2, said=(late,)), samples.told(samples.missing_dtor(), 3))
    assert parse_message(drafted(with_findings(*findings)).raw).date == late.date


def replace_date(said: samples.Said, days: int) -> samples.Said:
    return replace(said, date=said.date + timedelta(days=days))


def test_a_mail_stays_short_whatever_a_compiler_says() -> None:
    finding = replace(
        samples.missing_dtor(), message="word " * 100_000, evidence=(Evidence("a.c", 1, "x" * 9999),) * 99
    )
    made = drafted(with_findings(*[samples.told(finding, 3)] * 99))
    assert len(made.raw) < 40_000


ANYTHING = st.text(max_size=60)


@settings(max_examples=60)
@given(message=ANYTHING, function=ANYTHING, text=ANYTHING, author=ANYTHING, rule=ANYTHING)
def test_no_text_of_others_becomes_a_header_or_an_escape(
    message: str, function: str, text: str, author: str, rule: str
) -> None:
    place = Location(samples.PAGEATTR, 83, function, "\t\tpagetable_free(ptdesc);")
    step = Evidence(text, 3, text)
    finding = Finding(rule, Severity.ERROR, place, message, (step,), condition=text, assumption=text)
    report = with_findings(samples.told(finding, 3, code=((83, text),)))
    made = drafted(replace(report, author=author, looked_at=(text,), lists=(text,)))
    names = re.findall(rb"(?m)^([A-Za-z-]+):", made.raw.partition(b"\n\n")[0])
    assert names == [
        b"From", b"To", b"Cc", b"Subject", b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted",
        b"Precedence", b"Feedback-ID", b"List-Unsubscribe", b"X-Reviewbot-Series", b"X-Reviewbot-Version",
        b"X-Reviewbot-Verdict", b"X-Reviewbot-Base", b"X-Reviewbot-Findings", b"MIME-Version", b"Content-Type",
        b"Content-Transfer-Encoding",
    ]  # fmt: skip
    shown = parse_message(made.raw)
    assert shown.references == (samples.V1.format(1), samples.V1.format(4))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown.body)
