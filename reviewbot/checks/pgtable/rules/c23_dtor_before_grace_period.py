"""C23: a table that is freed after a grace period is destroyed then, too."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reviewbot.checks.pgtable.rules.base import Rule
from reviewbot.checks.pgtable.scene import Scene
from reviewbot.findings import Finding, Severity

_AFTER_GRACE = re.compile(r"\b(?:call_rcu\w*|kfree_rcu|queue_rcu_work)\s*\(")
#: the epoch since which the lock is freed together with the table
_TOGETHER = 5


def check(scene: Scene) -> Iterator[Finding]:
    """Report a destructor that runs at once on a table whose page is freed later."""
    if scene.facts.number < _TOGETHER:
        return
    for step in scene.of("free", "queue"):
        table = step.before
        if not table.destroyed or table.freed or table.destroyed == step.name:
            continue
        if not _AFTER_GRACE.search(scene.text(step.line)):
            continue
        dtor = next((one for one in scene.of("dtor") if one.table == step.table), None)
        yield scene.finding(
            "C23",
            Severity.WARNING,
            step,
            f"{table.destroyed}() runs at once, but the table is freed after a grace period by {step.name}(): a "
            "lockless walker may still take the lock that the destructor has freed.",
            line=dtor.line if dtor else 0,
        )


RULE = Rule(
    "C23",
    "dtor-before-grace-period",
    Severity.WARNING,
    "Lockless walkers may hold a table until the grace period has passed, and take its split lock. Since E5 the lock "
    "is freed together with the page; a destructor that runs before call_rcu() brings the use after free back. Up to "
    "E4 that is how the code was, and nothing is said.",
    "E5 and later",
    "Qi Zheng <47f44fff9dc68d9d9e9a0d6c036df275f820598a.1736317725.git.zhengqi.arch@bytedance.com>",
    "pagetable_dtor(ptdesc);\ncall_rcu(&ptdesc->pt_rcu_head, free_now);",
    "call_rcu(&ptdesc->pt_rcu_head, dtor_and_free_now);",
    check,
)
