"""Measure the constructor check: real cases, planted mistakes, unchanged kernels, damage, time and memory."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.ctor import clean, examples, robust, speed
from benchmarks.ctor.judge import Bench
from benchmarks.ctor.mutants import kernel_option, mutants
from benchmarks.ctor.recall import Tally, sampled, verdict

PARTS = ("examples", "clean", "mutants", "robust", "speed")
NEIGHBOUR = Path(__file__).resolve().parents[3] / "shared"


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ctor", description=__doc__)
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"any of {', '.join(PARTS)} (default: all)")
    parser.add_argument(
        "--kernel",
        action="append",
        required=True,
        type=kernel_option,
        metavar="NAME=PATH",
        help="a kernel tree; the recipes know 5.0, 6.1, 6.12, 6.14 and 7.1.3",
    )
    parser.add_argument("--mails", action="append", type=Path, help="a folder with mails of the real cases")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N mutants of each kind and kernel")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", action="append", help="only mutants of this kind")
    parser.add_argument("--rounds", type=int, default=200, help="number of damaged files for each kernel")
    parser.add_argument("--misses", type=Path, help="write what was missed or said too much to this JSON file")
    options = parser.parse_args(arguments)
    unknown = set(options.parts) - set(PARTS)
    if unknown:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    return options


def _run_examples(benches: dict[str, Bench], places: list[Path]) -> None:
    mails = examples.Mails([place for place in places if place.is_dir()])
    expected = found = at_line = noisy = 0
    for case in examples.load():
        if case.tree not in benches:
            print(f"  {case.name}: left out, no kernel {case.tree}")
            continue
        for outcome in examples.judge(case, benches[case.tree], mails):
            expected, found = expected + outcome.expected, found + outcome.found
            at_line, noisy = at_line + outcome.at_line, noisy + bool(outcome.noise)
            print(f"  {outcome.case} {outcome.state}: {_words(outcome)}")
    print(f"real cases: {found}/{expected} found, {at_line} at the line, {noisy} states that should be silent are not")


def _words(outcome: examples.Outcome) -> str:
    if outcome.not_built:
        return f"left out, {outcome.not_built}"
    words = [f"{outcome.found}/{outcome.expected} found"] if outcome.expected else []
    words += [f"\n    missed {text}" for text in outcome.missed]
    words += [f"\n    too much {text}" for text in outcome.noise]
    return " ".join(words) or "silent"


def _run_mutants(benches: dict[str, Bench], options: argparse.Namespace) -> None:
    tally = Tally()
    for name, bench in benches.items():
        start = time.perf_counter()
        planted = sampled(mutants(name, bench.tree), options.sample, options.seed)
        planted = [mutant for mutant in planted if not options.kind or mutant.kind in options.kind]
        made = time.perf_counter()
        tally.verdicts += [verdict(bench, mutant) for mutant in planted]
        took = time.perf_counter() - made
        print(f"  {name}: {len(planted)} mutants made in {made - start:.0f} s, checked in {took:.0f} s", flush=True)
    print(tally.table())
    if options.misses:
        rows = [
            {"mutant": v.mutant.name, **v.mutant.label(), "said": list(v.said)} for v in tally.verdicts if not v.found
        ]
        options.misses.write_text(json.dumps(rows, indent=1) + "\n")


def _run_clean(benches: dict[str, Bench]) -> None:
    rows = clean.load()
    for bench in benches.values():
        print(clean.report(clean.compare(bench, rows)), flush=True)


def _run_robust(benches: dict[str, Bench], options: argparse.Namespace) -> None:
    slow = list(robust.slow())
    print(f"{len(robust.HOSTILE)} hostile texts, {len(slow)} failures")
    for broken in slow:
        print(f"  {broken.damage}: {broken.problem}")
    for name, bench in benches.items():
        print(f"{name}: {robust.unread(bench)}", flush=True)
        found = list(robust.broken(bench, options.rounds, options.seed))
        print(f"{name}: {options.rounds} damaged files, {len(found)} failures")
        for broken in found:
            print(f"  {broken.path} ({broken.damage}): {broken.problem}")


def _run_speed(benches: dict[str, Bench]) -> None:
    for name, bench in benches.items():
        cost = speed.whole_tree(bench.tree)
        print(f"{name}: whole tree {_cost(cost)}, {cost.megabytes:.0f} MB")
        for path in speed.CHANGED:
            files, again = speed.next_patch(bench, path)
            print(f"  next patch, {path} changed: {again:.2f} s of processor time, {files} files looked at")
        against = speed.coccinelle(bench.tree)
        if against is None:
            print("  Coccinelle is not installed")
        else:
            files, one, every = against
            print(f"  {files} files: Coccinelle, one rule, {_cost(one)}; the checker, all rules, {_cost(every)}")


def _cost(cost: speed.Cost) -> str:
    return f"{cost.seconds:.2f} s ({cost.processor:.2f} s of processor time)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the wanted parts and print what they found."""
    options = _options(arguments)
    benches = {name: Bench(name, tree) for name, tree in options.kernel}
    places = options.mails or [NEIGHBOUR / "domain" / "examples", NEIGHBOUR / "corpus"]
    for part in options.parts:
        print(f"== {part}", flush=True)
        if part == "examples":
            _run_examples(benches, places)
        elif part == "clean":
            _run_clean(benches)
        elif part == "mutants":
            _run_mutants(benches, options)
        elif part == "robust":
            _run_robust(benches, options)
        else:
            _run_speed(benches)
    return 0


if __name__ == "__main__":
    sys.exit(main())
