"""The comparison of two versions, drawn from their mails, beside git range-diff in the repository they came from."""

from __future__ import annotations

import io
import os
import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewbot.mail.mbox import split_mbox
from reviewbot.mail.parse import parse_message
from reviewbot.series.assemble import assemble
from reviewbot.series.model import Series
from reviewbot.series.rangediff import range_diff

_PAIR = re.compile(r"^\s*(-|\d+):\s+\S+ ([=!<>])\s+(-|\d+):", re.MULTILINE)
FILES = ("mm/a.c", "mm/b.c", "mm/c.c", "mm/d.c")


@dataclass(frozen=True)
class Step:
    """One commit: it puts lines of its own behind a line of one file."""

    name: str
    path: str
    at: int
    lines: tuple[str, ...]
    text: str = "Because it may fail."


class Repository:
    """A repository with four files of sixty lines, and a branch for each version."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.git("init", "-q", "-b", "base")
        for file in FILES:
            lines = [f"\tint {file[3]}_{number} = {number};" for number in range(60)]
            (path / file).parent.mkdir(exist_ok=True)
            (path / file).write_text("\n".join(lines) + "\n")
        self.git("add", ".")
        self.git("commit", "-q", "-m", "base")

    def git(self, *arguments: str) -> str:
        who = {"GIT_AUTHOR_NAME": "Ada Example", "GIT_AUTHOR_EMAIL": "ada@example.org"}
        who |= {key.replace("AUTHOR", "COMMITTER"): value for key, value in who.items()}
        return subprocess.run(
            ["git", "-C", self.path, *arguments], capture_output=True, check=True, text=True, env={**os.environ, **who}
        ).stdout

    def post(self, version: int, steps: list[Step]) -> Series:
        """Commit the steps on a branch, and return the series that git format-patch makes of it."""
        self.git("checkout", "-q", "-b", f"v{version}", "base")
        for step in steps:
            file = self.path / step.path
            lines = file.read_text().split("\n")
            mark = f"\tint {step.path[3]}_{step.at} = {step.at};"
            place = lines.index(mark) + 1
            file.write_text("\n".join([*lines[:place], *step.lines, *lines[place:]]))
            self.git("commit", "-q", "-a", "-m", f"{step.name}\n\n{step.text}\n\nSigned-off-by: Ada <ada@example.org>")
        mails = self.git("format-patch", "--stdout", "--thread", "--cover-letter", f"-v{version}", "base")
        (series,) = assemble(map(parse_message, split_mbox(io.BytesIO(mails.encode()))))
        return series

    def git_pairs(self) -> set[tuple[str, str, str]]:
        """Return number, sign and number of each pair of git range-diff."""
        return set(_PAIR.findall(self.git("range-diff", "--no-color", "base", "v1", "v2")))


def our_pairs(old: Series, new: Series) -> set[tuple[str, str, str]]:
    def sign(before: object, after: object, fate: str) -> str:
        return ">" if before is None else "<" if after is None else "=" if fate == "unchanged" else "!"

    return {
        (
            str(pair.old.number) if pair.old else "-",
            sign(pair.old, pair.new, pair.fate),
            str(pair.new.number) if pair.new else "-",
        )
        for pair in range_diff(old, new).pairs
    }


def step(name: str, path: str = "mm/a.c", at: int = 10, *, count: int = 6, text: str = "") -> Step:
    lines = tuple(f"\t{name.split()[-1]}_{number}(page, {number});" for number in range(count))
    return Step(name, path, at, lines, text or f"Because of {name}.")


ONE, TWO, THREE = step("mm: one"), step("mm: two", "mm/b.c"), step("mm: three", "mm/c.c", 30)
CASES: dict[str, tuple[list[Step], list[Step]]] = {
    "nothing": ([ONE, TWO], [ONE, TWO]),
    "dropped": ([ONE, TWO, THREE], [ONE, THREE]),
    "added": ([ONE, THREE], [ONE, TWO, THREE]),
    "reordered": ([ONE, TWO, THREE], [THREE, ONE, TWO]),
    "reworded": ([ONE, TWO], [ONE, Step(TWO.name, TWO.path, TWO.at, TWO.lines, "For a better reason.")]),
    "renamed": ([ONE, TWO], [Step("mm: a new name", ONE.path, ONE.at, ONE.lines, ONE.text), TWO]),
    "changed": ([ONE, TWO], [ONE, Step(TWO.name, TWO.path, TWO.at, (*TWO.lines[:-1], "\tbetter(page);"), TWO.text)]),
    "moved on by another patch": ([TWO, ONE], [step("mm: early", at=2), TWO, ONE]),
    "all at once": ([ONE, TWO, THREE], [THREE, step("mm: four", "mm/d.c"), step("mm: one", count=7)]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_pairs_are_those_of_git(case: str, tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    before, after = CASES[case]
    old, new = repository.post(1, before), repository.post(2, after)
    assert our_pairs(old, new) == repository.git_pairs()


@pytest.mark.parametrize("seed", range(4))
def test_they_are_in_generated_histories_too(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    repository = Repository(tmp_path)
    pool = [step(f"mm: step {word}", FILES[at % 4], 5 + 12 * (at // 4)) for at, word in enumerate("abcdefgh")]
    before = chance.sample(pool, 5)
    after = chance.sample(before, 3) + chance.sample([one for one in pool if one not in before], 2)
    chance.shuffle(after)
    at = chance.randrange(5)
    after[at] = Step(after[at].name, after[at].path, after[at].at, after[at].lines, "For a better reason.")
    old, new = repository.post(1, before), repository.post(2, after)
    assert our_pairs(old, new) == repository.git_pairs()
