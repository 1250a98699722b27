"""Typed reading of the environment: every setting has a name, a type, a default and a sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Setting(NamedTuple):
    """One line of the table of settings."""

    name: str
    kind: str
    default: str
    meaning: str


#: every setting that was read, in order, for ``manage.py settings``
TABLE: list[Setting] = []


class SettingError(ValueError):
    """A value in the environment cannot be used; the text names it and says what it takes."""


def _read(name: str, kind: str, default: T, meaning: str, convert: Callable[[str], T]) -> T:
    TABLE.append(Setting(name, kind, str(default), meaning))
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    try:
        return convert(value)
    except ValueError as error:
        raise SettingError(f"{name}={value!r} cannot be used: it takes {kind} ({meaning}).") from error


def env_text(name: str, default: str, meaning: str) -> str:
    """Return a string."""
    return _read(name, "text", default, meaning, str)


def env_secret(name: str, default: str, meaning: str) -> str:
    """Return a secret: the value itself, or the content of the file that ``NAME_FILE`` names."""
    path = os.environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingError(f"{name}_FILE={path!r} cannot be read: {error.strerror}.") from error
    value = _read(name, "text, or a file named by " + name + "_FILE", default, meaning, str)
    TABLE[-1] = TABLE[-1]._replace(default="generated" if default else "")
    return value


def env_int(name: str, default: int, meaning: str) -> int:
    """Return a whole number."""
    return _read(name, "a whole number", default, meaning, int)


def env_bool(name: str, default: bool, meaning: str) -> bool:
    """Return true for 1, true, yes, on; false for 0, false, no, off."""
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }

    def convert(value: str) -> bool:
        if value.lower() not in words:
            raise ValueError(value)
        return words[value.lower()]

    return _read(name, "yes or no", default, meaning, convert)


def env_list(name: str, default: list[str], meaning: str) -> list[str]:
    """Return the comma-separated words."""
    words = _read(name, "words separated by commas", ",".join(default), meaning, lambda value: value)
    return [word.strip() for word in words.split(",") if word.strip()]


def env_path(name: str, default: Path, meaning: str) -> Path:
    """Return a path, made absolute."""
    return _read(name, "a path", default, meaning, Path).expanduser().absolute()
