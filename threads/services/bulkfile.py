"""The whole public history as files: one for SQL, one that is read line by line. Both say the same."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from reviewbot.reports import status
from threads import links, models
from threads.selectors import series as selectors

#: names of the files
LINES, SQL = "history.jsonl.gz", "history.sqlite3"
_CHUNK = 200
_TABLES = {
    "series": (
        "msgid", "subject", "name", "version", "topic", "author_name", "author_email", "date", "lists", "state",
        "verdict", "reason", "base_tree", "base_commit", "url",
    ),
    "patches": ("series", "n", "msgid", "subject", "patch_id", "commit_id", "url"),
    "checks": ("series", "patch", "name", "configuration", "state", "summary", "new", "duration_s"),
    "findings": (
        "series", "id", "fingerprint", "rule", "severity", "life", "patch", "since", "file", "line", "function",
        "message", "permalink",
    ),
}  # fmt: skip


def write(folder: Path, site: str) -> int:
    """Write the files anew; whoever reads the old ones goes on reading them. Return the number of series.

    :param site: address of the dashboard, for links.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drafts = {name: folder / f".{name}.{os.getpid()}" for name in (LINES, SQL)}
    number = 0
    try:
        with gzip.open(drafts[LINES], "wt", compresslevel=5, encoding="utf-8") as lines, _database(drafts[SQL]) as sql:
            for series in _history(site):
                lines.write(json.dumps(series, ensure_ascii=False) + "\n")
                _insert(sql, series)
                number += 1
        for name, draft in drafts.items():
            draft.replace(folder / name)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return number


def _history(site: str) -> Iterator[dict[str, Any]]:
    """Yield every series as the status API answers it, with ``topic``; one that was not looked at in short."""
    last = 0
    patches = models.Patch.objects.select_related("message").defer("message__raw", "message__body")
    rows = models.Series.objects.select_related("author", "report").prefetch_related(
        Prefetch("patches", patches), "lists"
    )
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:_CHUNK]):
        last = found[-1].pk
        for row in found:
            name = next(iter(sorted(one.name for one in row.lists.all())), "")
            urls = links.SiteUrls(name, site)
            yield _facts(row, urls) | {"topic": row.topic_id}


def _facts(row: models.Series, urls: links.SiteUrls) -> dict[str, Any]:
    patches = list(row.patches.all())
    if getattr(row, "report", None) is not None:
        ids = {patch.number: patch.patch_id for patch in patches}
        answer = status.as_dict(selectors.report_of(row), urls, status.Beside(patch_ids=ids))
        del answer["mail"]  # what was drafted is no history of the list
        return answer
    return {
        "msgid": row.root_msgid,
        "url": urls.series(row.root_msgid),
        "subject": row.subject,
        "name": row.name,
        "version": row.version,
        "author": {"name": row.author.name, "email": row.author.email},
        "date": row.date.isoformat(),
        "lists": sorted(one.name for one in row.lists.all()),
        "state": "waiting",
        "verdict": row.verdict,
        "reason": row.reason,
        "base": None,
        "patches": [
            {
                "n": patch.number,
                "msgid": patch.message.message_id,
                "url": urls.patch(patch.message.message_id),
                "subject": patch.subject,
                "patch_id": patch.patch_id,
                "commit": "",
                "checks": [],
            }
            for patch in patches
        ],
        "findings": [],
    }


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    path.unlink(missing_ok=True)
    sql = sqlite3.connect(path)
    try:
        sql.execute("PRAGMA journal_mode=OFF")
        sql.execute("PRAGMA synchronous=OFF")
        for table, columns in _TABLES.items():
            sql.execute(f"CREATE TABLE {table} ({', '.join(columns)})")
        sql.execute("CREATE TABLE about (key, value)")
        sql.execute("INSERT INTO about VALUES ('written', ?)", (timezone.now().isoformat(),))
        yield sql
        for table, column in (("series", "msgid"), ("patches", "msgid"), ("findings", "rule"), ("findings", "series")):
            sql.execute(f"CREATE INDEX {table}_{column} ON {table} ({column})")
        sql.commit()
    finally:
        sql.close()


def _insert(sql: sqlite3.Connection, one: dict[str, Any]) -> None:
    root, base = one["msgid"], one["base"] or {"tree": "", "commit": ""}
    flat = one | {
        "author_name": one["author"]["name"],
        "author_email": one["author"]["email"],
        "lists": " ".join(one["lists"]),
        "base_tree": base["tree"],
        "base_commit": base["commit"],
    }
    _rows(sql, "series", [flat])
    _rows(sql, "patches", [patch | {"series": root, "commit_id": patch["commit"]} for patch in one["patches"]])
    checks = [check | {"series": root, "patch": patch["n"]} for patch in one["patches"] for check in patch["checks"]]
    _rows(sql, "checks", checks)
    _rows(sql, "findings", [finding | {"series": root} for finding in one["findings"]])


def _rows(sql: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    columns = _TABLES[table]
    places = ", ".join("?" * len(columns))
    sql.executemany(
        f"INSERT INTO {table} VALUES ({places})",  # noqa: S608 - the names are ours
        [[row[column] for column in columns] for row in rows],
    )
