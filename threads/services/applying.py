"""Series on kernel trees: the base is chosen, every try kept, and the runs of what came of it planned."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction

from reviewbot.errors import OperatorError
from reviewbot.mail.diff import find_diff, parse_diff
from reviewbot.reports.facts import State
from reviewbot.tree import base, model
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.remotes import fetch_commit
from reviewbot.tree.store import Store
from threads import conversion, models
from threads.lanes import BUILD, runs_of, scope_of, touched
from threads.services import building, checking, conflicts, pipeline, prerequisites
from threads.services.queue import claim, release
from threads.services.runs import take_up_again
from threads.services.trees import require_any


def apply(series_id: int) -> None:
    """Apply a series to the tree it belongs on, keep every try, and plan the runs of what came of it.

    :raises OperatorError: when there is no tree to apply it to.
    """
    rows = models.Series.objects.filter(pk=series_id)
    if rows.filter(applications__chosen=True).exists() or not claim(rows):
        return
    rows.update(state=State.RUNNING)
    row = rows.select_related("author", "cover__author", "previous").prefetch_related("patches__message__author").get()
    try:
        application = _try_trees(row)
        overlaps = conflicts.find(row, application)
        with transaction.atomic():
            chosen = _keep(row, application)
            conflicts.keep(overlaps)
            if chosen.applies:
                _plan(row, chosen)
            release(rows)
            pipeline.advance(row)
    except BaseException:
        release(rows)
        raise


def _candidates(row: models.Series) -> list[models.Tree]:
    """Return the trees to try: those that were asked for, else those of its lists first, then the rest."""
    asked = row.options.get("trees")
    if asked:
        by_name = {tree.name: tree for tree in models.Tree.objects.filter(name__in=asked)}
        return [by_name[name] for name in asked if name in by_name]
    lists = set(row.lists.values_list("name", flat=True))
    return sorted(models.Tree.objects.all(), key=lambda tree: (not lists & set(tree.lists), tree.position, tree.name))


def _try_trees(row: models.Series) -> model.Application:
    """Try the series on the trees it may have been made for, the likeliest first."""
    trees = _candidates(row)
    if not trees:
        require_any()
        raise OperatorError("None of the trees that were asked for is registered; see manage.py tree list.")
    store = Store(settings.STORE)
    addresses = dict(models.MailingList.objects.values_list("name", "address"))
    candidates = [
        base.Candidate(
            store.resolve(tree.name),
            words=tuple(tree.words),
            lists=tuple(addresses.get(name, name) for name in tree.lists),
            follows=tree.branch,
            stale=tree.stale,
        )
        for tree in trees
    ]
    ground = prerequisites.find(row)
    told = [*_seek_base(store, row, trees), *ground.told]
    return base.choose(store, conversion.series(row), candidates, prerequisites=ground.patches, told=told)


def _seek_base(store: Store, row: models.Series, trees: Iterable[models.Tree]) -> list[str]:
    """Ask the repositories of the trees for a base-commit that is not here; say what they answered."""
    if not row.base_commit or not settings.FETCH_BASES or store.has_commit(row.base_commit):
        return []
    return list(fetch_commit(store, row.base_commit, [tree.name for tree in trees]))


def _keep(row: models.Series, application: model.Application) -> models.Application:
    """Keep every try as a row; the one that counts has its commits, the base's as number 0."""
    store = Store(settings.STORE)
    chosen = None
    for position, attempt in enumerate(application.attempts):
        counts = attempt is application.chosen
        kept, _ = models.Application.objects.update_or_create(
            series=row,
            base_commit=attempt.base.commit,
            defaults={
                "tree": models.Tree.objects.filter(name=attempt.base.tree).first(),
                "tree_name": attempt.base.tree,
                "describe": attempt.base.describe,
                "how": attempt.base.how,
                "position": position,
                "applies": attempt.applies,
                "chosen": counts,
                "reject": conversion.as_json(attempt.reject) if attempt.reject else None,
                "trace": [*application.trace, *_before(row, attempt), *_unseen(row, attempt)] if counts else [],
            },
        )
        kept.commits.all().delete()
        start = models.AppliedPatch(
            application=kept,
            number=0,
            commit=attempt.base.commit,
            tree_id=str(store.commit(attempt.base.commit).tree_id),
        )
        patches = [
            models.AppliedPatch(
                application=kept, number=one.number, commit=one.commit, tree_id=one.tree, method=one.method
            )
            for one in attempt.patches
        ]
        models.AppliedPatch.objects.bulk_create([start, *patches])
        if counts:
            chosen = kept
    if chosen is None:
        raise OperatorError("No base was tried for the series.")
    return chosen


def _before(row: models.Series, attempt: model.Attempt) -> list[str]:
    """Say of a version that does not apply where the one before does."""
    earlier = models.Application.objects.filter(series=row.previous_id, chosen=True, applies=True).first()
    if attempt.applies or row.previous is None or earlier is None:
        return []
    return [f"The version before, v{row.previous.version}, applies to {earlier.describe or earlier.tree_name}."]


def _unseen(row: models.Series, attempt: model.Attempt) -> list[str]:
    """Say what git has changed beyond what the mails show: what a reader sees may not be all that was applied.

    git reads a mail for itself, attachments too, and without the limits of the pages.
    """
    shown = {one.number: _paths_shown(one.message.body) for one in row.patches.all()}
    before, told = attempt.base.commit, []
    for one in attempt.patches:
        changed = GitFiles(settings.STORE, before).changed(GitFiles(settings.STORE, one.commit))
        hidden = sorted(set(changed) - shown.get(one.number, set()))
        told.append(conversion.storable(model.unseen(one.number, hidden)))
        before = one.commit
    return list(filter(None, told))


def _paths_shown(body: str) -> set[str]:
    start = find_diff(body)
    diff = parse_diff(body[start:]) if start >= 0 else None
    return {path for file in diff.files for path in (file.old_path, file.new_path) if path} if diff else set()


def _plan(row: models.Series, application: models.Application) -> None:
    """Make the rows of the runs that are to come: every check and every build of every state."""
    commits = list(application.commits.all())
    for check in checking.chosen(row.options.get("checks") or ()):
        _plan_lane(row, commits, check_name=check.name, version=checking.version_of(check))
    if not settings.BUILD_ENABLED or row.options.get("build") is False:
        return
    plan = building.plan_of(row, commits[0].commit, commits[-1].commit)
    for planned in plan.builds:
        version = building.version_of(planned)
        _plan_lane(row, commits, check_name=BUILD, configuration=planned.configuration.name, version=version)
    if not plan.builds:
        _plan_lane(row, commits, check_name=BUILD, version="-", state=State.SKIPPED,
                   reason="Nothing that is compiled for arm64 is touched.")  # fmt: skip
    take_up_again(runs_of(row))
    row.refresh_from_db(fields=["options"])  # a newer version may have come meanwhile
    building.leave_to_newer(row)


def _plan_lane(
    row: models.Series,
    commits: Iterable[models.AppliedPatch],
    *,
    check_name: str,
    version: str,
    configuration: str = "",
    **defaults: str,
) -> None:
    scope, paths = scope_of(row), touched(row)
    for commit in commits:
        models.Run.objects.get_or_create(
            tree_id=commit.tree_id,
            check_name=check_name,
            configuration=configuration,
            version=version,
            scope=scope,
            defaults={"commit": commit.commit, "scope_paths": paths, **defaults},
        )
