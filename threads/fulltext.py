"""The words of every mail: SQLite's FTS5 or PostgreSQL's tsvector, whichever database there is.

The table is written with the mails and holds no text of its own; what a query
means is the same on both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection
from django.db.models.expressions import RawSQL

if TYPE_CHECKING:
    from django.db.backends.base.schema import BaseDatabaseSchemaEditor

    from threads.models import Message

#: what of a body is indexed, in characters; a mail beyond this is a dump that nobody searches to its end
MAX_TEXT = 100_000
#: matches that are looked at, the latest to arrive
MAX_MATCHES = 2000
MAX_TERMS = 20

_COLUMNS = {"subject": ("subject", "a"), "from": ("author", "b"), "body": ("body", "c")}

SQLITE = (
    "CREATE VIRTUAL TABLE threads_words USING fts5(subject, author, body, content='', "
    "tokenize=\"unicode61 remove_diacritics 2 tokenchars '_'\")"
)
POSTGRESQL = (
    "CREATE TABLE threads_words (rowid bigint PRIMARY KEY "
    "REFERENCES threads_message(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED, words tsvector NOT NULL)",
    "CREATE INDEX threads_words_index ON threads_words USING gin(words)",
)


class Term(NamedTuple):
    """A word or phrase that is wanted, or not; ``field`` is "" for anywhere."""

    text: str
    field: str = ""
    excluded: bool = False
    prefix: bool = False


def create(editor: BaseDatabaseSchemaEditor) -> None:
    """Make the table."""
    for statement in (SQLITE,) if editor.connection.vendor == "sqlite" else POSTGRESQL:
        editor.execute(statement)


def drop(editor: BaseDatabaseSchemaEditor) -> None:
    """Remove the table."""
    editor.execute("DROP TABLE threads_words")


def add(rows: Sequence[Message]) -> None:
    """Index mails that were not indexed before; needs ``author``."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            insert = "INSERT INTO threads_words(rowid, subject, author, body) VALUES (%s, %s, %s, %s)"
            cursor.executemany(insert, [(row.pk, *_texts(row)) for row in rows])
            return
        cursor.executemany(
            "INSERT INTO threads_words(rowid, words) VALUES (%s, setweight(to_tsvector('simple', %s), 'A') || "
            "setweight(to_tsvector('simple', %s), 'B') || setweight(to_tsvector('simple', %s), 'C')) "
            "ON CONFLICT (rowid) DO NOTHING",
            [(row.pk, *map(_spaced, _texts(row))) for row in rows],
        )


def remove(row: Message) -> None:
    """Forget the words of a mail, whose text is still what was indexed; needs ``author``."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            delete = "INSERT INTO threads_words(threads_words, rowid, subject, author, body) "
            cursor.execute(delete + "VALUES ('delete', %s, %s, %s, %s)", (row.pk, *_texts(row)))
        else:
            cursor.execute("DELETE FROM threads_words WHERE rowid = %s", (row.pk,))


def _texts(row: Message) -> tuple[str, str, str]:
    return row.subject[:2000], f"{row.author_name} {row.author.email}", row.body[:MAX_TEXT]


def matches(wanted: Iterable[Term]) -> RawSQL | None:
    """Return the keys of the messages that have every wanted word and no excluded one; None when none is wanted."""
    terms = sorted(wanted, key=lambda term: term.excluded)
    if not terms or terms[0].excluded:
        return None
    if connection.vendor == "sqlite":
        # Filled from the left: what is excluded stands behind everything that is wanted.
        words = " AND ".join(_fts5(term) for term in terms if not term.excluded)
        expression = " NOT ".join([f"({words})", *(_fts5(term) for term in terms if term.excluded)])
        sql = "SELECT rowid FROM threads_words WHERE threads_words MATCH %s ORDER BY rowid DESC LIMIT %s"
        return RawSQL(sql, (expression, MAX_MATCHES))  # noqa: S611 - every value is a parameter
    tests, values = [], []
    for term in terms:
        column = f"ts_filter(words, '{{{_COLUMNS[term.field][1]}}}')" if term.field else "words"
        words = _spaced(term.text).strip()
        prefix = term.prefix and words  # nothing but signs is no query for to_tsquery
        asked = "to_tsquery('simple', %s)" if prefix else "phraseto_tsquery('simple', %s)"
        value = f"'{words}':*" if prefix else words
        if term.field and not term.excluded:  # the index knows the words, not which column they are of
            tests.append(f"words @@ {asked}")
            values.append(value)
        tests.append(f"{'NOT ' if term.excluded else ''}{column} @@ {asked}")
        values.append(value)
    sql = f"SELECT rowid FROM threads_words WHERE {' AND '.join(tests)} ORDER BY rowid DESC LIMIT %s"  # noqa: S608 - of literals
    return RawSQL(sql, (*values, MAX_MATCHES))  # noqa: S611 - as above


def _fts5(term: Term) -> str:
    """Return a term in FTS5's language: a string there holds no syntax, whatever is in it."""
    column = f"{_COLUMNS[term.field][0]} : " if term.field else ""
    text = term.text.rstrip("*").replace('"', " ")
    return f'{column}"{text}"{" *" if term.prefix else ""}'


def _spaced(text: str) -> str:
    """Leave the words alone, which PostgreSQL would take for paths, hosts and numbers with a sign, or for syntax."""
    return re.sub(r"\W+", " ", text)
