"""Facts to JSON and back, so that they are computed once and rendered often."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Hashable
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

T = TypeVar("T")


def pack(value: Any) -> Any:  # noqa: ANN401 - any frozen dataclass of the facts, and what it holds
    """Return a dataclass of facts as plain JSON types: objects, arrays, strings, numbers."""
    if dataclasses.is_dataclass(value):
        return {field.name: pack(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple | list):
        return [pack(item) for item in value]
    return value


def unpack(kind: type[T], data: Any) -> T:  # noqa: ANN401 - whatever JSON holds
    """Return the value of type ``kind`` that :func:`pack` made ``data`` from."""
    return typing.cast(T, _unpack(kind, data))


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    return typing.get_type_hints(kind)


def _unpack(kind: Any, data: Any) -> Any:  # noqa: ANN401
    if data is None:
        return None
    origin = get_origin(kind)
    if origin is tuple:
        inner = get_args(kind)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_unpack(inner[0], item) for item in data)
        return tuple(_unpack(one, item) for one, item in zip(inner, data, strict=True))
    if origin is types.UnionType or origin is typing.Union:
        (real,) = (one for one in get_args(kind) if one is not type(None))
        return _unpack(real, data)
    if dataclasses.is_dataclass(kind):
        hints = _hints(typing.cast(Hashable, kind))
        return typing.cast(Any, kind)(**{name: _unpack(hints[name], value) for name, value in data.items()})
    if isinstance(kind, type) and issubclass(kind, tuple):  # a NamedTuple
        hints = _hints(kind)
        return kind(*(_unpack(one, item) for one, item in zip(hints.values(), data, strict=True)))
    if kind is datetime:
        return datetime.fromisoformat(data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return data
