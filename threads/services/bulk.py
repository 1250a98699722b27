"""Writing many rows at once: ``bulk_create`` without building an SQL text for every fifty of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import connection
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    IntegerField,
    JSONField,
    Model,
    TextField,
)

_PLAIN = (BooleanField, CharField, ForeignKey, IntegerField, TextField)


def insert(model: type[Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows; one that would be there twice is left out.

    :param names: attributes that the values of each row are for; every column that has no default in the database.
    """
    fields: list[Field[Any, Any]] = [model._meta.get_field(name) for name in names]  # type: ignore[misc]
    quote = connection.ops.quote_name
    columns = ", ".join(quote(field.column or "") for field in fields)
    places = ", ".join(["%s"] * len(fields))
    into = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING"  # noqa: S608
    # Texts and numbers are handed over as they are; asking their fields costs more than writing them.
    others = [(at, _adapter(field)) for at, field in enumerate(fields) if not isinstance(field, _PLAIN)]
    values = [list(row) for row in rows]
    for row in values:
        for at, adapt in others:
            row[at] = adapt(row[at])
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(into, values)


def _adapter(field: Field[Any, Any]) -> Callable[[Any], Any]:
    """Return what makes a value of a field one of the database."""
    if isinstance(field, JSONField):
        adapt = partial(connection.ops.adapt_json_value, encoder=field.encoder)
        empty = adapt([])
        return lambda value: empty if value == [] else adapt(value)
    if isinstance(field, DateTimeField):
        return connection.ops.adapt_datetimefield_value
    return partial(field.get_db_prep_save, connection=connection)


def assign(model: type[Model], name: str, values: Mapping[int, int | None]) -> None:
    """Set one column of many rows, by their keys, to a value each."""
    quote = connection.ops.quote_name
    field: Field[Any, Any] = model._meta.get_field(name)  # type: ignore[assignment]
    if values:
        with connection.cursor() as cursor:
            update = f"UPDATE {quote(model._meta.db_table)} SET {quote(field.column or '')} = %s WHERE id = %s"  # noqa: S608
            cursor.executemany(update, [(value, key) for key, value in values.items()])
