"""One real object in every configuration, and in every other architecture whose compiler is here."""

from __future__ import annotations

import json
import time
from pathlib import Path

from benchmarks.apply.corpus import trees
from reviewbot import sandbox
from reviewbot.builds import Builder, Configuration, Kind, State, configurations, toolchains
from reviewbot.tree.worktrees import Pool

MMU, GUP = "arch/arm64/mm/mmu.o", "mm/gup.o"


def run(place: str, work: Path) -> int:
    """Build, and print one line of JSON for each; say whether all of them gave an object with the options asked for."""
    store, branch = trees(work, {"base": place})["base"]
    arm64 = [configurations.DEFCONFIG, *(choice.configuration for choice in configurations.EXTRA)]
    arm64 += [configurations.DEFCONFIG.of(kind) for kind in Kind if kind is not Kind.COMPILE]
    others = [configurations.default(arch) for arch in toolchains.architectures() if arch != "arm64"]
    kept = True
    with Pool(work / "slots", store.path) as pool:
        source = pool.checkout(branch.commit, "everywhere", fresh=False)
        for configuration in (*arm64, *others):
            if toolchains.installed(configuration.arch, configuration.compiler):
                kept &= _build(configuration, source, branch.commit, work / "cache")
    return 0 if kept else 1


def _build(configuration: Configuration, source: Path, commit: str, cache: Path) -> bool:
    wanted = MMU if configuration.arch == "arm64" else GUP
    builder = Builder(cache, toolchains.find(configuration.arch, configuration.compiler))
    started = time.monotonic()
    with builder.session(source, commit, configuration, [wanted]) as session:
        taken = session.output.kbuild.config()
        data = sandbox.read(session.output.kbuild.output, wanted) or b""
    options = [line.partition("=") for line in configuration.fragment]
    kept = session.base.state is State.PASSED and data.startswith(b"\x7fELF")
    kept &= all(taken.get(name, "") == value for name, _, value in options)
    row = {"configuration": configuration.name, "compiler": session.base.compiler, "state": session.base.state}
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({**row, "reason": session.base.reason, "kept": kept, "seconds": seconds}), flush=True)
    return kept
