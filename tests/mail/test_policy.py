"""Who may be told what: the strictest rule counts, and nobody is written to who did not want it."""

from __future__ import annotations

import json
from dataclasses import replace
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


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "to": AUDIENCES,
        "what": st.sampled_from(list(What)),
        "embargo_hours": st.integers(0, 72),
        "moderate": st.booleans(),
        "clean": st.booleans(),
        "each": st.booleans(),
        "notes": st.booleans(),
    },
)
PEOPLE = ["ada@example.org", "bob@example.org", "carl@example.org", "bot@example.org"]
TABLES = st.fixed_dictionaries(
    {"default": WORDS},
    optional={
        f'{kind}."{address}"': WORDS
        for kind, address in (*(("list", one.email) for one in (MM, ARCH)), *(("person", one) for one in PEOPLE))
    },
)
LEDGERS = st.builds(
    Ledger, volunteers=st.sets(st.sampled_from(PEOPLE)), refused=st.sets(st.sampled_from(PEOPLE), max_size=2)
)
QUESTIONS = st.builds(
    question,
    lists=st.lists(st.sampled_from([MM.email, ARCH.email, "other@lists.example.org"]), unique=True),
    author=st.sampled_from([Address("", one) for one in PEOPLE]),
    others=st.lists(st.sampled_from([MM, ARCH, *(Address("", one.upper()) for one in PEOPLE)]), unique=True),
    worst=st.sampled_from([None, *Severity]),
    asked=st.booleans(),
    automatic=st.booleans(),
)


def written(tables: dict[str, dict[str, object]], more: str = "") -> Policy:
    """Write a policy file and read it."""
    lines = [more]
    for name, words in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{word} = {json.dumps(value)}" for word, value in words.items()]
    return read_policy("\n".join(lines))


@given(TABLES, QUESTIONS, LEDGERS)
def test_whatever_the_policy_says_who_wants_nothing_and_robots_get_nothing(
    tables: dict[str, dict[str, object]], asked: Question, ledger: Ledger
) -> None:
    decision = decide(written(tables, 'do_not_mail = ["carl@*"]'), asked, ledger)
    told = {one.email.lower() for one in ([asked.author, *decision.copied] if decision.sends else [])}
    assert not told & {*ledger.refused, "carl@example.org", "bot@example.org"}
    assert not (decision.sends and asked.automatic)
    assert decision.reason.endswith(".")


@given(TABLES, QUESTIONS, LEDGERS)
def test_whatever_the_policy_says_a_clean_result_goes_to_its_author_alone_who_asked(
    tables: dict[str, dict[str, object]], asked: Question, ledger: Ledger
) -> None:
    decision = decide(written(tables), replace(asked, worst=None), ledger)
    assert decision.copied == ()
    assert not decision.sends or asked.asked or asked.author.email in ledger.volunteers


@given(TABLES, QUESTIONS, LEDGERS)
def test_a_list_is_written_to_only_where_its_own_table_says_everybody(
    tables: dict[str, dict[str, object]], asked: Question, ledger: Ledger
) -> None:
    copied = {one.email for one in decide(written(tables), asked, ledger).copied}
    for one in (MM, ARCH):
        said = tables.get(f'list."{one.email}"', {}).get("to", tables["default"].get("to"))
        assert one.email not in copied or said == Audience.EVERYBODY


@given(TABLES, QUESTIONS, LEDGERS, WORDS)
def test_one_more_table_that_fits_never_lets_more_out(
    tables: dict[str, dict[str, object]], asked: Question, ledger: Ledger, more: dict[str, object]
) -> None:
    author = f'person."{asked.author.email}"'
    without = {name: words for name, words in tables.items() if name != author}
    before, after = (decide(written(one), asked, ledger) for one in (without, {**without, author: more}))
    order = list(Audience)
    assert order.index(after.audience) <= order.index(before.audience)
    assert set(after.copied) <= set(before.copied)
    assert (after.moderated or not before.moderated) or not after.sends
