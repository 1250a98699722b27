"""The daily files: the same history twice, public, and never half written."""

from __future__ import annotations

import gzip
import json
import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client

from tests import factories, tellings
from threads.services import bulkfile

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.BULK = tmp_path / "bulk"
    return settings.BULK  # type: ignore[no-any-return]


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def test_both_files_say_the_same(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkfile, "_CHUNK", 2)
    talk = factories.discussion()
    waiting = factories.series("[PATCH] w", expected=1)
    factories.patch(waiting, 1, "w", tellings.diff_of(1))
    factories.does_not_apply()
    assert bulkfile.write(folder, "https://review.example.org") == 4
    told = lines(folder / bulkfile.LINES)
    sql = sqlite3.connect(folder / bulkfile.SQL)
    verdicts = dict(sql.execute("SELECT msgid, verdict FROM series"))
    assert verdicts == {one["msgid"]: one["verdict"] for one in told}
    assert verdicts[talk.v2.root_msgid] == "findings"
    assert sql.execute("SELECT count(*) FROM findings").fetchone()[0] == sum(len(one["findings"]) for one in told)
    rows = sql.execute(
        "SELECT n, state FROM patches p JOIN checks c ON c.series = p.series AND c.patch = p.n "
        "WHERE p.series = ? AND c.name = 'pgtable' ORDER BY n",
        (talk.v2.root_msgid,),
    )
    assert rows.fetchall() == [(1, "passed"), (2, "failed"), (3, "failed")]
    assert told[0]["url"].startswith("https://review.example.org/project/linux-mm/series/")
    assert not list(folder.glob(".*")), "no drafts are left"


def test_what_was_drafted_is_not_in_it(folder: Path) -> None:
    factories.discussion()
    bulkfile.write(folder, "")
    assert all("mail" not in one for one in lines(folder / bulkfile.LINES))


def test_a_failure_leaves_the_old_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.discussion()
    bulkfile.write(folder, "")
    before = (folder / bulkfile.LINES).read_bytes()
    monkeypatch.setattr(bulkfile, "_insert", lambda sql, one: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        bulkfile.write(folder, "")
    assert (folder / bulkfile.LINES).read_bytes() == before
    assert not list(folder.glob(".*"))


def test_they_are_served_and_asked_for_again(client: Client, folder: Path) -> None:
    assert client.get("/bulk/").json() == {"files": []}
    assert client.get(f"/bulk/{bulkfile.SQL}").status_code == 404
    factories.discussion()
    out = StringIO()
    call_command("export-history", stdout=out)
    assert out.getvalue().startswith("2 series in ")
    files = client.get("/bulk/").json()["files"]
    assert [one["name"] for one in files] == [bulkfile.LINES, bulkfile.SQL]
    for one in files:
        answer = client.get(one["url"])
        assert len(b"".join(answer)) == one["bytes"]  # type: ignore[arg-type]
        assert client.get(one["url"], headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert client.get("/bulk/..%2Fdb.sqlite3").status_code == 404
