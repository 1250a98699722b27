"""A build once more: as lines for another machine, or here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from reviewbot.builds import Configuration, Kind, reproduce, toolchains
from reviewbot.errors import NotFoundError
from reviewbot.findings import compare
from threads import conversion, models
from threads.lanes import BUILD
from threads.services.building import builder_of, sources


@dataclass(frozen=True, slots=True)
class Again:
    """What came of a build that was done once more.

    :ivar state: as the compiler leaves it now.
    :ivar differences: what it says now and did not say then, or the other way round; empty when it is the same.
    """

    state: str
    differences: tuple[str, ...]


def find(pk: int) -> models.Run:
    """Return a build.

    :raises NotFoundError: when there is none of that number, or it did not come to an end.
    """
    run = models.Run.objects.filter(pk=pk, check_name=BUILD).first()
    if run is None or "recipe" not in run.coverage:
        raise NotFoundError(f"There is no build {pk} that came to an end; the number is that of the page /runs/{pk}/.")
    return run


def lines(run: models.Run) -> tuple[str, ...]:
    """Return shell lines that do a build again in any kernel repository; they need nothing of this service."""
    recipe = run.coverage["recipe"]
    made = _made(run)
    application = made.application
    tree = application.tree
    # A tree that was taken from a directory or an archive has a commit that no other repository has.
    elsewhere = tree is None or tree.followed
    found = reproduce.lines(
        toolchains.find(recipe["arch"], recipe["compiler"]),
        _configuration(run, recipe),
        recipe["objects"],
        fetch=[word for word in (tree.source, tree.branch) if word] if tree and "://" in tree.source else (),
        message_id=application.series.root_msgid if made.number else "",
        version=application.series.version,
        patches=made.number if made.number < application.series.expected else 0,
        base=application.base_commit if elsewhere else "",
    )
    return (f"# in a git repository of {application.describe or application.tree_name}", *found)


def again(run: models.Run) -> Again:
    """Build once more here, and compare what the compiler says with what it said then.

    :raises OperatorError: no compiler, no sandbox, a full disk.
    """
    recipe = run.coverage["recipe"]
    configuration = _configuration(run, recipe)
    base = _made(run).application.commits.get(number=0)
    with sources() as (pool, slot):
        source = pool.checkout(base.commit, slot, fresh=False)
        with builder_of(configuration).session(source, base.tree_id, configuration, recipe["objects"]) as session:
            result = session.base
            if run.tree_id != base.tree_id:
                result = session.build(recipe["objects"], pool.checkout(run.commit, slot), reconfigure=True)
    then = [conversion.finding(row) for row in run.findings.all()]
    change = compare(then, result.diagnostics)
    new = [f"now: {one.location.file}: {one.message}" for one in change.new]
    gone = [f"then: {one.location.file}: {one.message}" for one in change.fixed]
    return Again(result.state.value, (*new, *gone))


def _made(run: models.Run) -> models.AppliedPatch:
    made = models.AppliedPatch.objects.filter(tree_id=run.tree_id, application__chosen=True)
    found = made.select_related("application__series", "application__tree").order_by("number").first()
    if found is None:
        raise NotFoundError(f"The series that build {run.pk} was for is gone; only its log is kept.")
    return found


def _configuration(run: models.Run, recipe: dict[str, Any]) -> Configuration:
    return Configuration(
        run.configuration,
        recipe["arch"],
        recipe["target"],
        tuple(recipe["fragment"]),
        recipe["title"],
        recipe["compiler"],
        Kind(recipe["kind"]),
    )
