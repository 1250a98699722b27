"""Files cut off or damaged at random: the checker may say anything but must not crash, and not take long."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.ctor.judge import Bench
from benchmarks.ctor.sites import files_with_sites
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
