"""Building the objects of a base once, and those of each patch on a copy of its output.

A base's output directory is kept by tree, configuration and compiler. Nothing
of a patch is ever built in it: a patch may change the Makefiles, so what it builds is
built in a copy that is thrown away, and cannot reach the next series. The copy keeps all
time stamps, so only what a patch changes is compiled.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reviewbot import sandbox
from reviewbot.builds import includers, kbuild, toolchains
from reviewbot.builds.kbuild import Kbuild
from reviewbot.builds.model import BuildResult, Configuration, Kind, Progress, State, Toolchain
from reviewbot.builds.objects import Summary, summarise
from reviewbot.builds.output import Cancelled, Output, Report, quiet
from reviewbot.builds.record import Record
from reviewbot.errors import OperatorError, TransientError
from reviewbot.sandbox import GIB, MIB, Limits, watch

_LOCK_SECONDS = 0.2
_MAX_OBJECT = 64 * MIB
_BUDGET = 20 * GIB


@dataclass(slots=True)
class Session:
    """The builds of one series in one configuration: its base, then its patches, one after the other.

    :ivar base: what the base says of the objects.
    :ivar objects: those that were asked for, or better ones (see :meth:`Builder.session`).
    """

    base: BuildResult
    output: Output
    objects: tuple[str, ...]

    def build(self, objects: Sequence[str], source: Path, *, reconfigure: bool = False) -> BuildResult:
        """Build objects of a later state of the tree.

        :param objects: paths relative to the tree; those that the session was opened with, or others.
        :param source: directory that holds the state. What differs from the state that was built
            before must have newer time stamps, as :class:`reviewbot.tree.worktrees.Pool` gives them.
        :param reconfigure: the Kconfig files or the default configuration differ.
        """
        if self.base.state in (State.BROKEN, State.CANCELLED, State.SKIPPED) and not self.output.record.prepared:
            return replace(self.base, objects=(), compiled=(), failed=(), diagnostics=())
        self.output.kbuild = replace(self.output.kbuild, source=source)
        return self.output.build(objects, reconfigure=reconfigure)

    def unaffected(self, objects: Sequence[str], touched: Collection[str]) -> list[str]:
        """Return the objects that were compiled from none of the touched files, as kbuild has recorded it."""
        return includers.blind(self.output.kbuild, objects, touched)

    def code(self, objects: Sequence[str]) -> dict[str, Summary]:
        """Return the functions and data of objects as they are now, for :func:`reviewbot.builds.objects.compare`.

        What does not exist or cannot be read is left out, and where no code was made there is none.
        """
        if self.output.configuration.kind is Kind.SYNTAX:
            return {}
        found = {}
        for name in objects:
            data = sandbox.read(self.output.kbuild.output, name, limit=_MAX_OBJECT)
            if data:
                with contextlib.suppress(ValueError):
                    found[name] = summarise(data)
        return found


class Builder:
    """Builds with one compiler; the outputs of bases are kept in a cache folder.

    :param cache: folder for outputs; made when missing, shared between processes.
    :param toolchain: see :func:`reviewbot.builds.toolchains.find`.
    :param limits: of every single run of make.
    :param jobs: how many compilers run at a time; 0 for one on each processor.
    :param budget_bytes: what the outputs of bases may take together before the longest unused are deleted.
    :param shared: folder of ccache's results, which several machines may share; made when missing. Only :meth:`warm`
        fills it, for what it builds is nobody's patch; all others read it.
    """

    def __init__(
        self,
        cache: Path,
        toolchain: Toolchain,
        *,
        limits: Limits | None = None,
        jobs: int = 0,
        budget_bytes: int = _BUDGET,
        shared: Path | None = None,
    ) -> None:
        self.cache = cache
        self.toolchain = toolchain
        self.limits = limits or Limits()
        self.jobs = jobs
        self.budget_bytes = budget_bytes
        self.shared = shared

    @contextlib.contextmanager
    def session(
        self,
        source: Path,
        tree: str,
        configuration: Configuration,
        objects: Sequence[str],
        *,
        spare: Sequence[str] = (),
        touched: Collection[str] = (),
        report: Report = quiet,
        cancelled: Cancelled | None = None,
    ) -> Iterator[Session]:
        """Open the builds of a series: prepare its base, build the objects there, and copy the output.

        :param source: directory that holds the base; with ``Pool.checkout(…, fresh=False)``.
        :param tree: git tree id of the base; it names the output in the cache.
        :param objects: objects that will be asked for; more can be asked for later.
        :param spare: objects to take in the place of those that turn out to see none of the touched files.
        :param touched: what the series touches; when empty, the objects are taken as they are.
        :param report: called with the progress.
        :param cancelled: asked now and then; true stops the build.
        :raises reviewbot.errors.OperatorError: no sandbox, no room, a folder that is missing.
        """
        sandbox.require()
        toolchains.require(configuration.kind)
        home = self._home(tree, configuration)
        with self._scratch() as scratch:
            with self._locked(home.with_suffix(".lock"), cancelled):
                base = self._open(home, source, configuration)
                base.report, base.cancelled = report, cancelled
                self._begin(base, tree)
                result = self._build_base(base, home, objects)
                better = (
                    self._seeing(base, home, objects, spare, touched) if touched and base.record.prepared else objects
                )
                if better != objects:
                    result = self._build_base(base, home, better)
                report(Progress("copy", 0, 0))
                output = self._copy(base, scratch)
            yield Session(result, output, tuple(better))

    def warm(self, source: Path, tree: str, configuration: Configuration, objects: Sequence[str]) -> BuildResult:
        """Build objects of a base ahead; the parameters are those of :meth:`session`."""
        sandbox.require()
        home = self._home(tree, configuration)
        with self._locked(home.with_suffix(".lock"), None):
            base = self._open(home, source, configuration)
            base.kbuild = replace(base.kbuild, fills=base.kbuild.shared is not None)
            result = self._build_base(base, home, objects)
        self.prune()
        return result

    def build(
        self,
        source: Path,
        name: str,
        configuration: Configuration,
        objects: Sequence[str],
        *,
        report: Report = quiet,
        cancelled: Cancelled | None = None,
    ) -> BuildResult:
        """Build objects of a tree that its owner works in, in an output of its own that follows the time stamps.

        :param name: names the output in the cache; the same for the same directory.
        """
        sandbox.require()
        toolchains.require(configuration.kind)
        home = self._home(name, configuration)
        with self._locked(home.with_suffix(".lock"), cancelled):
            output = self._open(home, source, configuration)
            output.report, output.cancelled = report, cancelled
            return self._keep(output, home, objects)

    def prune(self, *, unused_since: float = 0.0) -> list[str]:
        """Delete outputs that nobody uses, the longest unused first, until they fit the budget; return their names.

        :param unused_since: seconds since 1970; what was last used before goes in any case.
        """
        homes = sorted(self.cache.glob("*/used"), key=lambda path: path.stat().st_mtime)
        old = {path.parent for path in homes if path.stat().st_mtime < unused_since}
        sizes = {path.parent: watch.folder_bytes(path.parent) or 0 for path in homes}
        total = sum(sizes.values())
        gone = []
        for home, size in sizes.items():
            if total <= self.budget_bytes and home not in old:
                break
            with contextlib.suppress(TransientError), self._locked(home.with_suffix(".lock"), lambda: True):
                sandbox.remove(home)
                gone.append(home.name)
                total -= size
        return gone

    def _home(self, tree: str, configuration: Configuration) -> Path:
        words = "\0".join((tree, configuration.digest, *kbuild.variables(self.toolchain), self.toolchain.version))
        return self.cache / f"{configuration.name}-{hashlib.sha256(words.encode()).hexdigest()[:24]}"

    def _open(self, home: Path, source: Path, configuration: Configuration) -> Output:
        """Return the base's output, empty unless the last user of it left it whole."""
        record = _record(home)
        if record is None:
            sandbox.remove(home)
            self.prune()
        (home / "output").mkdir(parents=True, exist_ok=True)
        home.chmod(0o755)
        (home / "used").touch()
        output = Output(self._kbuild(source, home / "output", configuration.kind), configuration, record or Record())
        with contextlib.suppress(OSError, ValueError):
            output.to_prepare = int(self._steps(configuration).read_text("ascii"))
        return output

    def _steps(self, configuration: Configuration) -> Path:
        """Return the note of how many steps it took last to prepare an output: another base takes about as many."""
        return self.cache / f"{configuration.plain.name}.steps"

    def _begin(self, output: Output, tree: str) -> None:
        """Give the empty output of another kind of work what the compiler was prepared with already."""
        if output.record.prepared or output.configuration.kind is Kind.COMPILE:
            return
        plain = self._home(tree, output.configuration.plain)
        with contextlib.suppress(TransientError), self._locked(plain.with_suffix(".lock"), lambda: True):
            known = _record(plain)
            if known and known.prepared and kbuild.copy(plain / "output", output.kbuild.output, self.limits).ok:
                output.record.prepared, output.record.config = True, known.config

    def _seeing(
        self, base: Output, home: Path, objects: Sequence[str], spare: Sequence[str], touched: Collection[str]
    ) -> Sequence[str]:
        """Replace objects that are recorded to see none of the touched files by others that do, if there are any.

        A file that no touched one reaches in the base is compiled from the same text after the patches.
        """
        blind = includers.blind(base.kbuild, objects, touched)
        if not blind:
            return objects
        known = base.record.objects
        others = [name for name in dict.fromkeys((*spare, *sorted(known))) if name not in objects]
        found = includers.seeing(base.kbuild, [name for name in others if name in known], touched)
        if len(found) < len(blind):
            more = [name for name in spare if name not in known][: len(blind)]
            self._build_base(base, home, more)
            found += includers.seeing(base.kbuild, more, touched)
        return [*(name for name in objects if name not in blind), *found[: len(blind)]] or objects

    def _build_base(self, base: Output, home: Path, objects: Sequence[str]) -> BuildResult:
        return base.recall(objects) or self._keep(base, home, objects)

    def _keep(self, base: Output, home: Path, objects: Sequence[str]) -> BuildResult:
        # Without its record the output is worthless: nobody knows what the compiler said of its objects.
        (home / "record.json").unlink(missing_ok=True)
        result = self._prepare_and_build(base, objects)
        if result.state in (State.BROKEN, State.CANCELLED):
            return result
        self._steps(base.configuration).write_text(str(base.to_prepare), "ascii")
        (home / "record.new").write_text(base.record.dump(), "utf-8")
        (home / "record.new").replace(home / "record.json")
        return result

    @staticmethod
    def _prepare_and_build(base: Output, objects: Sequence[str]) -> BuildResult:
        if not base.record.prepared:
            prepared = base.prepare()
            if not base.record.prepared:
                return prepared
        return base.build(objects)

    def _copy(self, base: Output, scratch: Path) -> Output:
        target = scratch / "output"
        target.mkdir()
        copied = kbuild.copy(base.kbuild.output, target, self.limits)
        if not copied.ok:
            raise OperatorError(
                f"The output of the base could not be copied to {target}"
                f" ({copied.reason or 'the disk may be full'}); the operator must see to it."
            )
        record = replace(base.record, objects=dict(base.record.objects))
        return replace(base, kbuild=replace(base.kbuild, output=target), record=record)

    def _kbuild(self, source: Path, output: Path, kind: Kind) -> Kbuild:
        if self.shared:
            self.shared.mkdir(parents=True, exist_ok=True)
        return Kbuild(source, output, self.toolchain, self.limits, self.jobs, kind, self.shared)

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        """Make a folder for one session, and remove those of sessions whose process has died."""
        folder = self.cache / "sessions"
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("*.lock"):
            with contextlib.suppress(TransientError), self._locked(old, lambda: True):
                sandbox.remove(old.with_suffix(""))
                old.unlink(missing_ok=True)
        mine = folder / uuid.uuid4().hex
        with self._locked(mine.with_suffix(".lock"), None):
            mine.mkdir()
            try:
                yield mine
            finally:
                sandbox.remove(mine)
                mine.with_suffix(".lock").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _locked(self, path: Path, cancelled: Cancelled | None) -> Iterator[None]:
        """Hold a lock that the kernel gives back when the process dies.

        :raises TransientError: when it is held by another and ``cancelled`` says to wait no longer.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + 2 * self.limits.wall_seconds
        with path.open("ab") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > deadline or (cancelled is not None and cancelled()):
                        raise TransientError(
                            f"The build output {path.stem} is in use; it is tried again later."
                        ) from error
                time.sleep(_LOCK_SECONDS)
            yield


def _record(home: Path) -> Record | None:
    """Read the record that the last user of an output has left, None when there is none."""
    try:
        return Record.load((home / "record.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
