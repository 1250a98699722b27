"""What is remembered of an output directory, outside of it, where no build can write.

make compiles what has changed and is silent about the rest, so what the compiler said of
an object is recorded when it is compiled and stays true until it is compiled again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from reviewbot.findings import Evidence, Finding, Location, Severity, sort_key


@dataclass(frozen=True, slots=True)
class ObjectRecord:
    """What came of one object.

    :ivar built: it exists and is up to date.
    :ivar said: what the compiler said when it was compiled.
    :ivar left_out: why the configuration does not build it; "" when it does.
    """

    built: bool
    said: tuple[Finding, ...] = ()
    left_out: str = ""


@dataclass(slots=True)
class Record:
    """What is known of an output directory.

    :ivar prepared: it was configured and prepared without an error.
    :ivar refused: lines of the configuration's fragment that the tree does not take.
    :ivar config: what Kconfig said.
    :ivar objects: object -> what came of it.
    """

    prepared: bool = False
    refused: tuple[str, ...] = ()
    config: tuple[Finding, ...] = ()
    objects: dict[str, ObjectRecord] = field(default_factory=dict)

    def said(self, objects: Iterable[str]) -> tuple[Finding, ...]:
        """Return what Kconfig and the compiler said of the objects, each thing once, the worst first."""
        said = list(self.config)
        for name in objects:
            if name in self.objects:
                said.extend(self.objects[name].said)
        return once(said)

    def dump(self) -> str:
        """Return the record as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Record:
        """Read what :meth:`dump` wrote.

        :raises ValueError: when it is something else.
        """
        try:
            data = json.loads(text)
            objects = {
                name: ObjectRecord(item["built"], _findings(item["said"]), item["left_out"])
                for name, item in data["objects"].items()
            }
            return cls(bool(data["prepared"]), tuple(data["refused"]), _findings(data["config"]), objects)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("this is no record of an output directory") from error


def once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return each finding once, the worst first: a header's warning is repeated for every file that includes it."""
    seen: dict[tuple[str, str, int, str], Finding] = {}
    for finding in findings:
        place = finding.location
        seen.setdefault((finding.rule, place.file, place.line, finding.message), finding)
    return tuple(sorted(seen.values(), key=sort_key))


def _findings(items: Iterable[dict[str, Any]]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            **{
                **item,
                "severity": Severity(item["severity"]),
                "location": Location(*item["location"]),
                "evidence": tuple(Evidence(*step) for step in item["evidence"]),
            }
        )
        for item in items
    )
