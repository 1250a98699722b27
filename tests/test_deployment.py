"""Web, worker and scheduler on a shared Redis and PostgreSQL, as several machines would use them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import ROOT, SECONDS, Installation, Redis, answers, free_port, wait_for

CORPUS = ROOT / "tests" / "corpus"
POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
SERIES = "20260309090000.7002-1-mara@example.org"

pytestmark = pytest.mark.skipif(
    not POSTGRES or not shutil.which("redis-server"), reason="PostgreSQL or redis-server is not installed"
)


@pytest.fixture
def database() -> Iterator[str]:
    """Run a PostgreSQL of our own; it refuses to run as root, so root lends it another user and a folder of its."""
    folder = Path(tempfile.mkdtemp(prefix="reviewbot-postgres-"))
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str) -> None:
        subprocess.run([*user, str(POSTGRES[-1] / program), *arguments], check=True, capture_output=True, cwd="/")

    run("initdb", "-D", str(data), "-U", "service", "--auth", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "service", "reviews")
        yield f"postgres://service@127.0.0.1:{port}/reviews"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def queue() -> Iterator[str]:
    redis = Redis()
    redis.start()
    yield redis.url
    redis.stop()


@pytest.fixture
def installation(tmp_path: Path, database: str, queue: str) -> Installation:
    made = Installation(tmp_path / "var", queue, database)
    for arguments in (("migrate", "--verbosity", "0"), ("tree", "add", "minikernel", str(CORPUS / "minikernel"))):
        status, said = made.manage(*arguments)
        assert status == 0, said
    return made


def children(pid: int) -> list[int]:
    found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [below for child in found for below in children(child)]


def test_a_series_goes_through_the_workers_to_the_page_and_ctrl_c_stops_everything(installation: Installation) -> None:
    port = free_port()
    up = installation.start("up", "--bind", f"127.0.0.1:{port}")
    try:
        wait_for(lambda: answers(port), "the web server")
        status, said = installation.manage("review", str(CORPUS / "minikernel.mbox"), "--no-build")
        assert status == 1, said
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/series/{SERIES}/") as answer:
            facts = json.load(answer)
        assert "C06" in {finding["rule"] for finding in facts["findings"] if finding["life"] != "preexisting"}
        started = children(up.pid)
        assert len(started) >= 4  # builder, worker, scheduler, web
    finally:
        up.send_signal(signal.SIGINT)
        said, _ = up.communicate(timeout=SECONDS)
    assert up.returncode == 0, said
    assert said.endswith("Stopped.\n")
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
