"""Cross-building every patch of a series, and its base."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet, Subquery

from reviewbot.builds import includers, objects, planning, reproduce, toolchains
from reviewbot.builds.builder import Builder
from reviewbot.builds.model import BuildResult, Configuration, Kind, Plan, PlannedBuild, Progress
from reviewbot.errors import OperatorError, TransientError
from reviewbot.reports.facts import State
from reviewbot.reports.sentences import counted
from reviewbot.sandbox import GIB
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.worktrees import Pool
from threads import models
from threads.lanes import BUILD, runs_of, touched
from threads.selectors.versions import newer_by_its_author
from threads.services import pipeline
from threads.services.queue import UNSETTLED, claim, release
from threads.services.runs import give_up, note, settle, supersede

_SLOTS = 8
_NOTE_SECONDS = 2.0
_MAX_IDENTIFIERS = 20


def build(series_id: int, configuration: str) -> None:
    """Build the base and each patch of a series in one configuration, and keep what the compiler says.

    :raises OperatorError: no compiler, no sandbox, a full disk.
    :raises TransientError: every source directory is in use.
    """
    series = models.Series.objects.get(pk=series_id)
    runs = runs_of(series).filter(check_name=BUILD, configuration=configuration)
    claimed = claim(runs)
    if claimed:
        try:
            _build(series, configuration, claimed)
        finally:
            release(models.Run.objects.filter(pk__in=claimed))
    pipeline.advance_sharers(series)


def plan_of(series: models.Series, base: str, commit: str) -> Plan:
    """Choose what to build for a series, from the state after its last patch.

    What git made of the patches counts as well as what their mails show: of a long mail not all is shown.
    """
    last = GitFiles(settings.STORE, commit)
    paths = {*touched(series), *GitFiles(settings.STORE, base).changed(last)}
    asked = {*(series.options.get("checks") or ()), *settings.MORE_CHECKS}
    return planning.plan_everywhere(
        sorted(paths),
        last,
        identifiers=_identifiers(series),
        thorough=settings.BUILD_THOROUGH,
        more=[kind for kind in ON_REQUEST if kind in asked],
    )


def _identifiers(series: models.Series) -> Collection[str]:
    """Return names that the patches add to headers or remove there."""
    found: set[str] = set()
    for patch in series.patches.select_related("message"):
        if any(path.endswith(".h") for path in patch.files):
            found |= includers.identifiers(patch.message.body.encode("utf-8", "replace"))
    return sorted(found, key=lambda name: (-len(name), name))[:_MAX_IDENTIFIERS]


def cancel(series: models.Series, reason: str) -> int:
    """Skip the builds of a series that are not done, but for those that another series waits for.

    What runs is stopped within seconds.

    :param reason: one sentence for the report.
    :return: how many states are not built.
    """
    waiting = models.AppliedPatch.objects.filter(
        application__chosen=True, application__series__wanted=True, application__series__state__in=UNSETTLED
    ).exclude(application__series=series)
    mine = runs_of(series).filter(check_name=BUILD).exclude(tree_id__in=waiting.values("tree_id"))
    count = give_up(mine, reason)
    if count:
        pipeline.advance_sharers(series)
    return count


def cancel_older(series: models.Series) -> int:
    """Skip what is still to be built of versions whose author posted a newer one; return how many states that is.

    One that is not applied yet is not built when it is.
    """
    count = 0
    newest = newer_by_its_author().order_by("-version").values("version")[:1]
    versions = models.Series.objects.filter(topic=series.topic_id, state__in=UNSETTLED)
    for older in versions.annotate(overtaken=Subquery(newest)).exclude(overtaken=None).order_by("-version"):
        older.options = {**older.options, pipeline.OVERTAKEN: older.overtaken}
        older.save(update_fields=["options"])
        count += leave_to_newer(older)
    return count


def leave_to_newer(series: models.Series) -> int:
    """Skip what is to be built of a series that a newer version has overtaken; return how many states that is."""
    version = series.options.get(pipeline.OVERTAKEN)
    return cancel(series, f"Skipped because v{version} was posted.") if version else 0


def builder_of(configuration: Configuration) -> Builder:
    """Return what builds in a configuration.

    :raises OperatorError: when its compiler is not installed.
    """
    return Builder(
        settings.BUILDS / "outputs",
        toolchains.find(configuration.arch, configuration.compiler),
        budget_bytes=settings.BUILD_DISK_GB * GIB,
        shared=Path(settings.BUILD_CCACHE) if settings.BUILD_CCACHE and toolchains.has_ccache() else None,
    )


def _build(series: models.Series, configuration: str, claimed: list[int]) -> None:
    commits = list(models.AppliedPatch.objects.filter(application__series=series, application__chosen=True))
    plan = plan_of(series, commits[0].commit, commits[-1].commit)
    planned = next((one for one in plan.builds if one.configuration.name == configuration), None)
    supersede(runs_of(series).filter(check_name=BUILD, configuration=configuration), version_of(planned))
    if planned is None:
        return
    recipe = _Recipe(runs_of(series), planned, plan, claimed)
    before_us = recipe.built_before(commits[0])
    builder = builder_of(planned.configuration)
    with sources() as (pool, slot):
        report = _Report(claimed, recipe.run(commits[0]))
        report.say("unpacking the base")
        source = pool.checkout(commits[0].commit, slot, fresh=False)
        with builder.session(
            source,
            commits[0].tree_id,
            planned.configuration,
            before_us or planned.objects,
            spare=() if before_us else planned.spare,
            touched=() if before_us else touched(series),
            report=report.progress,
            cancelled=report.cancelled,
        ) as session:
            recipe.objects = session.objects
            recipe.keep(commits[0], session.base)
            before = session.code(session.objects)
            for commit in commits[1:]:
                if report.cancelled():
                    return
                report.run = recipe.run(commit)
                report.say("moving the source")
                source = pool.checkout(commit.commit, slot)
                result = session.build(session.objects, source, reconfigure=bool(plan.labels))
                changes = objects.compare(before, session.code(session.objects))
                unaffected = session.unaffected(result.objects, touched(series))
                recipe.keep(commit, result, objects.sentence(changes, planned.configuration.arch), _blind(unaffected))


class _Recipe:
    """What is built, and the rows that it goes to."""

    def __init__(self, runs: QuerySet[models.Run], planned: PlannedBuild, plan: Plan, claimed: list[int]) -> None:
        self.planned = planned
        self.plan = plan
        self.claimed = claimed
        self.objects = planned.objects
        mine = runs.filter(check_name=BUILD, configuration=planned.configuration.name, version=version_of(planned))
        self.runs = {run.tree_id: run for run in mine}

    def run(self, commit: models.AppliedPatch) -> models.Run:
        """Return the row of a state."""
        return self.runs[commit.tree_id]

    def built_before(self, base: models.AppliedPatch) -> tuple[str, ...]:
        """Return the objects whose base is known already, from another series: only the same can be compared."""
        return tuple(self.run(base).coverage.get("recipe", {}).get("objects", ()))

    def keep(self, commit: models.AppliedPatch, result: BuildResult, *facts: str) -> None:
        """Settle the run of a state with what came of it, unless somebody else has it or it was cancelled.

        :param facts: sentences on what was built.
        """
        run = models.Run.objects.filter(pk=self.run(commit).pk, pk__in=self.claimed, state__in=UNSETTLED)
        if not run.exists():
            return
        configuration = self.planned.configuration
        toolchain = toolchains.find(configuration.arch, configuration.compiler)
        lines = reproduce.lines(toolchain, configuration, self.objects)
        settle(
            self.run(commit),
            State(result.state) if result.state in _KEPT else State.BROKEN,
            result.diagnostics,
            log=result.log,
            seconds=result.seconds,
            command=" && ".join(line for line in lines if not line.startswith("#")),
            reason=result.reason if result.state not in _SAID_BY_COMPILER else "",
            summary=_summary(result),
            coverage={
                "looked_at": [*self._looked_at(result), *filter(None, facts)],
                "not_looked_at": self._left_out(result),
                "recipe": {
                    "arch": configuration.arch,
                    "compiler": configuration.compiler,
                    "kind": configuration.kind,
                    "target": configuration.target,
                    "fragment": list(configuration.fragment),
                    "title": configuration.title,
                    "with": toolchain.name,
                    "objects": list(self.objects),
                },
            },
        )

    def _looked_at(self, result: BuildResult) -> list[str]:
        if not result.objects:
            return []
        title = self.planned.configuration.title or self.planned.configuration.name
        count = counted(len(result.objects), "object")
        verb = "Checked" if self.planned.configuration.kind is Kind.SYNTAX else "Built"
        return [f"{verb} {count} for {title} with {result.compiler}: {self.planned.why}."]

    def _left_out(self, result: BuildResult) -> list[str]:
        return [f"Not built: {one.path} ({one.reason})." for one in (*result.not_built, *self.plan.left_out)]


#: kinds of work that are asked for by name, as checks are
ON_REQUEST = (Kind.EXTRA_WARNINGS, Kind.SPARSE)
_KEPT = {"passed", "warned", "failed", "skipped"}
_SAID_BY_COMPILER = {"passed", "warned"}


def version_of(planned: PlannedBuild | None) -> str:
    """Name the recipe by digest: the configuration, the objects and the compiler that is here."""
    if planned is None:
        return "-"
    try:
        compiler = toolchains.find(planned.configuration.arch, planned.configuration.compiler).name
    except OperatorError:
        compiler = "none"
    words = "\0".join((planned.configuration.digest, compiler, *planned.objects, *planned.spare))
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def _blind(unaffected: list[str]) -> str:
    """Say which objects were chosen for a header that this configuration keeps from them; "" when there are none."""
    if not unaffected:
        return ""
    count = counted(len(unaffected), "object")
    shown = f"{', '.join(unaffected[:3])}{' …' if len(unaffected) > 3 else ''}"
    return f"{count} of them saw none of the touched files in this configuration: {shown}."


def _summary(result: BuildResult) -> str:
    if result.failed:
        return f"{len(result.failed)} of {len(result.failed) + len(result.objects)} objects fail"
    return f"built {counted(len(result.objects), 'object')}"


class _Report:
    """Says on the row how far a build is, not more often than somebody can read it."""

    def __init__(self, claimed: list[int], run: models.Run) -> None:
        self.claimed = claimed
        self.run = run
        self._next = 0.0

    def progress(self, progress: Progress) -> None:
        """Take up a progress of the builder."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _NOTE_SECONDS
        count = f" {progress.done} of {progress.total}" if progress.total else ""
        left = f", about {progress.left:.0f} s left" if progress.left else ""
        self.say(f"{progress.step}{count} {progress.what}{left}".strip())

    def cancelled(self) -> bool:
        """Say whether nothing of it is waited for any more."""
        return not models.Run.objects.filter(pk__in=self.claimed, state__in=UNSETTLED).exists()

    def say(self, what: str) -> None:
        """Write what is being done."""
        note(self.run, what, self.claimed)


@contextmanager
def sources() -> Iterator[tuple[Pool, str]]:
    """Lend a source directory that nobody else uses."""
    with Pool(settings.BUILDS / "sources", settings.STORE) as pool:
        for number in range(_SLOTS):
            slot = f"slot-{number}"
            try:
                pool.take(slot)
            except TransientError:
                continue
            yield pool, slot
            return
        raise TransientError(f"All {_SLOTS} source directories are in use; the build is tried again later.")
