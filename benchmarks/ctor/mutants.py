"""Mutants of real page-table code: overlay files and a label each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ctor import benign, benign_moves, planted_api, planted_ctor, planted_dtor  # noqa: F401 - they register operators
from benchmarks.ctor.csource import Unit, apply_edits, error_count, line_of, moved
from benchmarks.ctor.mutation import OPERATORS, Mutation
from benchmarks.ctor.planted_callers import caller_mutations, candidate_files
from benchmarks.ctor.planted_files import generic_free_mutations, override_mutations
from benchmarks.ctor.planted_tlb import tlb_files, tlb_mutations
from benchmarks.ctor.sites import Epoch, files_with_sites, sites_of

# States that are wrong before they are mutated; what is found there proves nothing about the mutant.
ALREADY_WRONG = {
    ("E0", "arch/arm64/mm/mmu.c", "pgd_pgtable_alloc"): "one constructor for three levels",
    ("E0", "arch/riscv/include/asm/pgalloc.h", "pte_alloc_one"): "the result is ignored",
    (
        "E0",
        "arch/unicore32/include/asm/pgalloc.h",
        "pte_alloc_one",
    ): "the table is returned although the constructor failed",
}


@dataclass(frozen=True)
class Mutant:
    """One changed state of a tree.

    :ivar files: path -> content, to be laid over the tree.
    :ivar lines: accepted lines of the finding in the changed file.
    """

    name: str
    kernel: str
    kind: str
    scope: str
    rules: tuple[str, ...]
    file: str
    functions: tuple[str, ...]
    lines: tuple[int, ...]
    files: dict[str, bytes]

    def label(self) -> dict[str, object]:
        """The label as it is written beside an overlay."""
        return {
            "kernel": self.kernel,
            "kind": self.kind,
            "scope": self.scope,
            "rule": self.rules[0] if self.rules else None,
            "alt_rules": list(self.rules[1:]),
            "file": self.file,
            "functions": list(self.functions),
            "lines": list(self.lines),
        }


class Source:
    """The files of one kernel tree, parsed once each."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.epoch = Epoch(tree)
        self._units: dict[str, Unit] = {}

    def unit(self, path: str) -> Unit:
        """Return a parsed file; one that is not there is empty."""
        if path not in self._units:
            place = self.tree / path
            self._units[path] = Unit(path, place.read_bytes() if place.exists() else b"")
        return self._units[path]

    def mutations(self) -> Iterator[Mutation]:
        """Yield every mutation of this tree, also those that turn out not to be valid C."""
        for path in files_with_sites(self.tree):
            for site in sites_of(self.unit(path)):
                if (self.epoch.name, path, site.body.name) in ALREADY_WRONG:
                    continue
                for make in OPERATORS:
                    yield from make(site, self.epoch)
        for path in candidate_files(self.epoch):
            if (self.tree / path).exists():
                yield from caller_mutations(self.unit(path), self.epoch)
        for path in tlb_files(self.tree):
            pgalloc = self.unit(f"{path.rsplit('/', 1)[0]}/pgalloc.h")
            yield from tlb_mutations(self.unit(path), pgalloc.data, self.epoch)
        yield from override_mutations(self.tree, self.epoch)
        yield from generic_free_mutations(self.tree, self.epoch)


def mutants(kernel: str, tree: Path) -> Iterator[Mutant]:
    """Yield the mutants of a tree; equal states are yielded once, unreadable ones not at all.

    :param kernel: a name for the tree, e.g. ``6.12``.
    """
    source = Source(tree)
    seen: set[tuple[tuple[str, bytes], ...]] = set()
    errors: dict[str, int] = {}
    for number, mutation in enumerate(source.mutations()):
        files = {}
        for path, edits in mutation.edits.items():
            data = source.unit(path).data
            files[path] = apply_edits(data, edits)
            errors.setdefault(path, error_count(data))
        state = tuple(sorted(files.items()))
        unchanged = all(files[path] == source.unit(path).data for path in files)
        if state in seen or unchanged or any(error_count(files[path]) > errors[path] for path in files):
            continue
        seen.add(state)
        yield _finished(f"{kernel}-{number:05d}-{mutation.kind}", kernel, mutation, files)


def _finished(name: str, kernel: str, mutation: Mutation, files: dict[str, bytes]) -> Mutant:
    data, edits = files[mutation.file], mutation.edits[mutation.file]
    lines = {line_of(data, moved(offset, edits)) for offset in mutation.at}
    lines |= {line_of(data, moved(edit.start, [other for other in edits if other is not edit])) for edit in edits}
    return Mutant(
        name,
        kernel,
        mutation.kind,
        mutation.scope,
        mutation.rules,
        mutation.file,
        mutation.functions,
        tuple(sorted(lines)),
        files,
    )


def write(mutant: Mutant, folder: Path) -> None:
    """Write a mutant as a folder of its own: ``overlay/`` and ``label.json``."""
    home = folder / mutant.name
    for path, data in mutant.files.items():
        target = home / "overlay" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (home / "label.json").write_text(json.dumps(mutant.label(), indent=1) + "\n")


def kernel_option(text: str) -> tuple[str, Path]:
    """Read ``NAME=PATH``.

    :raises argparse.ArgumentTypeError: when there is no kernel tree at PATH.
    """
    name, _, path = text.partition("=")
    if not (Path(path) / "include/linux/mm.h").is_file():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH with a kernel tree at PATH")
    return name, Path(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the mutants of the given kernels below a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", action="append", required=True, type=kernel_option, metavar="NAME=PATH")
    parser.add_argument("--output", type=Path, required=True, help="folder that receives one folder for each mutant")
    options = parser.parse_args(arguments)
    for kernel, tree in options.kernel:
        planted = list(mutants(kernel, tree))
        for mutant in planted:
            write(mutant, options.output)
        print(f"{kernel}: {len(planted)} mutants")
    return 0


if __name__ == "__main__":
    sys.exit(main())
