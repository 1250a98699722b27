"""What an archive is asked for to find the other versions of a work."""

from __future__ import annotations

import pytest

from reviewbot.lore.versions import change_ids, linked_versions, own_patches, same_work, version_query
from tests.mail.letters import mail

COVER = mail(
    "Text.\n\nchange-id: 20250304-late-tables-0a1b2c\n",
    message_id="<0@x>",
    subject="[PATCH v2 0/2] mm: late tables, don't leak",
)
FIRST = mail(message_id="<1@x>", in_reply_to="<0@x>", subject="[PATCH v2 1/2] arm64/mm: check __pte_alloc() results")
REPLY = mail(**{"from": "bob@example.org"}, message_id="<r@x>", in_reply_to="<1@x>", subject="Re: [PATCH v2 1/2] mm: x")
FOREIGN = mail(
    **{"from": "bob@example.org"}, message_id="<f@x>", in_reply_to="<1@x>", subject="[PATCH] mm: a counter-proposal"
)


def test_a_reply_stands_for_the_patch_it_answers() -> None:
    assert own_patches([COVER, FIRST, REPLY, FOREIGN], "r@x") == [FIRST, COVER]
    assert own_patches([COVER, FIRST, REPLY, FOREIGN], "f@x") == [FOREIGN]
    assert own_patches([mail(subject="Question"), REPLY], "one@example.org") == []


def test_the_query_asks_by_change_id_and_by_author_and_words_of_the_subjects() -> None:
    assert version_query([COVER, FIRST]) == (
        '((nq:"change-id: 20250304-late-tables-0a1b2c")'
        " OR (((s:mm AND s:late AND s:tables AND s:leak)"
        " OR (s:arm64 AND s:mm AND s:check AND s:__pte_alloc AND s:results)) AND f:ada@example.org))"
        " AND d:20230901..20260905"
    )


@pytest.mark.parametrize("subject", ["[PATCH] x", "[PATCH] fix", "[PATCH]"])
def test_a_subject_of_too_few_words_is_not_searched(subject: str) -> None:
    assert version_query([mail(subject=subject)]) == ""


@pytest.mark.parametrize("address", ['a"ORf:*@example.org', "a)OR(s:x@example.org", "f:*"])
def test_nothing_can_be_smuggled_into_the_query(address: str) -> None:
    assert version_query([mail(**{"from": f"<{address}>"}, subject="[PATCH] mm: late tables")]) == ""


def test_what_the_search_finds_is_checked() -> None:
    assert same_work(mail(subject="[PATCH 0/2] mm: late tables, do not leak"), [COVER])
    assert not same_work(mail(subject="[PATCH 0/2] mm: early tables of another kind"), [COVER])
    assert not same_work(mail(subject="Re: [PATCH 0/2] mm: late tables, don't leak"), [COVER])
    assert not same_work(mail(**{"from": "bob@example.org"}, subject=COVER.subject), [COVER])
    renamed = mail(
        "change-id: 20250304-late-tables-0a1b2c\n", **{"from": "bob@example.org"}, subject="[PATCH v3] renamed"
    )
    assert same_work(renamed, [COVER])


def test_a_change_id_is_a_line_of_its_own() -> None:
    assert change_ids([COVER]) == ["20250304-late-tables-0a1b2c"]
    assert change_ids([mail("prerequisite-change-id: 20250304-other-0a1b2c:v1\n")]) == []


def test_links_count_where_the_text_speaks_of_versions() -> None:
    body = """\
This fixes https://lore.kernel.org/all/report@example.org/
and builds on something else.

Changes in v2:
- Link to v1: https://lore.kernel.org/r/v1%2B1@example.org
v0: https://patch.msgid.link/v0@example.org

--
> v9: https://lore.kernel.org/r/quoted@example.org
"""
    assert linked_versions([mail(body)]) == ["v1+1@example.org", "v0@example.org"]
