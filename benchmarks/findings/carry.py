"""Carrying findings over: to the next version of real series, and through rebases that are made up."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from benchmarks.findings.calls import Line, calls, function_of, in_functions
from reviewbot.findings import Finding, compare, normalise
from reviewbot.mail.diff import parse_diff
from reviewbot.series.model import Series

GOAL = 98.0
Keyed = list[tuple[int, Finding]]


@dataclass
class Tally:
    """How many findings should have been recognised, how many were, and which were not."""

    wanted: int = 0
    right: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Percent that was recognised."""
        return 100 * self.right / max(1, self.wanted)

    def add(self, before: Keyed, after: Keyed, renames: Mapping[str, str] | None = None) -> None:
        """Compare two states; a finding whose key is in both has to be paired with that of its own key."""
        change = compare((one for _, one in before), (one for _, one in after), renames=renames)
        keys = {id(one): key for key, one in after}
        paired = {id(pair.before): keys[id(pair.after)] for pair in (*change.still, *change.moved)}
        there = set(keys.values())
        for key, finding in before:
            if key in there:
                self.wanted += 1
                ok = paired.get(id(finding)) == key
                self.right += ok
                if not ok:
                    what = "taken for another one" if id(finding) in paired else "lost"
                    place = finding.location
                    self.misses.append(f"{place.file}:{place.line} {place.function}() {what}: {normalise(place.text)}")


def of_versions(series: Sequence[Series]) -> tuple[Tally, int]:
    """Carry findings from each version of real series to the next one; return also how many pairs there were."""
    by_root = {one.root_msgid: one for one in series}
    tally, pairs = Tally(), 0
    for one in series:
        if one.previous and (older := by_root.get(one.previous.root_msgid)):
            pairs += 1
            before, after = _states(older), _states(one)
            for file in before.keys() & after.keys():
                tally.add(*_same(file, before[file], after[file]))
    return tally, pairs


def _states(series: Series) -> dict[str, list[tuple[int, str, str, bool]]]:
    """Return the lines that the patches show of each file: number, function, text, and whether it is added."""
    found: dict[str, list[tuple[int, str, str, bool]]] = defaultdict(list)
    for patch in series.patches:
        for file in parse_diff(patch.message.body).files:
            for hunk in file.hunks:
                function = function_of(hunk.section)
                for line in hunk.lines:
                    if line.kind != "-":
                        found[file.path].append((line.new, function, line.text, line.kind == "+"))
    return found


def _same(file: str, before: list[tuple[int, str, str, bool]], after: list[tuple[int, str, str, bool]]) -> list[Keyed]:
    """Return the findings at added lines, keyed by what an alignment of all lines, context too, says is the same."""
    texts = [[normalise(text) for _, _, text, _ in side] for side in (before, after)]
    keys = list(range(len(before))), [-1 - number for number in range(len(after))]
    for block in SequenceMatcher(None, *texts, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            keys[1][block.b + offset] = block.a + offset
    return [
        list(calls(file, ((key, line, function, text) for key, (line, function, text, added) in
                          zip(side_keys, side, strict=True) if added)))
        for side_keys, side in zip(keys, (before, after), strict=True)
    ]  # fmt: skip


Rebase = Callable[[list[Line], random.Random], list[Line]]


def through_rebases(tree: Path, files: int, seed: int) -> dict[str, Tally]:
    """Carry findings of real files through made-up rebases, whose truth is known line by line."""
    chance = random.Random(seed)
    paths = sorted((tree / "mm").glob("*.c")) + sorted(tree.glob("arch/*/mm/*.c"))
    tallies: dict[str, Tally] = {name: Tally() for name in REBASES}
    for path in chance.sample(paths, min(files, len(paths))):
        name = str(path.relative_to(tree))
        lines = [Line(key, text) for key, text in enumerate(path.read_text("utf-8", "replace").split("\n"))]
        before = list(calls(name, in_functions(lines)))
        for kind, rebase in REBASES.items():
            other = f"{name[:-2]}_core.c" if kind == "the file is renamed" else name
            after = list(calls(other, in_functions(rebase(lines, chance))))
            tallies[kind].add(before, after, {name: other})
    return tallies


def _with_new_lines(lines: list[Line], chance: random.Random) -> list[Line]:
    found = list(lines)
    for number in range(len(lines) // 20):
        found.insert(chance.randrange(len(found) + 1), Line(-1 - number, f"\tsomething_new_{number}(there, is);"))
    return found


def _reformatted(lines: list[Line], chance: random.Random) -> list[Line]:
    def one(text: str) -> str:
        indent = len(text) - len(text.lstrip("\t"))
        return " " * 8 * indent + text[indent:].replace(", ", ",  ") + chance.choice(("", " ", "\t"))

    return [Line(line.key, one(line.text)) for line in lines]


def _reordered(lines: list[Line], chance: random.Random) -> list[Line]:
    """Move one function in three to the end of the file."""
    kept: list[Line] = []
    moved: list[Line] = []
    for block in _functions(lines):
        (moved if len(block) > 1 and not chance.randrange(3) else kept).extend(block)
    return kept + moved


def _functions(lines: list[Line]) -> Iterator[list[Line]]:
    block: list[Line] = []
    for line in lines:
        block.append(line)
        if line.text == "}":
            yield block
            block = []
    yield block


def _renamed_functions(lines: list[Line], chance: random.Random) -> list[Line]:
    heads = {function for _, _, function, _ in in_functions(lines) if function}
    chosen = {name for name in sorted(heads) if not chance.randrange(4)}
    found = []
    for line in lines:
        name = function_of(line.text) if line.text[:1].isalpha() else ""
        found.append(Line(line.key, line.text.replace(name, f"{name}_slow", 1)) if name in chosen else line)
    return found


def _cut_down(lines: list[Line], chance: random.Random) -> list[Line]:
    return [line for line in lines if chance.random() > 0.1]


REBASES: dict[str, Rebase] = {
    "new lines all over": _with_new_lines,
    "one line in ten is gone": _cut_down,
    "other white space": _reformatted,
    "functions in another order": _reordered,
    "the file is renamed": lambda lines, chance: list(lines),
    "functions are renamed": _renamed_functions,
}


def show(name: str, tally: Tally, misses: int) -> bool:
    """Print a tally with some of its misses; return whether it is as wanted."""
    print(f"{name:32} {tally.right:7} of {tally.wanted:7}  {tally.share:6.2f} %", flush=True)
    for miss, number in Counter(tally.misses).most_common(misses):
        print(f"    {miss}{f' ({number} times)' if number > 1 else ''}")
    return tally.share >= GOAL
