"""One output directory: configured, prepared, and filled with objects."""

from __future__ import annotations

import hashlib
import posixpath
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from reviewbot import sandbox
from reviewbot.builds import diagnostics, kbuild, makefiles
from reviewbot.builds.diagnostics import Said
from reviewbot.builds.kbuild import Kbuild
from reviewbot.builds.model import BuildResult, Configuration, Kind, NotBuilt, Progress, State
from reviewbot.builds.record import ObjectRecord, Record, once
from reviewbot.builds.source import Source
from reviewbot.findings import Finding, Location, Severity
from reviewbot.sandbox import MIB, Outcome, Result

Report = Callable[[Progress], None]
Cancelled = Callable[[], bool]

_WANTS_INPUT = b"Console input/output is redirected"
_NOT_CLEAN = b"The source tree is not clean"
_MAX_SOURCE = 4 * MIB


def quiet(_: Progress) -> None:
    """Report progress to nobody."""


@dataclass(slots=True)
class Output:
    """An output directory in the hands of one user."""

    kbuild: Kbuild
    configuration: Configuration
    record: Record = field(default_factory=Record)
    report: Report = quiet
    cancelled: Cancelled | None = None
    #: how many targets ``make prepare`` has made elsewhere in this configuration, and now here
    to_prepare: int = 0

    def prepare(self) -> BuildResult:
        """Configure and run ``make prepare``; the result passes when objects can be built now."""
        started = time.monotonic()
        self.report(Progress("configure", 0, 0, self.configuration.target))
        result, self.record.refused = self.kbuild.configure(self.configuration, cancelled=self.cancelled)
        said = self._parse(result)
        # What is said of .config itself is about the fragment that was put over it, not about the tree.
        config = (finding for found in said.by_object.values() for finding in found)
        self.record.config = once(finding for finding in config if finding.location.file != ".config")
        log = result.output
        if result.ok and not self.record.refused:
            made: list[str] = []
            begun = time.monotonic()

            def count(target: str) -> None:
                made.append(target)
                total = max(self.to_prepare, len(made)) if self.to_prepare else 0
                self.report(Progress.after(time.monotonic() - begun, "prepare", len(made), total, target))

            result = self.kbuild.make(["prepare"], on_line=kbuild.made_lines(count), cancelled=self.cancelled)
            said = self._parse(result)
            self._remember(result, said, [name for name in said.made if name.endswith(".o")])
            log += result.output
            self.to_prepare = len(made)
        self.record.prepared = result.ok and not self.record.refused
        return self._result(result, said, [], ["prepare"], log, started)

    def build(self, objects: Sequence[str], *, reconfigure: bool = False) -> BuildResult:
        """Build objects, whatever of them is not up to date.

        :param objects: paths of objects relative to the tree, the nearest to the change first.
        :param reconfigure: make the ``.config`` anew, because the tree's Kconfig files have changed.
        """
        started = time.monotonic()
        if reconfigure or not self.record.prepared:
            prepared = self.prepare()
            if prepared.state not in (State.PASSED, State.WARNED):
                return replace(prepared, failed=tuple(objects) if prepared.state is State.FAILED else ())
        wanted = self._leave_out(objects)
        # What the compiler said of these is not known: a run that was stopped has left them, or another target's rule.
        self.kbuild.forget([name for name in wanted if name not in self.record.objects and self._exists(name)])
        result = self._make(wanted)
        if _WANTS_INPUT in result.output and not reconfigure:
            return self.build(objects, reconfigure=True)
        said = self._parse(result)
        self._remember(result, said, wanted)
        return self._result(result, said, objects, objects, result.output, started)

    def recall(self, objects: Sequence[str]) -> BuildResult | None:
        """Return what :meth:`build` would, without running make, or None when an object was never tried."""
        if not self.record.prepared or not all(name in self.record.objects for name in objects):
            return None
        passed = Result(Outcome.EXITED, 0, b"", truncated=False, seconds=0.0)
        return self._result(passed, Said(), objects, objects, b"", time.monotonic())

    def _leave_out(self, objects: Sequence[str]) -> list[str]:
        """Record what the configuration leaves out, and return the rest; make builds whatever it is told to."""
        config = self.kbuild.config()
        wanted = []
        for name in objects:
            reason = makefiles.why_not(name, self._read, config)
            if reason:
                self.record.objects[name] = ObjectRecord(False, left_out=reason)
            else:
                wanted.append(name)
        return wanted

    def _make(self, objects: Sequence[str]) -> Result:
        wanted = set(objects)
        done: set[str] = set()
        begun = time.monotonic()

        def count(target: str) -> None:
            if target in wanted:
                done.add(target)
                self.report(Progress.after(time.monotonic() - begun, "compile", len(done), len(wanted), target))

        if not objects:
            return Result(Outcome.EXITED, 0, b"", truncated=False, seconds=0.0)
        self.report(Progress("compile", 0, len(wanted)))
        return self.kbuild.make(
            objects,
            syntax=self.configuration.kind is Kind.SYNTAX,
            on_line=kbuild.made_lines(count),
            cancelled=self.cancelled,
        )

    def _parse(self, result: Result) -> Said:
        compiler, place = self.kbuild.toolchain.compiler, Source(self.kbuild.source).place
        said = diagnostics.parse(result.output, compiler=compiler, relative=self.kbuild.relative, place=place)
        if self.configuration.kind is Kind.SPARSE:
            # What the compiler says is told by the build proper.
            for findings in said.by_object.values():
                findings[:] = [f for f in findings if f.rule.startswith("sparse.") or f.severity is Severity.ERROR]
        return said

    def _remember(self, result: Result, said: Said, objects: Sequence[str]) -> None:
        """Record what became of each object; of those that make did not get to, nothing is known."""
        if result.outcome is not Outcome.EXITED:
            for name in objects:
                self.record.objects.pop(name, None)
            return
        made, failed, no_rule = set(said.made), set(said.failed), set(said.no_rule)
        # A failure that is of no object and of no folder on the way to one is of something that all of them need.
        ways = {str(parent) for name in objects for parent in _folders(name)}
        common = bool(failed - set(objects) - ways)
        reached = result.ok or (not common and bool(failed & set(objects) or no_rule & set(objects)))
        for name in objects:
            known = self.record.objects.get(name)
            said_before = known.said if known else ()
            if name in no_rule:
                self.record.objects[name] = ObjectRecord(False, left_out="no Makefile names it")
            elif name in made or name in failed:
                self.record.objects[name] = self._made(name, name in failed, said, known)
            elif not reached:
                self.record.objects[name] = ObjectRecord(False, said_before)
            elif known is None or not known.built:
                self.record.objects[name] = ObjectRecord(self._exists(name), said_before)

    def _made(self, name: str, failed: bool, said: Said, known: ObjectRecord | None) -> ObjectRecord:
        """Say what came of an object that was tried; what was never an object of its own cannot fail as one."""
        found = tuple(diagnostics.fold(said.by_object.get(name, [])))
        if not failed and self._exists(name):
            return ObjectRecord(True, found)
        if not (known and known.built) and not makefiles.mentioned(name, self._read):
            return ObjectRecord(False, left_out="no Makefile names it, and it does not compile by itself")
        return ObjectRecord(False, found or (self._unexplained(name),))

    def _read(self, path: str) -> bytes | None:
        return sandbox.read(self.kbuild.source, path, limit=_MAX_SOURCE)

    def _unexplained(self, name: str) -> Finding:
        stem = posixpath.splitext(name)[0]
        source = next((stem + suffix for suffix in (".c", ".S") if self._read(stem + suffix) is not None), name)
        message = f"make could not build {name}; the log says more."
        return Finding("kbuild.error", Severity.ERROR, Location(source, 0), message)

    def _exists(self, name: str) -> bool:
        return sandbox.read(self.kbuild.output, name, limit=1) is not None

    def _result(
        self,
        result: Result,
        said: Said,
        objects: Sequence[str],
        targets: Sequence[str],
        log: bytes,
        started: float,
    ) -> BuildResult:
        records = {name: self.record.objects[name] for name in objects if name in self.record.objects}
        failed = tuple(name for name, one in records.items() if not one.built and not one.left_out)
        where = f"built in {self.configuration.name}"
        left_out = tuple(
            NotBuilt(name, f"not {where}: {one.left_out}") for name, one in records.items() if one.left_out
        )
        found = self.record.said(objects)
        if not result.ok:
            # what stopped make before it came to the objects, e.g. arch/arm64/kernel/asm-offsets.s
            others = [f for name in said.failed if name not in objects for f in said.by_object.get(name, ())]
            found = once([*found, *diagnostics.fold(others)])
        state, reason = self._state(result, failed, left_out, found, objects)
        return BuildResult(
            state=state,
            reason=reason,
            diagnostics=found,
            objects=tuple(name for name, one in records.items() if one.built),
            compiled=tuple(name for name in objects if name in said.made),
            failed=failed,
            not_built=left_out,
            log=log,
            seconds=time.monotonic() - started,
            command=self.kbuild.command(targets),
            compiler=self.kbuild.toolchain.name,
            configuration=self.configuration.name,
            config_digest=self._config_digest(),
        )

    def _state(
        self,
        result: Result,
        failed: Sequence[str],
        left_out: Sequence[NotBuilt],
        found: Sequence[Finding],
        objects: Sequence[str],
    ) -> tuple[State, str]:
        if result.outcome is Outcome.CANCELLED:
            return State.CANCELLED, result.reason
        if result.outcome is not Outcome.EXITED:
            return State.BROKEN, result.reason
        if _NOT_CLEAN in result.output:
            return State.BROKEN, "The source tree was built in before; run 'make mrproper' there, or use a clean copy."
        if self.record.refused:
            return State.SKIPPED, f"The tree does not take {', '.join(self.record.refused)}."
        if failed or (not result.ok and not objects):
            return State.FAILED, "" if any(f.severity is Severity.ERROR for f in found) else _last_words(result)
        if objects and len(left_out) == len(objects):
            return State.SKIPPED, f"None of it is {left_out[0].reason.removeprefix('not ')}."
        return (State.WARNED if found else State.PASSED), ""

    def _config_digest(self) -> str:
        text = sandbox.read(self.kbuild.output, ".config") or b""
        return hashlib.sha256(text).hexdigest()[:16]


def _folders(name: str) -> Iterable[str]:
    yield from (".", "__sub-make", "sub-make", "__build", "_all", "all")
    yield from map(str, PurePosixPath(name).parents)


def _last_words(result: Result) -> str:
    """Quote what was said before make gave up, or make itself."""
    lines = [line for line in result.output.decode("utf-8", "replace").splitlines() if line.strip()]
    for number, line in enumerate(lines):
        if line.startswith("make") and "***" in line:
            before = lines[number - 1] if number else ""
            words = line if not before or before.startswith("  ") else before
            return f"make stopped: {''.join(c for c in words if c.isprintable())[:300]}"
    return "make stopped without saying why."
