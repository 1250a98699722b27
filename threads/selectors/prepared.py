"""Queries that are written once: where they are asked all day, writing the SQL takes longer than its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import QuerySet


class Prepared:
    """A query of one value, as the ORM writes it.

    :param rows: makes the query from the value; it ends with ``values_list`` of columns, not of computed parts of rows.
    :param stand_in: a value of the right type that no query has otherwise; the SQL is written with it.
    """

    def __init__(self, rows: Callable[[Any], QuerySet[Any, tuple[Any, ...]]], stand_in: int | str) -> None:
        self._rows, self._stand_in = rows, stand_in
        self._written: tuple[str, tuple[Any, ...], Any, Any] | None = None

    def __call__(self, value: int | str) -> list[tuple[Any, ...]]:
        """Return the rows (1 query)."""
        if self._written is None:
            self._written = self._write()
        sql, parameters, compiler, converters = self._written
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(sql, [value if one == self._stand_in else one for one in parameters])
            found = cursor.fetchall()
        return [tuple(row) for row in compiler.apply_converters(found, converters)] if converters else found

    def _write(self) -> tuple[str, tuple[Any, ...], Any, Any]:
        compiler = self._rows(self._stand_in).query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        columns = [column for column, *_ in compiler.select]
        return sql, parameters, compiler, compiler.get_converters(columns)
