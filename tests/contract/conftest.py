"""The clients that reviewers run, as they are, against a server of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django.live_server_helper import LiveServer

from tests import factories
from threads.services import tokens

BIN = Path(sys.executable).parent


@pytest.fixture
def talk(transactional_db: None) -> factories.Discussion:
    """Return a discussion that the server knows."""
    return factories.discussion()


@pytest.fixture
def token(transactional_db: None) -> str:
    """Return a token of a maintainer who also runs a bot."""
    return tokens.create("jun", ["checks", "state"])


Client = Callable[..., str]


@pytest.fixture
def client_tool(tmp_path: Path, live_server: LiveServer, request: pytest.FixtureRequest) -> Client:
    """Return a function that runs a client in an empty home and returns what it prints.

    The clients have the token of a maintainer in a test that takes ``token``, else one that is not known here.
    """
    known = request.getfixturevalue("token") if "token" in request.fixturenames else "whatever"
    (tmp_path / "gitconfig").write_text(
        "[b4]\n"
        f"\tpw-url = {live_server.url}\n\tpw-key = {known}\n\tpw-project = linux-mm\n"
        "\tattestation-policy = off\n"
        f"[pw]\n\tserver = {live_server.url}/api/1.3\n\tproject = linux-mm\n\ttoken = {known}\n",
        encoding="utf-8",
    )
    (tmp_path / ".pwclientrc").write_text(
        f"[options]\ndefault = linux-mm\n[linux-mm]\nbackend = rest\nurl = {live_server.url}/api\ntoken = {known}\n",
        encoding="utf-8",
    )

    def run(*command: str, status: int = 0, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=cwd or tmp_path,
            env={
                "HOME": str(tmp_path),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "XDG_DATA_HOME": str(tmp_path / "data"),
                "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"),
                "PATH": os.environ["PATH"],
                "LANG": "C.UTF-8",
                "COLUMNS": "300",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
        )
        text = done.stdout.decode()
        assert done.returncode == status, text
        return text

    return run
