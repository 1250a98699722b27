"""Files cut off or damaged at random: the checker may say anything but must not crash, and not take long."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.ctor.judge import Bench
from benchmarks.ctor.sites import files_with_sites
from reviewbot.checks.c.conditionals import variants
from reviewbot.checks.c.lower import lower_piece
from reviewbot.checks.c.source import Source
from reviewbot.errors import ReviewError

#: seconds of processor time that one damaged file may take
LIMIT = 5.0


@dataclass(frozen=True)
class Broken:
    """A state on which the checker failed."""

    path: str
    damage: str
    problem: str


def damaged(data: bytes, dice: random.Random) -> tuple[str, bytes]:
    """Return a name and a damaged copy of a file."""
    place = dice.randrange(len(data))
    match dice.randrange(5):
        case 0:
            return f"cut at {place}", data[:place]
        case 1:
            return f"starts at {place}", data[place:]
        case 2:
            end = min(len(data), place + dice.randrange(1, 400))
            return f"{place}:{end} removed", data[:place] + data[end:]
        case 3:
            text = bytes(dice.choices(b"{}();\"'\\#/*\n\0\xff", k=dice.randrange(1, 6)))
            return f"{text!r} at {place}", data[:place] + text + data[place:]
        case _:
            end = min(len(data), place + dice.randrange(1, 2000))
            return f"{place}:{end} twice", data[:end] + data[place:]


#: texts on which patterns that look back take the square of their length, or worse
HOSTILE = {
    "struct": "struct x " + "__a" * 50_000 + " @ {",
    "blanks": "struct " + " " * 50_000 + "@ {",
    "annotation": "__printf(" + " " * 50_000 + "{",
    "name": "a" * 100_000 + " {",
    "quotes": "'\\" * 50_000 + "{",
    "parts of a name": "int f(int x) {" + "alloc" * 20_000 + "; }",
    "attributes": "int f(int x) {" + "__attribute__((" * 20_000 + "; }",
    "assembly": "int f(int x) {" + "asm(" * 10_000 + "; }",
    "arguments": "int f(" + "(" * 50_000 + ") {",
    "parameters": "int f(" + "int a[" * 20_000 + ") { }",
    "conditions": "#if A\n" * 20_000 + "int f(int x) { }",
    "operators": "int f(int x) { return " + "!" * 50_000 + "x; }",
    "macro": "#define f(x) " + "x \\\n" * 30_000 + "\n",
}


def slow() -> Iterator[Broken]:
    """Yield the hostile texts whose functions take longer than :data:`LIMIT` to be cut and lowered."""
    for name, text in HOSTILE.items():
        start = time.process_time()
        for piece in Source("f.c", text.encode()).pieces:
            for body, _ in variants(piece.body):
                lower_piece(piece, body)
        if time.process_time() - start > LIMIT:
            yield Broken("f.c", name, f"took {time.process_time() - start:.1f} s")


def unread(bench: Bench) -> str:
    """Say how many of the functions that have to do with page tables are not fully read, and which."""
    coverage = bench.coverage()[1]
    share = 100 * len(coverage.unread) / max(coverage.functions, 1)
    lines = [f"{len(coverage.unread)} of {coverage.functions} functions are not fully read ({share:.1f} %)"]
    return "\n  ".join([*lines, *coverage.unread])


def broken(bench: Bench, rounds: int, seed: int) -> Iterator[Broken]:
    """Damage files of a tree and yield what the checker could not stand."""
    dice = random.Random(seed)
    files = files_with_sites(bench.tree)
    for _ in range(rounds):
        path = dice.choice(files)
        damage, data = damaged((bench.tree / path).read_bytes(), dice)
        start = time.process_time()
        try:
            bench.findings({path: data}, (path,))
        except ReviewError:
            pass
        except Exception as error:  # whatever it is, it is what this looks for
            yield Broken(path, damage, f"{type(error).__name__}: {error}")
        if time.process_time() - start > LIMIT:
            yield Broken(path, damage, f"took {time.process_time() - start:.1f} s")
