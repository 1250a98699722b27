"""The way to a finding, as a mail tells it: one step a line, and no line twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reviewbot.findings import Evidence, Finding, normalise
from reviewbot.reports.terminal import MAX_CODE, shortened, visible

_STEPS_SHOWN = 8


def steps(finding: Finding) -> list[Evidence]:
    """Return the steps to a finding; none when the only one is its own line, which stands above already.

    What one line does is one step: ``allocates and returns``; to come back
    from a call is none. The same thing twice stays, for it may be the mistake.
    """
    found: list[Evidence] = []
    for step in finding.evidence:
        does, _, code = step.text.partition(": ")
        same = (
            number for number, one in enumerate(found)
            if code and one[:2] == step[:2] and one.text.partition(": ")[2] == code
        )  # fmt: skip
        number = next(same, None)
        did = found[number].text.partition(": ")[0].split(" and ") if number is not None else []
        if number is None or does in did:
            found.append(step)
        elif did != ["calls"]:
            found[number] = step._replace(text=f"{' and '.join([*did, does])}: {code}")
    place = finding.location
    alone = len(found) == 1 and found[0][:2] == (place.file, place.line)
    own = alone and normalise(place.text) in map(normalise, (found[0].text, found[0].text.partition(": ")[2]))
    return [] if own else found


def path(way: Sequence[Evidence], file: str) -> Iterator[str]:
    """Yield the steps, one a line; the middle of many is left out.

    :param file: whose lines are named by their number alone.
    """
    shown: Sequence[Evidence | None] = way
    if len(way) > _STEPS_SHOWN:
        shown = [*way[:3], None, *way[-_STEPS_SHOWN + 4 :]]
    for step in shown:
        if step is None:
            yield "  [...]"
            continue
        place = f"line {step.line}" if step.file == file else f"{step.file}:{step.line}"
        said = shortened(" ".join(step.text.split()), MAX_CODE)
        yield visible(f"  {place}  {said}" if step.line else f"  {said}")
