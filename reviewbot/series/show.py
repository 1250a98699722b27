"""Series for people and for programs: plain text, and the fields of the JSON face."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import shorten
from typing import Any

from reviewbot.mail.opinions import Point
from reviewbot.series.model import Patch, Series, Trailer, spans
from reviewbot.series.rangediff import RangeDiff, headings
from reviewbot.series.rangediff import as_text as compared
from reviewbot.series.talk import Talk

#: characters of a sentence that are shown in a line
_MAX_WORDS = 160


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


def talk_as_dict(talk: Talk) -> dict[str, Any]:
    """Return the discussion of a series: its points by patch (0 is the cover), and the stances of each reply."""
    return {
        "points": [
            {
                "n": number,
                "stance": str(point.opinion.stance),
                "sentence": point.opinion.sentence,
                "by": point.author,
                "via": point.message_id,
                "file": (point.opinion.quote and point.opinion.quote.file) or None,
                "line": (point.opinion.quote and point.opinion.quote.line) or None,
                "state": _state(point),
                "answered_by": point.answered_by or None,
            }
            for number, points in talk.points.items()
            for point in points
        ],
        "opinions": [
            {"via": reply.message_id, "stances": list(dict.fromkeys(str(one.stance) for one in said))}
            for reply, said in talk.replies
        ],
    }


def changes_as_list(difference: RangeDiff | None) -> list[dict[str, Any]] | None:
    """Return what became of each patch since the previous version, None when there is none."""
    if difference is None:
        return None
    return [
        {
            "old": pair.old.number if pair.old else None,
            "new": pair.new.number if pair.new else None,
            "subject": pair.subject,
            "fate": str(pair.fate),
            "reordered": pair.reordered,
            "into": pair.into or None,
            "out_of": pair.out_of or None,
        }
        for pair in difference.pairs
    ]


def _given(trailers: Iterable[Trailer], *, mismatch: bool = False) -> list[dict[str, str]]:
    """Return the trailers with their sources, each once."""
    wanted = dict.fromkeys(
        (str(one), one.via) for one in trailers if (one.mismatch if mismatch else one.seconded or not one.mismatch)
    )
    return [{"trailer": text, "via": via} for text, via in wanted]


def as_text(
    series: Series, *, talk: Talk | None = None, difference: RangeDiff | None = None, by_line: bool = False
) -> str:
    """Return a series in some lines, without a line end behind the last one.

    :param talk: its discussion; the points stand with their patches.
    :param difference: from the previous version; one line for each patch.
    :param by_line: show the changed lines too.
    """
    lines = list(_lines(series, talk.points if talk else {}))
    if difference:
        lines.append(f"  since v{difference.old.version}:")
        told = compared(difference).split("\n") if by_line else headings(difference)
        lines += (f"    {_printable(line)}" for line in told)
    return "\n".join(lines)


def _lines(series: Series, points: Mapping[int, tuple[Point, ...]]) -> Iterator[str]:
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
        yield f"  missing: {spans(series.missing)}"
    yield from (f"    {_trailer(trailer)}" for trailer in series.cover_trailers)
    yield from (f"    {_point(point)}" for point in points.get(0, ()))
    width = len(str(series.expected))
    for patch in series.patches:
        yield f"  {patch.number:>{width}}/{series.expected} {_printable(patch.subject)}{_carried(series, patch)}"
        yield from (f"    {' ' * width} {_trailer(trailer)}" for trailer in patch.trailers)
        yield from (f"    {' ' * width} {_point(point)}" for point in points.get(patch.number, ()))


def _point(point: Point) -> str:
    quote = point.opinion.quote
    place = f" at {_printable(quote.file)}:{quote.line or quote.old_line}" if quote and quote.file else ""
    words = shorten(_printable(point.opinion.sentence), _MAX_WORDS, placeholder=" …")
    return f"{_state(point)}: {_printable(point.author)} {point.opinion.stance}{place}: {words}  <{point.message_id}>"


def _state(point: Point) -> str:
    if point.promised:
        return "change promised"
    return "answered" if point.answered_by else "open"


def _extent(series: Series) -> str:
    patches = f"v{series.version}, {len(series.patches)} of {series.expected} patches"
    cover = "with" if series.cover else "without"
    replies = "1 reply" if len(series.replies) == 1 else f"{len(series.replies)} replies"
    return f"{patches}, {cover} cover, {replies}"


def _trailer(trailer: Trailer) -> str:
    mismatch = " (sent by another person)" if trailer.mismatch else ""
    return f"{_printable(str(trailer).partition(chr(10))[0])}{mismatch}  <{trailer.via}>"


def _carried(series: Series, patch: Patch) -> str:
    return " (as before)" if patch.message.message_id in series.carried else ""


def _printable(text: str) -> str:
    """Replace what would steer a terminal or turn the direction of the text."""
    return "".join(
        character if character.isprintable() or character == "\t" else "\N{REPLACEMENT CHARACTER}" for character in text
    )
