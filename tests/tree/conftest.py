"""A project and a store for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from reviewbot.tree.store import Store
from tests.tree.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")
