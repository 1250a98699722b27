"""An attempt as the command line shows it: text for a terminal, JSON for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TextIO

from reviewbot.series.model import Series, incomplete
from reviewbot.tree.model import AppliedPatch, Attempt, Reject

#: the JSON face when it did not come to an attempt
NOTHING: dict[str, Any] = {
    "applies": None, "applied": 0, "first_failing": None, "method": None, "tree": None, "commits": [], "reason": "",
}  # fmt: skip


def as_dict(series: Series, attempt: Attempt, trace: Sequence[str], *, whole: bool) -> dict[str, Any]:
    """Return an attempt in the shape of the JSON face.

    ``applied`` counts patches, ``first_failing`` is the place of the first that
    does not go in among those that are there, from 1; ``tree`` is the id of the
    resulting tree: that of the last patch that went in; null when none did, and
    when a series does not apply to a plain directory, of which only a part was read.
    """
    reject = attempt.reject
    return {
        "applies": attempt.applies,
        "applied": len(attempt.patches),
        "first_failing": len(attempt.patches) + 1 if reject else None,
        "method": attempt.method.value if attempt.method else None,
        "tree": attempt.patches[-1].tree if whole and attempt.patches else None,
        "commits": [patch.commit for patch in attempt.patches],
        "reason": reject.reason if reject else "",
        "base": {
            "tree": attempt.base.tree,
            "commit": attempt.base.commit if whole else None,
            "describe": attempt.base.describe,
        },
        "series": {
            "subject": series.subject,
            "version": series.version,
            "message_id": series.root_msgid,
            "patches": len(series.patches),
            "expected": series.expected,
            "missing": list(series.missing),
        },
        "patches": [
            {
                "number": patch.number,
                "commit": patch.commit,
                "tree": patch.tree if whole else None,
                "method": patch.method.value,
                "moved": patch.moved,
            }
            for patch in attempt.patches
        ],
        "reject": _reject_as_dict(reject) if reject else None,
        "trace": list(trace),
    }


def _reject_as_dict(reject: Reject) -> dict[str, Any]:
    return {name: getattr(reject, name) for name in Reject.__dataclass_fields__}


def print_json(answer: dict[str, Any], out: TextIO) -> None:
    """Write an answer as JSON."""
    json.dump(answer, out, indent=2)
    out.write("\n")


def print_text(series: Series, attempt: Attempt, trace: Sequence[str], explain: bool, out: TextIO) -> None:
    """Write the outcome in a sentence, or with an explanation of each patch."""
    print(_plain(f"{series.subject}  ({series.author}, {series.date:%Y-%m-%d})"), file=out)
    if explain:
        done = {patch.number: patch for patch in attempt.patches}
        for patch in series.patches:
            applied = done.get(patch.number)
            failed = attempt.reject and attempt.reject.patch == patch.number
            state = (
                f"{applied.method.value:>13}  {applied.commit[:12]}{_moved(applied)}"
                if applied
                else "does not apply"
                if failed
                else "not tried"
            )
            print(_plain(f"  {patch.number:>3}/{series.expected}  {state:<28}{patch.subject}"), file=out)
        for sentence in trace[:-1]:
            print(_plain(f"  {sentence}"), file=out)
    print(_plain(trace[-1]), file=out)
    if series.missing and not explain:
        print(f"  {incomplete(series)}", file=out)
    if attempt.reject and explain:
        _print_reject(attempt.reject, out)


def _moved(patch: AppliedPatch) -> str:
    return f"  {patch.moved} line{'s' if patch.moved > 1 else ''} off" if patch.moved else ""


def _print_reject(reject: Reject, out: TextIO) -> None:
    if reject.hunk:
        print(_plain(f"  {reject.file}  {reject.hunk}"), file=out)
    for title, text in (("wanted", reject.wanted), (f"line {reject.found_line} of the tree", reject.found)):
        if text:
            print(f"  {title}:", file=out)
            for line in text.split("\n"):
                print(f"    | {_plain(line)}", file=out)


def _plain(text: str) -> str:
    """Return a stranger's text without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text)
