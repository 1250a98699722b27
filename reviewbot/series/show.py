"""Series for people and for programs: plain text, and the fields of the JSON face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from reviewbot.series.model import Patch, Series, Trailer

_MAX_MISSING = 20


def as_dict(series: Series) -> dict[str, Any]:
    """Return a series in the shape of the JSON face.

    ``trailers`` has one list for each patch, of what was given to it and to the
    whole series; of persons those who spoke for themselves, and those b4 takes
    along. All that were sent by others are in ``trailer_mismatches``. A version that re-rolls some patches only is
    shown with those it takes over, and under the name of what it re-rolls.
    """
    parts = [series.cover, *(patch.message for patch in series.patches)]
    root = next((part.message_id for part in parts if part), series.root_msgid)
    every = [trailer for patch in series.patches for trailer in patch.trailers] + list(series.cover_trailers)
    return {
        "root_msgid": root,
        "series_subject": series.subject,
        "name": series.name,
        "prefixes": list(series.prefixes),
        "version": series.version,
        "expected": series.expected,
        "got": len(series.patches),
        "complete": series.complete,
        "missing": list(series.missing),
        "partial_reroll": bool(series.carried),
        "has_cover": series.cover is not None,
        "author": f"{series.author.name or series.author.email} <{series.author.email}>",
        "date": series.date.isoformat(),
        "base_commit": series.base_commit or None,
        "prerequisites": list(series.prerequisites),
        "based_on": list(series.based_on),
        "change_id": series.change_id or None,
        "links": list(series.links),
        "patches": [
            {"n": patch.number, "msgid": patch.message.message_id, "subject": patch.subject} for patch in series.patches
        ],
        "patch_ids": [patch.patch_id or None for patch in series.patches],
        "files": sorted({file for patch in series.patches for file in patch.files}),
        "trailers": [_given([*patch.trailers, *series.cover_trailers]) for patch in series.patches],
        "cover_trailers": _given(series.cover_trailers),
        "trailer_mismatches": _given(every, mismatch=True),
        "previous": series.previous._asdict() if series.previous else None,
        "replies": len(series.replies),
    }


def _given(trailers: Iterable[Trailer], *, mismatch: bool = False) -> list[dict[str, str]]:
    """Return the trailers with their sources, each once."""
    wanted = dict.fromkeys(
        (str(one), one.via) for one in trailers if (one.mismatch if mismatch else one.seconded or not one.mismatch)
    )
    return [{"trailer": text, "via": via} for text, via in wanted]


def as_text(series: Series) -> str:
    """Return a series in a few lines, without a line end behind the last one."""
    return "\n".join(_lines(series))


def _lines(series: Series) -> Iterator[str]:
    yield _printable(series.subject)
    yield f"  by {_printable(str(series.author))}, {series.date:%Y-%m-%d %H:%M} UTC, {_extent(series)}"
    yield f"  Message-ID: {series.root_msgid}"
    if series.previous:
        was = series.previous
        yield f"  previous: v{was.version}, {was.root_msgid} (known by {was.how})"
    for name, value in (("base-commit", series.base_commit), ("change-id", series.change_id)):
        if value:
            yield f"  {name}: {value}"
    for based_on in series.based_on:
        yield f"  based on: {based_on}"
    if series.missing:
        yield f"  missing: {_numbers(series.missing)}"
    for trailer in series.cover_trailers:
        yield f"    {_trailer(trailer)}"
    width = len(str(series.expected))
    for patch in series.patches:
        yield f"  {patch.number:>{width}}/{series.expected} {_printable(patch.subject)}{_carried(series, patch)}"
        for trailer in patch.trailers:
            yield f"    {' ' * width} {_trailer(trailer)}"


def _extent(series: Series) -> str:
    patches = f"v{series.version}, {len(series.patches)} of {series.expected} patches"
    cover = "with" if series.cover else "without"
    replies = "1 reply" if len(series.replies) == 1 else f"{len(series.replies)} replies"
    return f"{patches}, {cover} cover, {replies}"


def _numbers(numbers: tuple[int, ...]) -> str:
    """Return numbers as ranges: ``1, 3-5``."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    more = len(texts) - _MAX_MISSING
    return ", ".join(texts[:_MAX_MISSING]) + (f" and {more} more ranges" if more > 0 else "")


def _trailer(trailer: Trailer) -> str:
    mismatch = " (sent by another person)" if trailer.mismatch else ""
    return f"{_printable(str(trailer).partition(chr(10))[0])}{mismatch}  <{trailer.via}>"


def _carried(series: Series, patch: Patch) -> str:
    return " (as before)" if patch.message.message_id in series.carried else ""


def _printable(text: str) -> str:
    """Replace what would steer a terminal or turn the direction of the text."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
