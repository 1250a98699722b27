"""Queries that are written once: where they are asked all day, writing the SQL takes longer than its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import ModelIterable, get_related_populators

Row = TypeVar("Row")
#: the stubs are those of a later Django
_related = cast(Callable[..., Sequence[Any]], get_related_populators)
#: stands for the text of a query while it is written; numbers below nought stand for row ids
_TEXT = "\N{SNOWMAN}"


@dataclass(frozen=True, slots=True)
class _Written:
    """A query as it is sent; ``compiler`` knows how its rows are read, ``populators`` are None for tuples."""

    sql: str
    parameters: tuple[Any, ...]
    compiler: Any
    converters: Any
    populators: Sequence[Any] | None


class Prepared(Generic[Row]):
    """A query of one value or of several row ids, as the ORM writes it.

    :param rows: makes the query from the value; of rows, or ending in ``values_list``; nothing is prefetched.
    """

    def __init__(self, rows: Callable[[Any], QuerySet[Any, Row]]) -> None:
        self._rows = rows
        self._written: dict[object, _Written | None] = {}

    def __call__(self, value: int | str | Sequence[int]) -> list[Row]:
        """Return the rows (1 query; none for no ids).

        :param value: the text or the row id that is looked for, or row ids, each once.
        """
        many = isinstance(value, Sequence) and not isinstance(value, str)
        if many and not value:
            return []
        stand_in: Any = tuple(range(-1, -1 - len(value), -1)) if many else _TEXT if isinstance(value, str) else -1  # type: ignore[arg-type]
        meant = dict(zip(stand_in, cast(Sequence[int], value), strict=True)) if many else {stand_in: value}
        key = len(meant) if many else stand_in
        if key not in self._written:
            self._written[key] = self._write(stand_in)
        written = self._written[key]
        return self._ask(written, meant) if written else []

    def _write(self, stand_in: Any) -> _Written | None:  # noqa: ANN401 - as the value
        """Write the query; None for one that finds nothing, whatever the rows are."""
        query = self._rows(stand_in)
        compiler = query.query.get_compiler(DEFAULT_DB_ALIAS)
        try:
            sql, parameters = compiler.as_sql()
        except EmptyResultSet:
            return None
        columns = [column for column, *_ in compiler.select]
        whole = issubclass(query._iterable_class, ModelIterable)
        populators = _related(compiler.klass_info, compiler.select, DEFAULT_DB_ALIAS) if whole else None
        return _Written(sql, parameters, compiler, compiler.get_converters(columns), populators)

    def _ask(self, written: _Written, meant: dict[Any, Any]) -> list[Row]:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(written.sql, [_meant(meant, one) for one in written.parameters])
            found = cursor.fetchall()
        rows = written.compiler.apply_converters(found, written.converters) if written.converters else found
        if written.populators is None:
            return [cast(Row, tuple(row)) for row in rows]
        return list(_instances(written, written.populators, rows))


def _meant(meant: dict[Any, Any], parameter: Any) -> Any:  # noqa: ANN401 - whatever stands in a query
    return meant.get(parameter, parameter) if isinstance(parameter, int | str) else parameter


def _instances(written: _Written, populators: Sequence[Any], rows: Any) -> Iterator[Any]:  # noqa: ANN401 - of a database
    """Yield the rows as the ORM makes them of columns, relations and annotations."""
    known = written.compiler.klass_info
    fields = known["select_fields"]
    first, end = fields[0], fields[-1] + 1
    names = [column[0].target.attname for column in written.compiler.select[first:end]]
    annotations = list(written.compiler.annotation_col_map.items())
    for row in rows:
        one = _made(known["model"], names, row[first:end])
        for populator in populators:
            _relate(populator, row, one)
        for name, place in annotations:
            setattr(one, name, row[place])
        yield one


def _made(model: type[Model], names: Sequence[str], values: Sequence[Any]) -> Any:  # noqa: ANN401 - of the model
    """Return a row as ``Model.from_db`` makes it, in a fifth of the time: nobody waits for its signals."""
    one = model.__new__(model)
    state = ModelState()
    state.adding, state.db = False, DEFAULT_DB_ALIAS
    one.__dict__.update(zip(names, values, strict=True), _state=state)
    return one


def _relate(populator: Any, row: Sequence[Any], to: Model) -> None:  # noqa: ANN401 - Django's own
    """Make what a row is related to, and what that is related to; None where there is none."""
    values = row[populator.cols_start : populator.cols_end]
    one = None
    if values[populator.pk_idx] is not None:
        one = _made(populator.model_cls, populator.init_list, values)
        for further in populator.related_populators:
            _relate(further, row, one)
    populator.local_setter(to, one)
    if one is not None:
        populator.remote_setter(one, to)
