"""The same requests to Patchwork, on the same series, in the same run: its own code, SQLite, one thread."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from pathlib import Path

from django.db import connection

from benchmarks.api import data

_SETTINGS = """\
from patchwork.settings.base import *
SECRET_KEY = "measured"
DEBUG = False
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %r}}
"""
#: our rows as Patchwork's: the same numbers, so that the same addresses lead to the same things
_COPY = (
    "INSERT OR IGNORE INTO patchwork_project (id, linkname, name, listid, listemail, subject_match, web_url, scm_url, "
    "webscm_url, list_archive_url, list_archive_url_format, commit_url_format, send_notifications, use_tags, "
    "show_dependencies) SELECT id, name, name, name || '.example.org', address, '', '', '', '', '', '', '', 0, 1, 0 "
    "FROM ours.threads_mailinglist WHERE name = 'linux-mm'",
    "INSERT INTO patchwork_person (id, email, name) SELECT id, email, name FROM ours.threads_person",
    "INSERT INTO patchwork_cover (id, msgid, date, headers, content, name, project_id, submitter_id) "
    "SELECT m.id, '<' || m.message_id || '>', m.date, :headers, 'It is needed.', m.subject, p.id, m.author_id "
    "FROM ours.threads_series s JOIN ours.threads_message m ON m.id = s.cover_id, patchwork_project p",
    "INSERT INTO patchwork_series (id, name, date, version, total, project_id, submitter_id, cover_letter_id) "
    "SELECT s.id, s.name, s.date, s.version, s.expected, p.id, s.author_id, s.cover_id "
    "FROM ours.threads_series s, patchwork_project p",
    "INSERT INTO patchwork_patch (id, msgid, date, headers, content, name, project_id, submitter_id, archived, diff, "
    "number, series_id, state_id, hash) SELECT a.id, '<' || m.message_id || '>', m.date, :headers, 'It is needed.', "
    "a.subject, p.id, m.author_id, 0, :diff, a.number, a.series_id, 1, NULL "
    "FROM ours.threads_patch a JOIN ours.threads_message m ON m.id = a.message_id, patchwork_project p",
    "INSERT INTO patchwork_check (date, state, target_url, description, context, user_id, patch_id) "
    "SELECT a.date, 1, 'https://review.example.org/', 'passed', c.word, 1, a.id FROM patchwork_patch a, "
    "(SELECT 'apply' AS word UNION SELECT 'pgtable' UNION SELECT 'characters' UNION SELECT 'build') c",
)
_HEADERS = "Subject: [PATCH] x\nFrom: Author <author@example.org>\n"
#: runs in Patchwork's interpreter: paths as JSON lines in, milliseconds of processor time out
_ASK = """\
import json, sys, time, django
django.setup()
from django.test import Client
client = Client()
for line in sys.stdin:
    spent = []
    for path in json.loads(line):
        started = time.thread_time()
        answer = client.get(path)
        spent.append((time.thread_time() - started) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path} answered with {answer.status_code}")
    print(json.dumps(spent), flush=True)
"""


class Patchwork:
    """A Patchwork with our series.

    :param checkout: of https://github.com/getpatchwork/patchwork.
    :param python: an interpreter with its requirements-test.txt and Django.
    """

    def __init__(self, checkout: Path, python: Path, work: Path) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._database = work / "patchwork.sqlite3"
        (work / "measured_settings.py").write_text(_SETTINGS % str(self._database))
        self._python = python.absolute()
        self._environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{work.absolute()}:{checkout.absolute()}",
            "DJANGO_SETTINGS_MODULE": "measured_settings",
        }
        if not self._database.exists():
            self._fill(checkout.absolute())

    def _fill(self, checkout: Path) -> None:
        manage = [str(self._python), str(checkout / "manage.py")]
        for command in (("migrate", "-v0"), ("loaddata", "-v0", "default_tags", "default_states")):
            subprocess.run([*manage, *command], env=self._environment, check=True, stdout=subprocess.DEVNULL)
        try:
            self._copy()
        except sqlite3.Error:
            self._database.unlink()
            raise

    def _copy(self) -> None:
        theirs = sqlite3.connect(self._database)
        theirs.execute("ATTACH ? AS ours", [str(connection.settings_dict["NAME"])])
        with theirs:
            theirs.execute(
                "INSERT INTO auth_user (id, username, password, is_superuser, first_name, last_name, email, is_staff, "
                "is_active, date_joined) VALUES (1, 'bot', '', 0, '', '', '', 0, 1, '2016-01-01')"
            )
            said = {"headers": _HEADERS, "diff": data.DIFF}
            for step in _COPY:
                theirs.execute(step, {name: value for name, value in said.items() if f":{name}" in step})
        theirs.execute("ANALYZE")
        theirs.close()

    def ask(self, paths: list[list[str]]) -> list[list[float]]:
        """Return the milliseconds of processor time of each request; the first of each kind is asked twice."""
        asked = "\n".join(json.dumps([group[0], *group]) for group in paths) + "\n"
        done = subprocess.run(
            [str(self._python), "-c", _ASK], env=self._environment, input=asked, text=True, check=True,
            stdout=subprocess.PIPE,
        )  # fmt: skip
        return [json.loads(line)[1:] for line in done.stdout.splitlines()]
