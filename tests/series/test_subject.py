"""What a subject says about its mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.series.subject import Subject, is_for_stable, parse_subject

CASES = {
    "[PATCH] mm: x": Subject("mm: x", patch=True),
    "[PATCH v2 1/3] mm: x": Subject("mm: x", version=2, number=1, total=3, numbered=True, versioned=True, patch=True),
    "[PATCHv3 0/2] mm: x": Subject("mm: x", version=3, number=0, total=2, numbered=True, versioned=True, patch=True),
    "[PATCH V2] mm: x": Subject("mm: x", version=2, versioned=True, patch=True),
    "[PATCH -v2] mm: x": Subject("mm: x", version=2, versioned=True, patch=True),
    "[RFCv2 PATCH] mm: x": Subject("mm: x", version=2, versioned=True, prefixes=("RFC",), patch=True),
    "[PATCH v2,1/3] x": Subject("x", version=2, number=1, total=3, numbered=True, versioned=True, patch=True),
    "[RFC][PATCH 2/2] x": Subject("x", number=2, total=2, numbered=True, prefixes=("RFC",), patch=True),
    "[PATCH [v2] 1/3] x": Subject("x", version=2, number=1, total=3, numbered=True, versioned=True, patch=True),
    "RFC: [PATCH 2/2] x": Subject("x", number=2, total=2, numbered=True, prefixes=("RFC",), patch=True),
    "[PATCH 6/5] late": Subject("late", number=6, total=6, numbered=True, patch=True),
    "[PATCH AUTOSEL 6.12 086/486] x": Subject(
        "x", number=86, total=486, numbered=True, prefixes=("AUTOSEL", "6.12"), patch=True
    ),
    "[PATCH RESEND mm-unstable v3] x": Subject(
        "x", version=3, versioned=True, prefixes=("RESEND", "mm-unstable"), patch=True, resend=True
    ),
    "Re: [PATCH 1/2] x": Subject("x", reply=True, number=1, total=2, numbered=True, patch=True),
    "AW: Re: [PATCH] x": Subject("x", reply=True, patch=True),
    "Vá: [PATCH] x": Subject("x", reply=True, patch=True),
    "[GIT PULL] mm updates": Subject("mm updates", prefixes=("GIT", "PULL"), pull=True),
    "[PATCH net 0/2][pull request] x": Subject(
        "x", number=0, total=2, numbered=True, prefixes=("net", "pull", "request"), patch=True
    ),
    "[PULL 3/5] x": Subject("x", number=3, total=5, numbered=True, prefixes=("PULL",)),
    "a question [about this]": Subject("a question [about this]"),
    "[PATCH": Subject("[PATCH"),
    "": Subject(""),
}


@pytest.mark.parametrize("text", CASES)
def test_brackets_are_taken_apart(text: str) -> None:
    assert parse_subject(text) == CASES[text]


def test_a_kernel_version_is_no_version_of_the_series() -> None:
    assert parse_subject("[PATCH v5.10 3/9] x").version == 1


@given(st.text(alphabet="[]PATCHpatchvV0123456789/ ,:Re", max_size=60))
def test_any_subject_has_a_number_within_its_total(text: str) -> None:
    subject = parse_subject(text)
    assert 0 <= subject.number <= subject.total
    assert subject.total >= 1


@pytest.mark.parametrize(
    ("subject", "stable"),
    [
        ("[PATCH AUTOSEL 6.1 03/14] x", True),
        ("[PATCH 5.10 003/599] x", True),
        ("[PATCH 6.6.y 1/2] x", True),
        ("[for-stable-4.19 PATCH v2 0/2] x", True),
        ("[PATCH stable 1/2] x", True),
        ("[PATCH mm-unstable 1/2] x", False),
        ("[PATCH v6 1/2] x", False),
        ("[RFC PATCH 1/2] x", False),
    ],
)
def test_the_queues_of_the_stable_trees_are_known_by_their_marks(subject: str, stable: bool) -> None:
    assert is_for_stable(parse_subject(subject).prefixes) == stable
