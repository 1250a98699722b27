"""``python -m reviewbot.builds``: what does the compiler say of these files, as the service would ask it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reviewbot.builds import configurations, planning, reproduce, toolchains
from reviewbot.builds.builder import Builder
from reviewbot.builds.model import BuildResult, Configuration, NotBuilt, Progress, State
from reviewbot.errors import ReviewError
from reviewbot.findings import Finding
from reviewbot.tree.readers import DirectoryFiles

_CLEAN, _FOUND, _USAGE, _OURS = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the objects of the named files and print what the compiler says."""
    parser = _parser()
    options = parser.parse_args(arguments)
    wanted = _configuration(options.config, options.arch)
    if wanted is None:
        names = ", ".join(("defconfig", *(choice.configuration.name for choice in configurations.EXTRA)))
        parser.error(f"there is no configuration {options.config!r}; choose one of {names}")
    try:
        result, left_out = _build(options, wanted)
    except ReviewError as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return _OURS
    _print(result, left_out, options.format)
    if result.state in (State.BROKEN, State.CANCELLED):
        return _OURS
    return _FOUND if result.diagnostics or result.state is State.FAILED else _CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reviewbot.builds",
        description="Cross-build some files of a kernel tree in a sandbox and say what the compiler says. Exit status: "
        "0 nothing, 1 diagnostics, 2 bad usage, 3 it could not be built for a reason of our own.",
    )
    parser.add_argument("--tree", type=Path, required=True, metavar="DIR", help="a kernel tree that was not built in")
    parser.add_argument("--config", default="defconfig", metavar="NAME", help="defconfig, defconfig-64k …")
    parser.add_argument("--arch", default="arm64", choices=toolchains.architectures())
    parser.add_argument("--compiler", default="gcc", choices=("gcc", "clang"))
    parser.add_argument(
        "--cache", type=Path, default=_cache(), metavar="DIR", help="where outputs are kept (%(default)s)"
    )
    parser.add_argument("--format", default="text", choices=("text", "json"))
    parser.add_argument("paths", nargs="+", metavar="PATH", help="source files and headers, relative to the tree")
    return parser


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reviewbot" / "builds"


def _configuration(name: str, arch: str) -> Configuration | None:
    if name == "defconfig":
        return configurations.default(arch)
    known = [configurations.default(arch), *(choice.configuration for choice in configurations.EXTRA)]
    return next((one for one in known if one.name == name and one.arch == arch), None)


def _build(options: argparse.Namespace, configuration: Configuration) -> tuple[BuildResult, Sequence[NotBuilt]]:
    tree: Path = options.tree.resolve()
    files = DirectoryFiles(tree)
    plan = planning.plan([path.removeprefix("./") for path in options.paths], files, arch=options.arch)
    objects = plan.builds[0].objects if plan.builds else ()
    if not objects:
        return BuildResult(State.SKIPPED, reason="Nothing that is compiled was named."), plan.left_out
    toolchain = toolchains.find(options.arch, options.compiler)
    for line in reproduce.lines(toolchain, configuration, objects):
        print(line if line.startswith("#") else f"$ {line}", file=sys.stderr)
    builder = Builder(options.cache, toolchain)
    # The directory may change between two calls: make compares the time stamps.
    name = hashlib.sha256(os.fsencode(tree)).hexdigest()
    return builder.build(tree, name, configuration, objects, report=_show), plan.left_out


def _show(progress: Progress) -> None:
    if sys.stderr.isatty():
        of = f"/{progress.total}" if progress.total else ""
        what = "".join(c for c in progress.what if c.isprintable())[:60]
        print(f"\r\033[K{progress.step} {progress.done}{of} {what}", end="", file=sys.stderr, flush=True)


def _print(result: BuildResult, left_out: Sequence[NotBuilt], form: str) -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if form == "json":
        print(json.dumps([finding.as_dict() for finding in result.diagnostics], indent=2))
        return
    for finding in result.diagnostics:
        print("\n".join(_text(finding)))
    for missing in (*left_out, *result.not_built):
        print(f"{missing.path}: {missing.reason}")
    count = len(result.objects)
    words = [f"{result.state.value}: {count} object{'' if count == 1 else 's'} built"]
    if result.failed:
        words.append(f", {len(result.failed)} failed: {' '.join(result.failed)}")
    words.append(f" in {result.seconds:.1f} s with {result.compiler}. {result.reason}")
    print("".join(words).rstrip())


def _text(finding: Finding) -> list[str]:
    place = finding.location
    inside = f" in {place.function}()" if place.function else ""
    found = [f"{place.file}:{place.line}: {finding.severity.value}: {finding.message} [{finding.rule}]{inside}"]
    if place.text:
        found.append(f"    {place.text}")
    found += [f"    {step.file}:{step.line}: {step.text}" for step in finding.evidence]
    return found


if __name__ == "__main__":
    sys.exit(main())
