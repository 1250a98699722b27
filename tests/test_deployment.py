"""Web, worker and scheduler on a shared Redis and PostgreSQL, as several machines would use them."""

from __future__ import annotations

import json
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import (
    POSTGRES,
    ROOT,
    SECONDS,
    Installation,
    Postgres,
    Redis,
    answers,
    free_port,
    wait_for,
)

CORPUS = ROOT / "tests" / "corpus"
SERIES = "20260309090000.7002-1-mara@example.org"

pytestmark = pytest.mark.skipif(
    not POSTGRES or not shutil.which("redis-server"), reason="PostgreSQL or redis-server is not installed"
)


@pytest.fixture
def server() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def queue() -> Iterator[str]:
    redis = Redis()
    redis.start()
    yield redis.url
    redis.stop()


@pytest.fixture
def installation(tmp_path: Path, server: Postgres, queue: str) -> Installation:
    made = Installation(tmp_path / "var", queue, server.url, LOG_FORMAT="json")
    for arguments in (("migrate", "--verbosity", "0"), ("tree", "add", "minikernel", str(CORPUS / "minikernel"))):
        status, said = made.manage(*arguments)
        assert status == 0, said
    return made


def children(pid: int) -> list[int]:
    found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found + [below for child in found for below in children(child)]


TABLES = ("threads_message", "threads_series", "threads_run", "threads_finding", "threads_delivery", "threads_report")


def test_a_series_goes_through_the_workers_to_the_page_and_ctrl_c_stops_everything(
    installation: Installation, server: Postgres, tmp_path: Path
) -> None:
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
    lines = logged(installation)
    assert {"apply", "check", "publish"} <= {str(line.get("step")) for line in lines if line.get("series") == SERIES}
    assert {"gunicorn.access", "celery.beat", "celery.app.trace"} <= {str(line["logger"]) for line in lines}
    restored(installation, server, tmp_path)


def logged(installation: Installation) -> list[dict[str, object]]:
    """Return what all processes have logged: nothing but lines of JSON, and Celery's word when it is told to stop."""
    logs = [log for log in (installation.var / "logs").glob("*.log") if log.stem != "redis"]
    lines = [line for log in logs for line in log.read_text().splitlines()]
    assert {line for line in lines if not line.startswith("{")} <= {"", "worker: Warm shutdown (MainProcess)"}
    return [json.loads(line) for line in lines if line.startswith("{")]


def restored(installation: Installation, server: Postgres, tmp_path: Path) -> None:
    """See a backup of it brought back into another database."""
    archive = tmp_path / "backup.tar.gz"
    status, said = installation.manage("backup", str(archive))
    assert status == 0, said
    other = Installation(tmp_path / "other", "", server.create("other"))
    status, said = other.manage("restore", str(archive))
    assert status == 0, said
    for table in TABLES:
        question = f"SELECT * FROM {table} ORDER BY 1"
        assert len(other.rows(question)) > 0
        assert other.rows(question) == installation.rows(question)
