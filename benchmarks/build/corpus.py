"""Every series of the corpus that applies to a tree, built patch by patch as the service does it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.apply.corpus import read_mails, trees
from reviewbot.builds import Builder, PlannedBuild, State, includers, objects, planning, toolchains
from reviewbot.findings import Finding, compare
from reviewbot.mail.parse import parse_message
from reviewbot.mail.subject import bare
from reviewbot.series.model import Patch
from reviewbot.tree.apply import apply_series
from reviewbot.tree.model import Attempt, Base, Method
from reviewbot.tree.readers import GitFiles
from reviewbot.tree.store import Store
from reviewbot.tree.worktrees import Pool

Row = dict[str, Any]


class Case(NamedTuple):
    """A series that applies: the id of its first mail, its subject, its patches, the commits."""

    name: str
    subject: str
    patches: tuple[Patch, ...]
    attempt: Attempt


def cases(corpus: Path, work: Path, store: Store, commit: str) -> Iterator[Case]:
    """Yield each whole series of the corpus that applies to the commit and is not there already."""
    mails = read_mails(corpus, work)
    seen = set()
    for line in (corpus / "ground-truth.jsonl").read_text().splitlines():
        truth = json.loads(line)
        if not truth.get("complete") or not truth.get("patches") or truth["root_msgid"] in seen:
            continue
        seen.add(truth["root_msgid"])
        messages = [(one["n"], parse_message(mails[one["msgid"]])) for one in truth["patches"] if one["msgid"] in mails]
        patches = tuple(Patch(number, message, bare(message.subject), "") for number, message in messages)
        attempt = apply_series(store, Base("base", commit, "named"), patches)
        if attempt.applies and attempt.method is not Method.ALREADY and len(patches) == len(truth["patches"]):
            yield Case(truth["root_msgid"], truth["series_subject"], patches, attempt)


def build(case: Case, store: Path, pool: Pool, cache: Path) -> Iterator[Row]:
    """Build the base and each patch of a series in every configuration of its plan; yield a row for each."""
    base, commits = case.attempt.base.commit, [one.commit for one in case.attempt.patches]
    last = GitFiles(store, commits[-1])
    touched = sorted(GitFiles(store, base).changed(last))
    diffs = "\n".join(patch.message.body for patch in case.patches).encode("utf-8", "replace")
    plan = planning.plan_everywhere(touched, last, identifiers=sorted(includers.identifiers(diffs))[:20])
    for planned in plan.builds:
        yield from _configuration(planned, base, commits, pool, cache, reconfigure=bool(plan.labels))
    if not plan.builds:
        yield {"configuration": "", "state": "nothing to build", "left out": [one.reason for one in plan.left_out]}


def _configuration(
    planned: PlannedBuild, base: str, commits: Sequence[str], pool: Pool, cache: Path, *, reconfigure: bool
) -> Iterator[Row]:
    configuration = planned.configuration
    builder = Builder(cache, toolchains.find(configuration.arch, configuration.compiler))
    source = pool.checkout(base, "corpus", fresh=False)
    started = time.monotonic()
    with builder.session(source, base, configuration, planned.objects) as session:
        before, code = session.base, session.code(planned.objects)
        row: Row = {"configuration": configuration.name, "compiler": before.compiler, "why": planned.why}
        yield row | {"patch": 0, "state": before.state, "reason": before.reason, "objects": len(before.objects),
                     "new": [], "fixed": [], "seconds": round(time.monotonic() - started, 1)}  # fmt: skip
        for number, commit in enumerate(commits, start=1):
            result = session.build(planned.objects, pool.checkout(commit, "corpus"), reconfigure=reconfigure)
            change = compare(before.diagnostics, result.diagnostics)
            changed = objects.sentence(objects.compare(code, session.code(planned.objects)), configuration.arch)
            yield row | {"patch": number, "state": result.state, "reason": result.reason,
                         "objects": len(result.objects), "failed": result.failed, "code": changed,
                         "new": [*map(_said, change.new)], "fixed": [*map(_said, change.fixed)],
                         "seconds": round(result.seconds, 1)}  # fmt: skip
            if result.state is not State.BROKEN:
                before = result


def _said(finding: Finding) -> str:
    place = finding.location
    return f"{place.file}:{place.line}: {finding.severity}: {finding.message} [{finding.rule}]"


def run(corpus: Path, place: str, work: Path) -> int:
    """Build what applies; print one line of JSON for each build. What ``work`` says was built is not built again."""
    store, branch = trees(work, {"base": place})["base"]
    done = work / "built.jsonl"
    known = {json.loads(line)["series"] for line in done.read_text().splitlines()} if done.exists() else set()
    broken = 0
    with Pool(work / "slots", store.path) as pool, done.open("a") as rows:
        for case in cases(corpus, work, store, branch.commit):
            if case.name in known:
                continue
            found = [
                {"series": case.name, "subject": case.subject, **row}
                for row in build(case, store.path, pool, work / "cache")
            ]
            lines = [json.dumps(row) for row in found]
            rows.write("".join(f"{line}\n" for line in lines))
            rows.flush()
            print("\n".join(lines), flush=True)
            broken += sum(row["state"] == State.BROKEN for row in found)
    return 1 if broken else 0
