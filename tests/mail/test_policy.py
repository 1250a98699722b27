"""Who may be told what: the strictest rule counts, and nobody is written to who did not want it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.errors import OperatorError
from reviewbot.findings import Severity
from reviewbot.mail.message import Address
from reviewbot.mail.policy import Audience, Ledger, Policy, Question, What, decide, is_automatic, rule_for
from reviewbot.mail.policyfile import read_policy
from tests.mail.letters import letter

POSTED = datetime(2025, 3, 4, 9, tzinfo=UTC)
ADA = Address("Ada Example", "ada@example.org")
BOB = Address("Bob Example", "bob@example.org")
MM = Address("", "linux-mm@kvack.org")
ARCH = Address("", "linux-arch@vger.kernel.org")

OPEN = """
[default]
to = "off"
[list."linux-mm@kvack.org"]
to = "everybody"
what = "warnings"
moderate = false
[list."linux-arch@vger.kernel.org"]
to = "author"
what = "errors"
embargo_hours = 24
moderate = true
"""


def question(**changed: object) -> Question:
    asked = {
        "lists": [MM.email],
        "author": ADA,
        "others": (MM, BOB),
        "worst": Severity.ERROR,
        "posted": POSTED,
        "now": POSTED + timedelta(hours=1),
    }
    return Question(**(asked | changed))  # type: ignore[arg-type]


def test_without_a_file_drafts_are_kept_and_nothing_is_sent() -> None:
    decision = decide(Policy(), question())
    assert decision.audience is Audience.DRAFT
    assert not decision.sends
    assert decision.reason == "Drafts are kept and not sent: [default] says to = 'draft'."


def test_the_rule_of_a_list_takes_the_place_of_the_default() -> None:
    decision = decide(read_policy(OPEN), question())
    assert (decision.audience, decision.copied, decision.moderated) == (Audience.EVERYBODY, (MM, BOB), False)
    assert decision.reason == "[list.\"linux-mm@kvack.org\"] says to = 'everybody'."


def test_of_two_lists_the_stricter_counts_word_for_word() -> None:
    rule = rule_for(read_policy(OPEN), [MM.email, ARCH.email.upper()], ADA.email)
    assert (rule.to, rule.what, rule.embargo, rule.moderate) == (
        Audience.AUTHOR,
        What.ERRORS,
        timedelta(hours=24),
        True,
    )


def test_a_list_without_a_rule_neither_decides_nor_gets_a_copy() -> None:
    other = Address("", "linux-kernel@vger.kernel.org")
    decision = decide(read_policy(OPEN), question(lists=[MM.email, other.email], others=(MM, other, BOB)))
    assert decision.copied == (MM, BOB)


def test_a_person_can_only_take_away() -> None:
    policy = read_policy(OPEN + '[person."ada@example.org"]\nto = "author"\n[person."bob@example.org"]\nto = "off"\n')
    assert decide(policy, question(author=BOB)).audience is Audience.OFF
    assert decide(policy, question()).copied == ()
    strict = read_policy('[person."ada@example.org"]\nto = "everybody"')
    assert decide(strict, question()).audience is Audience.DRAFT


def test_volunteers_are_those_who_asked() -> None:
    policy = read_policy('[default]\nto = "volunteers"')
    carl = Address("", "carl@example.org")
    decision = decide(policy, question(others=(MM, BOB, carl)), Ledger(volunteers={"bob@example.org"}))
    assert decision.copied == (BOB,)


@pytest.mark.parametrize("worst", list(Severity))
def test_what_is_not_worth_it_is_withheld(worst: Severity) -> None:
    assert decide(read_policy(OPEN), question(worst=worst)).sends == (worst is not Severity.NOTE)
    strict = question(worst=worst, lists=[ARCH.email])
    assert decide(read_policy(OPEN), strict).sends == (worst is Severity.ERROR)


def test_a_clean_result_goes_to_the_author_alone_who_asked_for_it() -> None:
    policy = read_policy('[default]\nto = "everybody"\nclean = true')
    assert not decide(policy, question(worst=None)).sends
    asked = decide(policy, question(worst=None), Ledger(volunteers={"ada@example.org"}))
    assert (asked.audience, asked.copied) == (Audience.AUTHOR, ())
    assert not decide(read_policy(OPEN), question(worst=None), Ledger(volunteers={"ada@example.org"})).sends


def test_the_embargo_ends_by_the_clock_of_the_posting() -> None:
    policy = read_policy(OPEN)
    early = question(lists=[ARCH.email])
    assert decide(policy, early).not_before == POSTED + timedelta(hours=24)
    assert decide(policy, question(lists=[ARCH.email], now=POSTED + timedelta(hours=25))).not_before is None


def test_who_refused_and_who_must_not_be_written_to_gets_nothing() -> None:
    policy = read_policy('do_not_mail = ["*@Example.net"]\n' + OPEN)
    assert decide(policy, question(), Ledger(refused={"ada@example.org"})).audience is Audience.OFF
    assert decide(policy, question(author=Address("", "x@example.net"))).audience is Audience.OFF
    spared = decide(policy, question(others=(BOB, Address("", "x@example.net"))), Ledger(refused={"bob@example.org"}))
    assert spared.copied == ()


@pytest.mark.parametrize("email", ["syzbot+1a2b@example.org", "noreply@example.org", "sync-bot@example.org"])
def test_robots_are_not_answered(email: str) -> None:
    assert decide(read_policy(OPEN), question(author=Address("", email))).audience is Audience.OFF
    assert decide(read_policy(OPEN), question(automatic=True)).audience is Audience.OFF


@pytest.mark.parametrize(
    ("fields", "automatic"),
    [
        ({}, False),
        ({"Precedence": "bulk"}, False),  # every list sets it
        ({"Auto-Submitted": "no"}, False),
        ({"auto-submitted": "auto-replied"}, True),
        ({"Return-Path": "<>"}, True),
        ({"Return-Path": "<a@example.org>"}, False),
        ({"X-Failed-Recipients": "a@example.org"}, True),
        ({"Content-Type": "multipart/report; report-type=delivery-status"}, True),
    ],
)
def test_a_mail_says_of_itself_that_no_person_wrote_it(fields: dict[str, str], automatic: bool) -> None:
    assert is_automatic(letter("Auto-Submitted: auto-replied\n", **fields)) is automatic


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[default]\nto = "all"', "[default] has to = 'all'; it takes off, draft, author, volunteers, everybody."),
        ("[default]\nmoderate = 1", "[default] has moderate = 1; it takes true or false."),
        ("[default]\nembargo_hours = -1", "[default] has embargo_hours = -1; it takes a number that is not negative."),
        ("[limit]\nall = 1", "the mail policy has the word 'limit'; it knows"),
        ("[limits]\neach = 1", "[limits] has the word 'each'; it knows all, answers, author, list, thread."),
        ("[list]\nlinux-mm = 1", 'The mail policy has [list."linux-mm"]; it takes a table for each address'),
        ("default = 1", "The mail policy has default = 1; it is a table"),
        ("[default", "The mail policy cannot be read:"),
    ],
)
def test_a_policy_that_is_half_understood_is_refused(text: str, says: str) -> None:
    with pytest.raises(OperatorError) as caught:
        read_policy(text)
    assert str(caught.value).startswith(says)


AUDIENCES = st.sampled_from(list(Audience))


@given(AUDIENCES, AUDIENCES, AUDIENCES)
def test_no_rule_is_ever_loosened_by_another(mm: Audience, arch: Audience, person: Audience) -> None:
    policy = read_policy(
        f'[list."{MM.email}"]\nto = "{mm}"\n'
        f'[list."{ARCH.email}"]\nto = "{arch}"\n'
        f'[person."{ADA.email}"]\nto = "{person}"\n'
    )
    order = list(Audience)
    rule = rule_for(policy, [MM.email, ARCH.email], ADA.email)
    assert order.index(rule.to) == min(map(order.index, (mm, arch, person)))
