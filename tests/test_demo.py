"""The discussion that ships with the project holds what the demonstration promises."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.message import Message
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.series.topics import link_versions

DISCUSSION = Path(__file__).parents[1] / "demo" / "discussion.mbox"


@pytest.fixture(scope="module")
def mails() -> list[Message]:
    with DISCUSSION.open("rb") as stream:
        return [parse_message(raw) for raw in split_mbox(stream)]


@pytest.fixture(scope="module")
def versions(mails: list[Message]) -> dict[int, Series]:
    return {series.version: series for series in link_versions(assemble(mails))}


def test_nothing_about_its_mails_is_odd(mails: list[Message]) -> None:
    assert len(mails) == 15
    assert [mail.message_id for mail in mails if mail.oddities] == []
    assert {name for mail in mails for name in mail.lists} == {"linux-mm.kvack.org"}


def test_it_is_one_series_in_two_whole_versions(versions: dict[int, Series]) -> None:
    assert sorted(versions) == [1, 2]
    for series in versions.values():
        assert series.complete
        assert series.cover is not None
        assert [patch.number for patch in series.patches] == [1, 2, 3]
    assert versions[2].previous is not None
    assert versions[2].previous.root_msgid == versions[1].root_msgid


def test_reviewers_have_answered(versions: dict[int, Series]) -> None:
    assert len(versions[1].replies) == 5
    assert len(versions[2].replies) == 2
    given = [str(trailer) for trailer in versions[1].patches[0].trailers]
    assert given == ["Reviewed-by: Adaeze Nwosu <adaeze.nwosu@example.org>"]


def test_the_second_version_mends_one_mistake_and_leaves_the_other(versions: dict[int, Series]) -> None:
    ignored = "+\tpagetable_pte_ctor(ptdesc);"
    freed = "+\t\tspin_unlock(&linear_split_lock);\n+\t\tpagetable_free(ptdesc);"
    assert ignored in versions[1].patches[1].diff
    assert ignored not in versions[2].patches[1].diff
    assert all(freed in versions[version].patches[2].diff for version in (1, 2))
