"""A backup brought back is the service as it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import ROOT, Installation

CORPUS = ROOT / "tests" / "corpus"
TABLES = ("threads_message", "threads_series", "threads_run", "threads_finding", "threads_delivery", "threads_report")


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Have a service that has looked at something."""
    made = Installation(tmp_path_factory.mktemp("first") / "var", "", BUILD_ENABLED="no")
    for arguments in (["migrate", "--verbosity", "0"], ["tree", "add", "minikernel", str(CORPUS / "minikernel")]):
        status, said = made.manage(*arguments)
        assert status == 0, said
    status, said = made.manage("review", str(CORPUS / "minikernel.mbox"), "--no-build")
    assert status == 1, said
    (made.var / "policy.toml").write_text("# nothing may be sent\n")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def archive(reviewed: Installation) -> Path:
    target = reviewed.var.parent / "backup.tar.gz"
    status, said = reviewed.manage("backup", str(target))
    assert status == 0, said
    return target


def rows(of: Installation) -> list[object]:
    return [of.rows(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]


def test_a_backup_is_brought_back_on_another_machine_and_the_doctor_reads_the_trees_again(
    reviewed: Installation, archive: Path, tmp_path: Path
) -> None:
    other = Installation(tmp_path / "var", "", BUILD_ENABLED="no")
    status, said = other.manage("restore", str(archive))
    assert status == 0, said
    assert rows(other) == rows(reviewed)
    assert (other.var / "policy.toml").read_text() == "# nothing may be sent\n"
    _, said = other.manage("doctor", "--mend")
    assert "does not have the tree minikernel" in said
    assert "Mended." in said
    status, said = other.manage("review", str(CORPUS / "minikernel.mbox"), "--no-build", "--rerun")
    assert status == 1, said


def test_only_its_owner_reads_a_backup(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_a_backup_takes_no_other_files_place(reviewed: Installation, archive: Path) -> None:
    before = archive.read_bytes()
    assert reviewed.manage("backup", str(archive)) == (3, f"{archive} is there already; name a file that is not.\n")
    assert archive.read_bytes() == before


def test_mails_that_are_there_are_not_given_up_by_mistake(reviewed: Installation, archive: Path) -> None:
    before = rows(reviewed)
    status, said = reviewed.manage("restore", str(archive))
    assert status == 3
    assert "--force" in said
    assert rows(reviewed) == before


def test_what_is_no_backup_is_said_to_be_none(reviewed: Installation) -> None:
    status, said = reviewed.manage("restore", str(CORPUS / "minikernel.mbox"))
    assert status == 3
    assert "is no backup" in said
