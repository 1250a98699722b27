"""Running mutants through the checker and counting what it found."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.ctor.judge import Bench, Expected, loud, one_line
from benchmarks.ctor.mutants import Mutant
from benchmarks.ctor.mutation import BENIGN, INTER, INTRA


@dataclass(frozen=True)
class Verdict:
    """What the checker said about one mutant.

    :ivar found: the right rule in the right function; of a benign mutant: silence.
    :ivar near: also at the right line.
    :ivar said: all new findings, as text.
    """

    mutant: Mutant
    found: bool
    near: bool
    said: tuple[str, ...]


def verdict(bench: Bench, mutant: Mutant) -> Verdict:
    """Check one mutant and compare with its label; only findings that the change adds count."""
    new = loud(bench.new(dict(mutant.files)))
    said = tuple(one_line(finding) for finding in new)
    if mutant.scope == BENIGN:
        return Verdict(mutant, not new, not new, said)
    expected = Expected(mutant.rules, mutant.file, mutant.functions, mutant.lines)
    hits = [finding for finding in new if expected.hit_by(finding)]
    return Verdict(mutant, bool(hits), any(expected.near(hit) for hit in hits), said)


def sampled(mutants: Iterable[Mutant], number: int | None, seed: int) -> list[Mutant]:
    """Take at most ``number`` mutants of each kind, always the same ones for a seed."""
    by_kind: defaultdict[str, list[Mutant]] = defaultdict(list)
    for mutant in mutants:
        by_kind[mutant.kind].append(mutant)
    dice = random.Random(seed)
    chosen: list[Mutant] = []
    for kind in sorted(by_kind):
        group = by_kind[kind]
        chosen += group if number is None or len(group) <= number else dice.sample(group, number)
    return chosen


@dataclass
class Tally:
    """Counts over many verdicts."""

    verdicts: list[Verdict] = field(default_factory=list)

    def share(self, scope: str) -> tuple[int, int, int]:
        """(found, found at the line, all) of one scope."""
        chosen = [verdict for verdict in self.verdicts if verdict.mutant.scope == scope]
        return sum(v.found for v in chosen), sum(v.near for v in chosen), len(chosen)

    def table(self) -> str:
        """Recall by scope, kind and rule."""
        lines = []
        for scope, words in ((INTRA, "within a function"), (INTER, "across functions and files")):
            found, near, total = self.share(scope)
            lines.append(f"recall {words}: {_share(found, total)} ({found}/{total}; at the line {_share(near, total)})")
        silent, _, total = self.share(BENIGN)
        lines.append(f"benign changes left alone: {_share(silent, total)} ({silent}/{total})")
        lines += ["", "by kind:", *self._by(lambda verdict: f"{verdict.mutant.scope:7}{verdict.mutant.kind}")]
        planted = Tally([verdict for verdict in self.verdicts if verdict.mutant.rules])
        lines += ["", "by rule:", *planted._by(lambda verdict: verdict.mutant.rules[0])]
        lines += ["", "by kernel:", *self._by(lambda verdict: f"{verdict.mutant.kernel:6}{verdict.mutant.scope}")]
        return "\n".join(lines)

    def _by(self, key: object) -> Sequence[str]:
        assert callable(key)
        total: Counter[str] = Counter(key(verdict) for verdict in self.verdicts)
        found: Counter[str] = Counter(key(verdict) for verdict in self.verdicts if verdict.found)
        return [
            f"  {name:42}{found[name]:5}/{total[name]:<5}{_share(found[name], total[name]):>7}"
            for name in sorted(total)
        ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"
