"""Patchwork's list of patches, asked for in its own process on its own database, next to ours."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

_SETTINGS = """\
from patchwork.settings.base import *
SECRET_KEY = "measured"
DEBUG = False
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": %r}}
"""
_ASK = """\
import json, time, django
django.setup()
from django.db import connection
from django.test import Client
from patchwork.models import Patch, Project
project = Project.objects.get()
client, took, own, queries, size = Client(), [], [], [], 0
def counted(execute, *arguments):
    queries[-1] += 1
    return execute(*arguments)
with connection.execute_wrapper(counted):
    for turn in range(%d + 3):
        queries.append(0)
        start, began = time.perf_counter(), time.process_time()
        answer = client.get(f"/project/{project.linkname}/list/")
        took.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.process_time() - began))
        assert answer.status_code == 200, answer.status_code
        size = len(answer.content)
print(json.dumps([sorted(took[3:]), sorted(own[3:]), size, max(queries), Patch.objects.count()]))
"""


class Theirs(NamedTuple):
    """What the first page of Patchwork's list took: milliseconds by the clock and of the processor."""

    middle: float
    high: float
    own: float
    size: int
    queries: int
    patches: int


def measure(checkout: Path, database: Path, times: int) -> Theirs:
    """Ask for the first page of the list of the one project of a database that ``parsearchive`` has filled.

    :param checkout: with its requirements installed in ``.venv``.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "measured_settings.py").write_text(_SETTINGS % str(database.resolve()))
        paths = {"PYTHONPATH": f"{folder}:{checkout.resolve()}", "DJANGO_SETTINGS_MODULE": "measured_settings"}
        command = [str(checkout.resolve() / ".venv" / "bin" / "python"), "-c", _ASK % times]
        said = subprocess.run(command, env={**os.environ, **paths}, check=True, stdout=subprocess.PIPE).stdout
    took, own, size, queries, patches = json.loads(said)
    at = int(0.95 * len(took))
    return Theirs(took[len(took) // 2], took[at], own[at], size, queries, patches)
