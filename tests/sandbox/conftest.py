"""A folder that a sandbox may write, and a shell in that sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reviewbot import sandbox
from reviewbot.sandbox import Limits, Result
from tests.sandbox.shell import PATIENCE, Shell


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "out"
    folder.mkdir()
    yield folder
    sandbox.remove(folder)


@pytest.fixture
def shell(out: Path) -> Shell:
    """Run a shell command with one writable folder, ``/out``."""

    def run(command: str, **limits: float) -> Result:
        chosen = Limits(**{"wall_seconds": PATIENCE, **limits})  # type: ignore[arg-type]
        return sandbox.run(["/bin/sh", "-c", command], writable={out: "/out"}, cwd="/out", limits=chosen)

    return run
