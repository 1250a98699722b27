"""The policy file of the operator.

It is TOML::

    [default]                 # series on no list that has a rule of its own
    to = "off"                # off, draft, author, volunteers, everybody
    what = "errors"           # the least that is told: errors, warnings, all
    embargo_hours = 24        # after the posting, before anybody is told
    moderate = true           # a person approves each mail
    clean = false             # to authors who asked: that nothing was found, or that it does not apply
    each = false              # one mail for each patch that something is wrong with
    notes = false             # a word when what was told was wrong, or is gone in a later version

    [list."linux-mm@kvack.org"]
    to = "volunteers"
    from = "Review of mm <mm-review@example.org>"
    reply_to = "mm-review@example.org"

    [person."ada@example.org"]
    to = "off"

    [limits]                  # mails within 24 hours
    all = 50

    [breaker]                 # what stops all sending until a person lifts it
    bounces = 5

What a table does not say is as in ``[default]``; a person's table only takes
away. ``manage.py policy`` reads a file and says what it would decide.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from reviewbot.errors import OperatorError
from reviewbot.mail.policy import Audience, Breaker, Limits, Policy, Rule, What

_MAILBOX = re.compile(r"[^<>@\x00-\x1f]{0,200} <[^\s<>@]{1,64}@[^\s<>@]{1,255}>|[^\s<>@]{1,64}@[^\s<>@]{1,255}")
Numbers = TypeVar("Numbers", Limits, Breaker)


def read_policy(text: str) -> Policy:
    """Return the policy that a file states.

    :raises OperatorError: when it is no TOML, or has a word or value that nothing is known about; a policy
        that is half understood would send what was meant to stay.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"The mail policy cannot be read: {error}.") from error
    known = {"default", "list", "person", "limits", "breaker", "do_not_mail", "robots", "list_addresses"}
    _only(tables, known, "the mail policy")
    default = _rule("default", _table(tables, "default"), Rule())
    # A person's table only takes away: what it does not say must not be stricter than the rest.
    lenient = Rule("", Audience.EVERYBODY, What.ALL, timedelta(), moderate=False, clean=True, each=True, notes=True)
    patterns = {
        name: tuple(pattern.lower() for pattern in _value(tables, name, _strings, "the mail policy"))
        for name in ("do_not_mail", "robots", "list_addresses")
        if name in tables
    }
    return Policy(
        default=default,
        lists=_rules(tables, "list", default),
        people=_rules(tables, "person", lenient),
        limits=_numbers(Limits(), _table(tables, "limits"), "[limits]"),
        breaker=_numbers(Breaker(), _table(tables, "breaker"), "[breaker]"),
        **patterns,
    )


def _rules(tables: Mapping[str, Any], kind: str, rest: Rule) -> dict[str, Rule]:
    found = {}
    for address, table in _table(tables, kind).items():
        name = f'{kind}."{address}"'
        if "@" not in address or not isinstance(table, dict):
            raise OperatorError(f'The mail policy has [{name}]; it takes a table for each address: [{kind}."a@b"].')
        found[address.lower()] = _rule(name, table, rest)
    return found


def _rule(name: str, table: Mapping[str, Any], rest: Rule) -> Rule:
    where = f"[{name}]"
    _only(table, _WORDS, where)
    changed: dict[str, Any] = {"name": name}
    for word in table:
        field, convert = _WORDS[word]
        changed[field] = _value(table, word, convert, where)
    return replace(rest, **changed)


def _numbers(default: Numbers, table: Mapping[str, Any], where: str) -> Numbers:
    _only(table, {one.name for one in fields(default)}, where)
    return replace(default, **{name: _value(table, name, _number, where) for name in table})


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise OperatorError(f"The mail policy has {name} = {table!r}; it is a table: [{name}].")
    return table


def _only(table: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for word in table:
        if word not in known:
            raise OperatorError(f"{where} has the word {word!r}; it knows {', '.join(sorted(known))}.")


def _value(table: Mapping[str, Any], word: str, convert: Callable[[Any], Any], where: str) -> Any:  # noqa: ANN401
    try:
        return convert(table[word])
    except ValueError as error:
        hint = ", ".join(convert) if isinstance(convert, type) and issubclass(convert, StrEnum) else str(error)
        raise OperatorError(f"{where} has {word} = {table[word]!r}; it takes {hint}.") from error


def _hours(value: object) -> timedelta:
    return timedelta(hours=_number(value))


def _mailbox(value: object) -> str:
    if not isinstance(value, str) or not _MAILBOX.fullmatch(value):
        raise ValueError('an address: "a@example.org" or "Name <a@example.org>"')
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise ValueError("a number that is not negative")
    return value


def _strings(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("a list of patterns of addresses")
    return value


#: the words of a table of rules: the field that each sets, and how it is read
_WORDS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "to": ("to", Audience),
    "what": ("what", What),
    "embargo_hours": ("embargo", _hours),
    "moderate": ("moderate", _flag),
    "clean": ("clean", _flag),
    "each": ("each", _flag),
    "notes": ("notes", _flag),
    "from": ("sender", _mailbox),
    "reply_to": ("reply_to", _mailbox),
}
