"""A backup: the database as its own tool writes it, with the mail policy and the secret key, in one archive."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from reviewbot.errors import OperatorError
from threads import models

_FORMAT = 1
_DATABASE, _ABOUT = "database", "about.json"


def _beside() -> dict[str, Path]:
    """Return the files that belong to a backup beside the database, by their names in it."""
    return {"policy.toml": settings.MAIL_POLICY, "secret-key": settings.VAR / "secret-key"}


def backup(target: Path) -> int:
    """Write a backup while the service runs; return its size in bytes.

    :raises OperatorError: when the file is there already, or the database's tool is missing or fails.
    """
    if target.exists():
        raise OperatorError(f"{target} is there already; name a file that is not.")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
        database = Path(folder, _DATABASE)
        _dump(database)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        about = json.dumps({"format": _FORMAT, "made": made, "vendor": connection.vendor}).encode()
        part = Path(folder, "part")
        part.touch(mode=0o600)
        with tarfile.open(part, "w:gz", compresslevel=1) as archive:
            entry = tarfile.TarInfo(_ABOUT)
            entry.size = len(about)
            archive.addfile(entry, io.BytesIO(about))
            archive.add(database, _DATABASE)
            for name, path in _beside().items():
                if path.is_file():
                    archive.add(path, name)
        part.rename(target)
    return target.stat().st_size


def restore(source: Path, *, force: bool = False) -> str:
    """Bring a backup back; return when it was made.

    :raises OperatorError: when the file is none, is of another kind of database, or something would be lost.
    """
    try:
        with tarfile.open(source) as archive, tempfile.TemporaryDirectory(dir=settings.VAR) as folder:
            archive.extractall(folder, filter="data")
            about = json.loads(Path(folder, _ABOUT).read_text())
            if (about["format"], about["vendor"]) != (_FORMAT, connection.vendor):
                raise OperatorError(f"{source} is of {about['vendor']}; DATABASE_URL names {connection.vendor}.")
            if not force and _has_mails():
                raise OperatorError("There is a database with mails in it; --force gives it up for the backup.")
            _load(Path(folder, _DATABASE))
            for name, path in _beside().items():
                if Path(folder, name).is_file():
                    shutil.copyfile(Path(folder, name), path)
                    path.chmod(0o600)
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise OperatorError(f"{source} is no backup that manage.py backup has written: {error}") from error
    return str(about["made"])


def _has_mails() -> bool:
    try:
        return models.Message.objects.exists()
    except DatabaseError:  # there are no tables yet
        return False


def _dump(target: Path) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(target)])
        return
    _postgresql("pg_dump", "--format=custom", "--no-owner", f"--file={target}")


def _load(source: Path) -> None:
    if connection.vendor == "sqlite":
        connection.close()
        place = Path(settings.DATABASES["default"]["NAME"])
        for tail in ("-wal", "-shm"):
            Path(f"{place}{tail}").unlink(missing_ok=True)
        source.replace(place)
        return
    with closing(connection):
        _postgresql(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--dbname", "", str(source)
        )


def _postgresql(program: str, *arguments: str) -> None:
    """Run a tool of PostgreSQL on the database; the password goes by the environment, where no other user sees it."""
    options = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD", "PGDATABASE": "NAME"}
    environment = {name: str(options[key]) for name, key in names.items() if options.get(key)}
    words = [word or str(options["NAME"]) for word in arguments]
    try:
        done = subprocess.run(
            [program, *words], env=os.environ | environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise OperatorError(f"{program} is not installed; the operator must: apt install postgresql-client.") from None
    if done.returncode:
        raise OperatorError(f"{program} failed: {done.stderr.strip()[:500]}")
