"""Comparing what we say of a thread with what is written down of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Line = dict[str, Any]

#: what is compared, by the words of the summary
FIELDS = {
    "assembly": ("expected", "got", "complete", "partial_reroll", "author", "base_commit", "change_id"),
    "patches": ("patches",),
    "cover": ("has_cover", "root_msgid"),
    "trailers": ("trailers", "cover_trailers"),
    "previous": ("previous",),
}
_ROW = re.compile(
    r"^\| `(?P<root>[^`]+)` \| (?P<version>\d+|none) \| (?P<what>[^|]+) \| (?P<right>[^|]+) \| (?P<why>[^|]+) \|$"
)


@dataclass(slots=True)
class Difference:
    """One line that does not agree: ``what`` names the groups of :data:`FIELDS`, or ``series`` as a whole."""

    root: str
    version: str
    what: set[str] = field(default_factory=set)
    details: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Explanation:
    """A row of the committed table."""

    what: frozenset[str]
    right: str
    why: str


def explanations(path: Path) -> dict[tuple[str, str], Explanation]:
    """Read the committed table: by thread and version."""
    rows = {}
    for line in path.read_text().splitlines():
        if match := _ROW.match(line):
            what = frozenset(word.strip() for word in match["what"].split(","))
            rows[match["root"], match["version"]] = Explanation(what, match["right"].strip(), match["why"].strip())
    return rows


class Ours:
    """What we say, found by thread."""

    def __init__(self, series: Iterable[Line], threads: dict[str, str]) -> None:
        self.threads = threads
        self.by_version: dict[tuple[str, int], list[Line]] = defaultdict(list)
        self.by_thread: dict[str, list[Line]] = defaultdict(list)
        for one in series:
            thread = threads[one["root_msgid"]]
            self.by_version[thread, one["version"]].append(one)
            self.by_thread[thread].append(one)

    def like(self, line: Line) -> Line | None:
        """Return our series for a written line: the one with its root, else one of the thread and version."""
        found = self.by_version[self.threads[line["thread_root"]], line["version"]]
        named = [one for one in found if one["root_msgid"] == line["root_msgid"]]
        return next(iter(named or found), None)


def differences(lines: Iterable[Line], ours: Ours) -> Iterator[Difference]:
    """Yield the lines that do not agree."""
    for line in lines:
        root = line["thread_root"]
        if line["kind"] != "series":
            if extra := ours.by_thread[ours.threads[root]]:
                yield Difference(root, "none", {"series"}, [f"ours: {one['root_msgid']}" for one in extra])
            continue
        mine = ours.like(line)
        if mine is None:
            yield Difference(root, str(line["version"]), {"series"}, ["ours: none"])
            continue
        difference = Difference(root, str(line["version"]))
        for word, names in FIELDS.items():
            for name in names:
                written, said = _plain(name, line[name]), _plain(name, mine[name])
                if written != said:
                    difference.what.add(word)
                    difference.details.append(f"{name}: written {written}, ours {said}")
        if difference.what:
            yield difference


def _plain(name: str, value: Any) -> Any:  # noqa: ANN401 (JSON)
    """Reduce a value to what matters: trailers are sets, as the written ones repeat some."""
    if name == "trailers":
        return [_plain("cover_trailers", one) for one in value]
    if name == "cover_trailers":
        return sorted({(one["trailer"], one["via"]) for one in value})
    if name == "previous":
        return value and (value["root_msgid"], value["version"])
    return value
