"""The committed tables of the benchmark: recipes of real cases, and the findings that were read."""

from __future__ import annotations

import json
import re
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "benchmarks" / "ctor"


def test_every_case_says_what_is_expected_in_states_that_it_builds() -> None:
    cases = json.loads((BENCH / "cases.json").read_text())
    assert len({case["id"] for case in cases}) == len(cases)
    for case in cases:
        states = set(case["states"])
        assert states, case["id"]
        assert set(case.get("silent", ())) <= states
        for want in case.get("expected", ()):
            assert want["state"] in states
            assert want["file"] in case["files"]
            assert all(re.fullmatch(r"C\d\d", rule) for rule in [want["rule"], *want.get("alt_rules", [])])


def test_every_finding_that_was_read_has_a_verdict_and_a_reason() -> None:
    for row in json.loads((BENCH / "clean.json").read_text()):
        assert row["verdict"] in {"issue", "policy", "waiver", "false"}
        assert row["reason"].strip()
        assert re.fullmatch(r"[0-9a-f]{16}", row["fingerprint"])
