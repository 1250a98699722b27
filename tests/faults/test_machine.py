"""The machine breaks: its disk, its clock, its database, its store, or the archive that it reads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Rows, Site, set_up
from tests.installation import Postgres, wait_for

SOME_MAILS = "SELECT 1 FROM threads_message WHERE id > 1"
DAY = 86_400


@pytest.fixture
def troubled(template: Path, tmp_path: Path, obedient: dict[str, str]) -> Iterator[Site]:
    """Have an installation whose disk and clock can be spoiled."""
    made = Site(template, tmp_path / "site", **obedient)
    yield made
    made.close()


@pytest.fixture
def on_postgres(template: Path, tmp_path: Path) -> Iterator[tuple[Site, Postgres]]:
    """Have an installation with PostgreSQL."""
    server = Postgres()
    server.start()
    made = Site(template, tmp_path / "site")
    try:
        made.service.environment["DATABASE_URL"] = server.url
        shutil.rmtree(made.service.var)
        set_up(made.service, made.epoch)
        yield made, server
    finally:
        made.close()
        server.remove()


def spoil(folder: Path) -> None:
    """Put nonsense into every file of a folder, as long as what it was."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"\xff" * path.stat().st_size)


def test_a_database_that_is_started_again(on_postgres: tuple[Site, Postgres], undisturbed: Rows) -> None:
    site, server = on_postgres
    site.run()
    site.post()
    site.seen(SOME_MAILS)
    server.stop()
    wait_for(lambda: "OperationalError" in site.log(), "the loss")
    server.start()
    assert site.wait(undisturbed) == undisturbed


def test_a_disk_that_is_full_for_a_while(troubled: Site, undisturbed: Rows) -> None:
    troubled.run()
    troubled.post()
    troubled.seen(SOME_MAILS)
    troubled.misbehave(full=True)
    wait_for(lambda: troubled.refused > 5, "being refused")
    troubled.misbehave()
    assert troubled.wait(undisturbed) == undisturbed


def test_a_clock_that_is_wrong_for_a_while(troubled: Site, undisturbed: Rows) -> None:
    troubled.run()
    troubled.post()
    troubled.seen(SOME_MAILS)
    troubled.misbehave(seconds=2 * DAY)
    troubled.seen("SELECT 1 FROM threads_application")
    troubled.misbehave(seconds=-2 * DAY)
    troubled.seen("SELECT 1 FROM threads_run")
    troubled.misbehave()
    assert troubled.wait(undisturbed) == undisturbed


def test_an_archive_that_is_garbage_for_a_while(site: Site, undisturbed: Rows) -> None:
    whole = site.epoch.with_name("whole")
    site.post()
    shutil.copytree(site.epoch, whole)
    spoil(site.epoch)
    site.run()
    site.seen("SELECT 1 FROM threads_mailinglist WHERE failing_since IS NOT NULL AND failure != ''")
    shutil.rmtree(site.epoch)
    whole.rename(site.epoch)
    assert site.wait(undisturbed) == undisturbed


def test_a_store_that_is_damaged_is_mended_by_the_doctor(site: Site, undisturbed: Rows) -> None:
    spoil(site.service.var / "store.git" / "objects")
    site.run()
    site.post()
    site.seen("SELECT 1 FROM threads_series WHERE state = 'broken' AND version = 2")
    said = site.service.manage("doctor", "--thorough", "--mend")[1]
    assert "It can be set aside and read again from the sources of the trees." in said
    assert site.wait(undisturbed) == undisturbed
