"""Writing many rows at once: ``bulk_create`` without building an SQL text for every fifty of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, Field, ForeignKey, IntegerField, Model, TextField

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
    others = [(at, field) for at, field in enumerate(fields) if not isinstance(field, _PLAIN)]
    values = [list(row) for row in rows]
    for row in values:
        for at, field in others:
            row[at] = field.get_db_prep_save(row[at], connection)
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(into, values)
