"""From rows to the facts of a series: what its report, its page, its answer and its mail rest on."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from django.conf import settings
from django.db.models import QuerySet

from reviewbot.findings import Finding, Pair, Severity, Traced, compare, normalise, sort_key
from reviewbot.reports import facts
from reviewbot.reports.facts import Life, Reproduce, SeriesReport, State, Told, Verdict
from reviewbot.reports.keeping import unpack
from reviewbot.series.discussion import Discussion
from reviewbot.tree.model import NOT_SHOWN, Method
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.store import Store
from threads import conversion, models
from threads.lanes import BUILD, Lane, lanes_of
from threads.selectors import versions

_CODE_LINES = 3
_OF_THE_SERIES = (Life.NEW, Life.TRANSIENT)


def gather(series: models.Series) -> SeriesReport:
    """Put together everything that the rows say about a series."""
    application = series.applications.filter(chosen=True).select_related("tree").first()
    commits = list(application.commits.all()) if application else []
    # A base that other series rest on has runs; they say nothing about patches that do not apply to it.
    lanes = lanes_of(series, commits) if application and application.applies else []
    told = _told(series, lanes, commits)
    current, gone = _across_versions(series, [one for one in told if one.life in _OF_THE_SERIES])
    state, verdict, reason = _judge(series, application, lanes, current)
    patches = _patches(series, commits, application.trace if application else ())
    return SeriesReport(
        message_id=series.root_msgid,
        subject=series.subject,
        name=series.name,
        version=series.version,
        expected=series.expected,
        author=series.author.name,
        author_email=series.author.email,
        date=series.date,
        lists=tuple(series.lists.order_by("name").values_list("name", flat=True)),
        lore=settings.LINK_URL,
        state=state,
        verdict=verdict,
        reason=reason,
        patches=patches,
        missing=tuple(sorted({*range(1, series.expected + 1)} - {patch.number for patch in patches})),
        base=_base(application),
        failure=facts.Reject(**application.reject) if application and application.reject else None,
        cells=tuple(cell for lane in lanes for cell in lane.cells()),
        findings=tuple(sorted(current, key=lambda one: sort_key(one.finding))),
        fixed=tuple(one for one in told if one.life == Life.FIXED),
        preexisting=tuple(one for one in told if one.life == Life.PRE_EXISTING),
        gone=gone if verdict in (Verdict.CLEAN, Verdict.FINDINGS) else (),
        versions=_versions(series, verdict, sum(one.finding.severity != Severity.NOTE for one in current)),
        replies=_replies(series).count(),
        people=tuple(dict.fromkeys(_replies(series).values_list("author__name", flat=True))),
        looked_at=tuple(dict.fromkeys(line for lane in lanes for line in lane.looked_at())),
        not_looked_at=tuple(dict.fromkeys(line for lane in lanes for line in lane.not_looked_at())),
        reproduce=_reproduce(series, application, lanes),
    )


def _told(series: models.Series, lanes: Sequence[Lane], commits: Sequence[models.AppliedPatch]) -> list[Told]:
    """Say every finding that concerns the series, with its code and what the thread says about it."""
    discussion = _discussion(series)
    told: list[Told] = []
    for lane in lanes:
        # What a build in one configuration has said is not said again of another one.
        known = {one.finding.fingerprint for one in told if one.check == lane.check}
        for traced in lane.traced:
            if not lane.concerns(traced) or traced.finding.fingerprint in known:
                continue
            life = lane.life(traced)
            told.append(
                Told(
                    finding=traced.finding,
                    patch=traced.gone if life == Life.FIXED else traced.born,
                    life=life,
                    check=lane.check,
                    since=series.version,
                    gone_by=traced.gone if life == Life.TRANSIENT else 0,
                    inherited=life == Life.TRANSIENT and _inherited(traced, commits),
                    code=_code(traced, commits),
                    said=discussion.about(traced.finding) if life in _OF_THE_SERIES else (),
                )
            )
    return told


def _inherited(traced: Traced, commits: Sequence[models.AppliedPatch]) -> bool:
    """True when the patch that brings a finding leaves its line alone, and as many that read alike."""
    place = traced.finding.location
    text = normalise(place.text)
    before, after = (
        sum(normalise(line) == text for line in _lines(commits[state].commit, place.file))
        for state in (traced.born - 1, traced.born)
    )
    return 0 < after <= before


def _code(traced: Traced, commits: Sequence[models.AppliedPatch]) -> tuple[tuple[int, str], ...]:
    """Return the lines around a finding, from the last state that has it."""
    place = traced.finding.location
    commit = commits[traced.gone - 1 if traced.gone else -1]
    lines = _lines(commit.commit, place.file)
    if not lines or place.line < 1:
        return ()
    first = max(1, place.line - _CODE_LINES)
    return tuple(enumerate((conversion.storable(line) for line in lines[first - 1 : place.line + _CODE_LINES]), first))


def _lines(commit: str, path: str) -> list[str]:
    """Return the lines of a file in a state; none where it is not there."""
    content = GitFiles(settings.STORE, commit).read(path)
    return content.decode("utf-8", "replace").split("\n") if content is not None else []


def _discussion(series: models.Series) -> Discussion:
    rows = series.patches.select_related("message__author")
    patches = [conversion.patch(row) for row in rows]
    replies = [conversion.message(row) for row in _replies(series).select_related("author").order_by("date")]
    return Discussion(patches, replies, series.author.email)


def _replies(series: models.Series) -> QuerySet[models.Message]:
    return series.messages.filter(patches__isnull=True, cover_of__isnull=True).order_by("date")


def _across_versions(series: models.Series, told: list[Told]) -> tuple[list[Told], tuple[Told, ...]]:
    """Compare with the version before: since when each finding is there, and which are gone."""
    before = _report_before(series)
    if before is None:
        return told, ()
    old = {id(one.finding): one for one in before.findings}
    change = compare([one.finding for one in before.findings], [one.finding for one in told])
    back = _came_back(series, before, change.new)
    matched: dict[int, tuple[Pair, bool]] = {
        id(pair.after): (pair, pair in change.moved) for pair in (*change.still, *change.moved)
    }
    current = []
    for one in told:
        if id(one.finding) not in matched:
            current.append(replace(one, back=back.get(id(one.finding), 0)))
            continue
        pair, moved = matched[id(one.finding)]
        earlier = old[id(pair.before)]
        said = tuple(dict.fromkeys((*earlier.said, *one.said)))
        current.append(replace(one, since=earlier.since, moved=moved, said=said))
    return current, tuple(old[id(finding)] for finding in change.fixed)


def _came_back(series: models.Series, before: SeriesReport, new: Iterable[Finding]) -> dict[int, int]:
    """Return which new findings a version before the last one had: its number, by the identity of the finding."""
    back: dict[int, int] = {}
    for _, older in _looked_at_before(series):
        left = [finding for finding in new if id(finding) not in back]
        if left and older.version < before.version:
            change = compare([one.finding for one in older.findings], left)
            back |= {id(pair.after): older.version for pair in (*change.still, *change.moved)}
    return back


def _report_before(series: models.Series) -> SeriesReport | None:
    """Return the facts of the nearest earlier version that was looked at to the end, the author's own before others."""
    theirs = set(versions.by_its_author(series).values_list("pk", flat=True)) if series.previous else set()
    nearest: SeriesReport | None = None
    for pk, kept in _looked_at_before(series):
        if pk in theirs:
            return kept
        nearest = nearest or kept
    return nearest


def _looked_at_before(series: models.Series) -> Iterator[tuple[int, SeriesReport]]:
    """Yield the earlier versions that were looked at to the end, each with the key of its row, the nearest first."""
    earlier = series.previous
    while earlier is not None:
        report = models.Report.objects.filter(series=earlier).first()
        if report is not None:
            kept = unpack(SeriesReport, report.facts)
            if kept.verdict in (Verdict.CLEAN, Verdict.FINDINGS):
                yield earlier.pk, kept
        earlier = earlier.previous


def _judge(
    series: models.Series, application: models.Application | None, lanes: Sequence[Lane], current: Sequence[Told]
) -> tuple[State, Verdict, str]:
    """Return state, verdict and the sentence that goes with them."""
    if series.verdict == Verdict.INCOMPLETE or (application is None and series.state == State.BROKEN):
        return State(series.state), Verdict(series.verdict), series.reason
    if application is None:
        return State(series.state), Verdict.UNKNOWN, ""
    if not application.applies:
        return State.FAILED, Verdict.DOES_NOT_APPLY, str(application.reject["reason"]) if application.reject else ""
    states = {lane.state for lane in lanes}
    if states & {State.NOT_RUN, State.RUNNING}:
        return State.RUNNING, Verdict.UNKNOWN, ""
    broken = next((f"{lane.check}: {lane.reason}" for lane in lanes if lane.state == State.BROKEN), "")
    counted = [one for one in current if one.finding.severity != Severity.NOTE]
    if counted:
        errors = any(one.finding.severity == Severity.ERROR for one in counted)
        return (State.FAILED if errors else State.WARNED), Verdict.FINDINGS, broken
    if broken:
        return State.BROKEN, Verdict.BROKEN, broken
    return State.PASSED, Verdict.CLEAN, _already_there(application)


def _already_there(application: models.Application) -> str:
    """Say which patches the tree has already, "" when it has none of them."""
    commits = [commit for commit in application.commits.all() if commit.number]
    there = [str(commit.number) for commit in commits if commit.method == Method.ALREADY]
    if not there:
        return ""
    if len(there) == len(commits):
        return f"{application.tree_name} has every patch of the series already; there was nothing new to check."
    return f"{application.tree_name} has patch {', '.join(there)} already."


def _patches(
    series: models.Series, commits: Sequence[models.AppliedPatch], trace: Sequence[str]
) -> tuple[facts.PatchFacts, ...]:
    by_number = {commit.number: commit for commit in commits}
    unseen = {line.partition(":")[0]: line for line in trace if line.endswith(NOT_SHOWN)}
    answers = list(_replies(series).values_list("parent_msgid", flat=True))
    found = []
    for row in series.patches.select_related("message__author").defer("message__raw", "message__body"):
        commit = by_number.get(row.number)
        found.append(
            facts.PatchFacts(
                number=row.number,
                message_id=row.message.message_id,
                subject=row.subject,
                files=tuple(row.files),
                commit=commit.commit if commit else "",
                method=commit.method if commit else "",
                trailers=tuple(str(trailer) for trailer in conversion.trailers(row.trailers)),
                replies=answers.count(row.message.message_id),
                author=_poster(row.message) if row.message.author_id != series.author_id else "",
                unseen=unseen.get(f"Patch {row.number}", ""),
            )
        )
    return tuple(found)


def _poster(mail: models.Message) -> str:
    return f"{mail.author_name or mail.author.name} <{mail.author.email}>".lstrip()


def _base(application: models.Application | None) -> facts.BaseFacts | None:
    if application is None:
        return None
    return facts.BaseFacts(
        tree=application.tree_name,
        commit=application.base_commit,
        describe=application.describe,
        how=application.how,
        trace=tuple(application.trace),
        published=_is_published(application),
    )


def _is_published(application: models.Application) -> bool:
    """True when others may have the commit: it was not made here, of a directory or an archive without history."""
    tree = application.tree
    if tree is None or tree.followed or tree.commit != application.base_commit:
        return True
    store = Store(settings.STORE)
    return store.has_commit(tree.commit) and bool(store.commit(tree.commit).parent_ids)


def _versions(series: models.Series, verdict: Verdict, findings: int) -> tuple[facts.VersionFacts, ...]:
    found = []
    for row in models.Series.objects.filter(topic=series.topic_id).order_by("version", "date"):
        here = row.pk == series.pk
        found.append(
            facts.VersionFacts(
                version=row.version,
                message_id=row.root_msgid,
                subject=row.subject,
                date=row.date,
                verdict=verdict if here else Verdict(row.verdict),
                findings=findings if here else row.new_errors + row.new_warnings,
                how=row.previous_how,
            )
        )
    return tuple(found)


def _reproduce(
    series: models.Series, application: models.Application | None, lanes: Sequence[Lane]
) -> tuple[Reproduce, ...]:
    """Return commands for a kernel tree on another machine: the series on its base, and each check and build."""
    if application is None:
        return ()
    apply = f"b4 shazam {shlex.quote(series.root_msgid)}"  # a sender writes the Message-ID, a reader pastes the line
    commands: dict[str, str] = {}
    for lane in lanes:
        last = lane.runs[-1] if lane.runs else None
        if last is None or not last.command:
            continue
        # Whoever has applied the series asks what its commits bring; a run knows one state alone.
        check = f"python -m reviewbot.checks --tree . --range HEAD~{len(lane.runs) - 1}.."
        what, command = (f"build {lane.configuration}", last.command) if lane.check == BUILD else ("check", check)
        if command not in commands.values():
            commands[what] = command
    if not commands:
        return (Reproduce("apply", f"{apply}  # on {application.describe or application.tree_name}"),)
    return tuple(Reproduce(what, f"{apply} && {command}") for what, command in commands.items())
