"""Mails are found by their words, and no query breaks anything."""

from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.series.posting import ADA, BOB, mail
from threads import models
from threads.selectors import search
from threads.services import messages

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mails(db: None) -> None:
    messages.keep_parsed(
        [
            mail("[PATCH] arm64/mm: call ctor", "pgtable_pte_page_ctor() may fail.\n", id="a@x", author=ADA),
            mail("Re: [PATCH] arm64/mm: call ctor", "It cannot fail. Grüße\n", id="b@x", author=BOB, minutes=9),
        ]
    )


def found(query: str) -> list[str]:
    return list(search.mails(query).values_list("message_id", flat=True))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fail", ["b@x", "a@x"]),
        ("FAIL ctor", ["b@x", "a@x"]),
        ("pgtable_pte_page_ctor", ["a@x"]),
        ("pgtable*", ["a@x"]),
        ('"may fail"', ["a@x"]),
        ('"fail may"', []),
        ("fail -cannot", ["a@x"]),
        ("from:bob", ["b@x"]),
        ("from:ada@example.org", ["a@x"]),
        ("subject:arm64 from:ada", ["a@x"]),
        ("subject:fail", []),
        ("body:grüße", ["b@x"]),
        ("-fail", []),
        ("", []),
        ("nothing", []),
    ],
)
def test_what_a_query_finds(query: str, expected: list[str]) -> None:
    assert found(query) == expected


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.text(alphabet="\"-:*() ANDORNOTfail^'\\&|!<>"))
def test_any_text_is_a_query(query: str) -> None:
    assert set(found(query)) <= {"a@x", "b@x"}


def test_the_mail_that_arrived_in_place_of_a_page_is_found_by_its_own_words() -> None:
    messages.keep_parsed([mail("About walks", "shortened", id="page@x", minutes=50)], page="https://marc.info/?m=1")
    raw = b"From: Ada <ada@example.org>\nSubject: About walks\nMessage-ID: <page@x>\n\nunabridged\n"
    raw = raw.replace(b"\n\n", b"\nDate: Tue, 4 Mar 2025 09:50:00 +0000\n\n", 1)
    messages.keep([raw])
    assert found("unabridged") == ["page@x"]
    assert found("shortened") == []
    assert models.Message.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("asked", [{"q": "file:---"}, {"q": "func:-*"}, {"q": "tables", "page": "9" * 5000}])
def test_a_query_of_signs_alone_and_a_page_beyond_all_numbers_are_answered(
    client: Client, asked: dict[str, str]
) -> None:
    assert client.get("/search/", asked).status_code == 200
