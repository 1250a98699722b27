"""What the API answers, as values; fields that are not here stand in ``raw``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: verdict -> exit status, as ``manage.py review`` has it; what is not here is nobody's verdict: 3
EXITS = {"clean": 0, "findings": 1, "does not apply": 2, "incomplete": 2}


@dataclass(frozen=True, slots=True)
class Check:
    """One check or build after one patch; ``not run`` is never ``passed``, and ``broken`` is the service's fault."""

    name: str
    configuration: str
    state: str
    summary: str
    new: int


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch."""

    number: int
    message_id: str
    subject: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as it is told about a series.

    :ivar life: ``new``, ``still``, ``transient``, ``fixed`` or ``preexisting``.
    :ivar patch: number of the patch that brings or fixes it, 0 for one of the base.
    """

    id: str
    rule: str
    severity: str
    life: str
    patch: int
    file: str
    line: int
    function: str
    message: str
    permalink: str


@dataclass(frozen=True, slots=True)
class Series:
    """What is known about one version of a patch series.

    :ivar state: ``waiting``, ``applying``, ``running`` or ``done``.
    :ivar verdict: ``unknown``, ``clean``, ``findings``, ``does not apply``, ``incomplete`` or ``broken``.
    """

    message_id: str
    url: str
    subject: str
    version: int
    state: str
    verdict: str
    reason: str
    patches: tuple[Patch, ...]
    findings: tuple[Finding, ...]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def done(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.state == "done"

    @property
    def exit_status(self) -> int:
        """0 clean, 1 findings, 2 does not apply or is incomplete, 3 not known: not done, or the service's fault."""
        return EXITS.get(self.verdict, 3)


def read_series(answer: Mapping[str, Any]) -> Series:
    """Return the series of an answer.

    :raises KeyError: when it is none.
    """
    return Series(
        message_id=answer["msgid"],
        url=answer["url"],
        subject=answer["subject"],
        version=answer["version"],
        state=answer["state"],
        verdict=answer["verdict"],
        reason=answer["reason"],
        patches=tuple(_patch(one) for one in answer["patches"]),
        findings=tuple(_finding(one) for one in answer["findings"]),
        raw=answer,
    )


def _patch(one: Mapping[str, Any]) -> Patch:
    checks = tuple(
        Check(check["name"], check["configuration"], check["state"], check["summary"], check["new"])
        for check in one["checks"]
    )
    return Patch(one["n"], one["msgid"], one["subject"], checks)


def _finding(one: Mapping[str, Any]) -> Finding:
    names = ("id", "rule", "severity", "life", "patch", "file", "line", "function", "message", "permalink")
    return Finding(**{name: one[name] for name in names})
