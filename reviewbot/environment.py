"""Typed reading of the environment: every setting has a name, a type, a default and a sentence.

What the environment does not have is read from a file of ``NAME=value`` lines, as systemd and Docker read them: the one
that ``REVIEWBOT_ENVIRONMENT`` names, else ``.env`` beside ``manage.py``. ``manage.py init`` writes it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")
_LINE = re.compile(r"""(?P<name>[A-Z][A-Z0-9_]*)=(?:"(?P<quoted>[^"\\]*)"|(?P<plain>[^"']*))""")


class Setting(NamedTuple):
    """One line of the table of settings."""

    name: str
    kind: str
    default: str
    meaning: str


_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}

#: every setting that was read, in order, for ``manage.py settings``
TABLE: list[Setting] = []


class SettingError(ValueError):
    """A value in the environment cannot be used; the text names it and says what it takes."""


def file_of_settings() -> Path:
    """Return where the settings are read from that are not in the environment; there may be nothing."""
    named = os.environ.get("REVIEWBOT_ENVIRONMENT")
    return Path(named) if named else Path(__file__).resolve().parent.parent / ".env"


def read_file(path: Path) -> dict[str, str]:
    """Return the settings of a file; none when there is no such file.

    :raises SettingError: when it cannot be read, or a line of it is no setting.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"The settings in {path} cannot be read: {error}.") from error
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            match = _LINE.fullmatch(line.strip())
            if match is None:
                raise SettingError(f"Line {number} of {path} is no setting: it takes NAME=value.")
            found[match["name"]] = match["quoted"] if match["quoted"] is not None else match["plain"]
    return found


def take_file() -> None:
    """Add the settings of the file to the environment, and so to that of every process that is started from here."""
    for name, value in read_file(file_of_settings()).items():
        os.environ.setdefault(name, value)


def _read(name: str, kind: str, default: T, meaning: str, convert: Callable[[str], T], shown: str | None = None) -> T:
    """Read a setting; ``shown`` is its default in words, where that depends on other settings."""
    TABLE.append(Setting(name, kind, str(default) if shown is None else shown, meaning))
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    try:
        return convert(value)
    except ValueError as error:
        raise SettingError(f"{name}={value!r} cannot be used: it takes {kind} ({meaning}).") from error


def env_text(name: str, default: str, meaning: str, shown: str | None = None) -> str:
    """Return a string."""
    return _read(name, "text", default, meaning, str, shown)


def env_choice(name: str, default: str, words: tuple[str, ...], meaning: str) -> str:
    """Return one of some words."""

    def convert(value: str) -> str:
        if value not in words:
            raise ValueError(value)
        return value

    return _read(name, "one of " + ", ".join(words), default, meaning, convert)


def env_secret(name: str, default: str, meaning: str) -> str:
    """Return a secret: the value itself, or the content of the file that ``NAME_FILE`` names."""
    value = _read(name, f"text, or a file named by {name}_FILE", default, meaning, str, "generated" if default else "")
    path = os.environ.get(f"{name}_FILE")
    if not path:
        return value
    if os.environ.get(name):
        raise SettingError(f"{name} and {name}_FILE are both set; it takes one of them ({meaning}).")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SettingError(f"{name}_FILE={path!r} cannot be read: {why}.") from error


def env_int(name: str, default: int, meaning: str, shown: str | None = None) -> int:
    """Return a whole number, 0 or more."""

    def convert(value: str) -> int:
        number = int(value)
        if number < 0:
            raise ValueError(value)
        return number

    return _read(name, "a whole number", default, meaning, convert, shown)


def env_bool(name: str, default: bool, meaning: str, shown: str | None = None) -> bool:
    """Return true for 1, true, yes, on; false for 0, false, no, off."""

    def convert(value: str) -> bool:
        if value.lower() not in _WORDS:
            raise ValueError(value)
        return _WORDS[value.lower()]

    return _read(name, "yes or no", default, meaning, convert, shown or ("yes" if default else "no"))


def env_list(name: str, default: list[str], meaning: str) -> list[str]:
    """Return the comma-separated words."""
    words = _read(name, "words separated by commas", ",".join(default), meaning, lambda value: value)
    return [word.strip() for word in words.split(",") if word.strip()]


def env_path(name: str, default: Path, meaning: str, shown: str | None = None) -> Path:
    """Return a path, made absolute."""
    return _read(name, "a path", default, meaning, Path, shown).expanduser().absolute()
