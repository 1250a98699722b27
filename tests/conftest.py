"""What tests of all rooms share."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the material beside the project where that is not laid out."""
    if SHARED.is_dir():
        return
    for item in items:
        if item.get_closest_marker("shared"):
            item.add_marker(pytest.mark.skip(reason="there is no ../shared beside the project"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With NO_SKIPS in the environment, a test that is skipped because something is missing has failed."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if os.environ.get("NO_SKIPS") and skipped and not item.get_closest_marker("shared"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and NO_SKIPS is set: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real mail and labelled examples beside the project."""
    return SHARED


@pytest.fixture(autouse=True)
def _no_ambient_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the user's git configuration out of the tests."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
