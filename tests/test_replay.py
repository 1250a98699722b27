"""Mails of the past arrive again, on the side: the same comes of them, unless something is to be otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.installation import ROOT, Installation

CORPUS = ROOT / "tests" / "corpus"
SECOND = "20260309090000.7002-1-mara@example.org"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """Have a service that has looked at both versions of a series."""
    made = Installation(tmp_path_factory.mktemp("live") / "var", "", BUILD_ENABLED="no")
    for arguments in (
        ["migrate", "--verbosity", "0"],
        ["tree", "add", "minikernel", str(CORPUS / "minikernel")],
        ["replay", str(CORPUS / "minikernel.mbox"), "--here"],
    ):
        status, said = made.manage(*arguments)
        assert status == 0, said
    return made


def rows(of: Installation) -> list[object]:
    return of.rows("SELECT root_msgid, state, verdict, attempts FROM threads_series ORDER BY 1")


def test_the_same_mails_come_to_the_same_and_change_nothing_here(live: Installation, tmp_path: Path) -> None:
    before = rows(live)
    status, said = live.manage("replay", str(CORPUS / "minikernel.mbox"), "--into", str(tmp_path / "again"))
    assert status == 0, said
    assert "2 of 2 series are as they are here, 0 differ, 0 were not looked at here." in said
    assert rows(live) == before
    found = json.loads((tmp_path / "again" / "outcomes.json").read_text())
    assert found[SECOND]["verdict"] == "findings"
    assert len(found[SECOND]["commits"]) > 1
    status, said = live.manage("replay", str(CORPUS / "minikernel.mbox"), "--into", str(tmp_path / "again"))
    assert (status, "is there already" in said) == (3, True)


def test_what_is_tried_out_and_which_days_count_is_told_apart(live: Installation, tmp_path: Path) -> None:
    waivers = tmp_path / "waivers.toml"
    waivers.write_text('[[waiver]]\nrule = "C06"\nfile = "*"\nreason = "known"\n')
    status, said = live.manage(
        "replay", str(CORPUS / "minikernel.mbox"), "--since", "2026-03-09", "--into", str(tmp_path / "tried"),
        "--set", f"WAIVERS={waivers}",
    )  # fmt: skip
    assert "0 of 1 series are as they are here, 1 differ" in said
    assert "findings: here C06" in said
    outcome = json.loads((tmp_path / "tried" / "outcomes.json").read_text())[SECOND]
    assert outcome["verdict"] in ("clean", "findings")
    assert [one for one in outcome["findings"] if one.startswith("C06")] == []
    assert status == 1


def test_a_list_that_is_not_known_is_named(live: Installation) -> None:
    status, said = live.manage("replay", "x", "--here", "--list", "nowhere")
    assert (status, said) == (3, "There is no list named nowhere; see manage.py lists.\n")
