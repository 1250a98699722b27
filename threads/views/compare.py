"""What became of each patch from one version to another, with what was found and said about both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewbot.mail.diff import parse_diff
from reviewbot.reports import sentences, status
from reviewbot.reports.facts import Life, SeriesReport, Told
from reviewbot.reports.placing import place_of
from reviewbot.series.rangediff import Fate, PatchPair, RangeDiff, RangeLine, range_diff
from threads import links
from threads.models import Message, Series
from threads.selectors import versions as selectors
from threads.selectors.series import list_names, report_of
from threads.views.diffs import Comment
from threads.views.discussion import answers_to, comments_on

#: lines of one comparison that a page shows
MAX_SHOWN = 1500


@dataclass(frozen=True, slots=True)
class Note:
    """A finding or a comment on one side of the comparison.

    :ivar what: which version it is about, and what became of it.
    :ivar line: the line of the patch that it is about, with its sign; "" when it has no place in the diff.
    :ivar series: root Message-ID of the version.
    """

    what: str
    series: str
    line: str = ""
    old: bool = False
    key: str = ""
    told: Told | None = None
    comment: Comment | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Some lines of the comparison, and what stands beneath the last of them."""

    lines: tuple[RangeLine, ...]
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ShownPair:
    """One patch in both versions; ``beside`` are notes whose line the difference does not show."""

    pair: PatchPair
    fate: str
    segments: tuple[Segment, ...] = ()
    beside: tuple[Note, ...] = ()

    @property
    def shown(self) -> bool:
        """True when there is more to say than what became of it."""
        return bool(self.segments or self.beside)


@require_GET
def compare(request: HttpRequest, pk: int, other: int) -> HttpResponse:
    """Show the way from the older to the newer of two versions of the same work."""
    one, two = selectors.version(pk), selectors.version(other)
    if one is None or two is None or one.topic_id != two.topic_id or one.pk == two.pk:
        raise Http404("These are not two versions of the same work.")
    if (one.version, one.date, one.pk) > (two.version, two.date, two.pk):
        return HttpResponseRedirect(links.to_comparison(two.pk, one.pk))
    difference = range_diff(selectors.with_diffs(one), selectors.with_diffs(two))
    pairs, cut = _shown(difference, _notes(one, new=False), _notes(two, new=True))
    context = {
        "name": next(iter(list_names(two)), links.ANY_LIST),
        "old": one,
        "new": two,
        "pairs": pairs,
        "cut": cut,
        "summary": _summary(difference),
    }
    return render(request, "threads/compare.html", context)


def _summary(difference: RangeDiff) -> str:
    counts = [f"{difference.count(fate)} {fate}" for fate in Fate if difference.count(fate)]
    moved = sum(pair.reordered for pair in difference.pairs)
    patches = sentences.counted(len(difference.pairs), "patch", "patches")
    return f"{patches}: {sentences.enumerated(counts)}" + (f"; {moved} in another order" if moved else "")


def _fate(pair: PatchPair) -> str:
    words = f"squashed into {pair.into}" if pair.into else str(pair.fate)
    return f"{words}, reordered" if pair.reordered else words


def _shown(
    difference: RangeDiff, old: dict[int, list[Note]], new: dict[int, list[Note]]
) -> tuple[list[ShownPair], bool]:
    """Put the notes on both patches of each pair beneath the lines they are about, as far as a page goes."""
    shown = []
    room = MAX_SHOWN
    for pair in difference.pairs:
        notes = [
            *(old.get(pair.old.number, ()) if pair.old else ()),
            *(new.get(pair.new.number, ()) if pair.new else ()),
        ]
        lines = pair.lines if len(pair.lines) <= room else ()
        room -= len(lines)
        segments, beside = _segments(lines, notes)
        shown.append(ShownPair(pair, _fate(pair), segments, beside))
    return shown, sum(len(pair.lines) for pair in difference.pairs) > MAX_SHOWN - max(0, room)


def _segments(lines: Sequence[RangeLine], notes: Sequence[Note]) -> tuple[tuple[Segment, ...], tuple[Note, ...]]:
    """Divide the difference of a patch where something is noted; return also what has no line in it."""
    placed: dict[int, list[Note]] = defaultdict(list)
    beside = []
    for note in notes:
        sides = ("-", " ") if note.old else ("+", " ")
        at = next((at for at, line in enumerate(lines) if line.kind in sides and line.text == note.line), None)
        if at is None or not note.line.strip():
            beside.append(note)
        else:
            placed[at].append(note)
    segments, first = [], 0
    for at in sorted(placed):
        segments.append(Segment(tuple(lines[first : at + 1]), tuple(placed[at])))
        first = at + 1
    if first < len(lines):
        segments.append(Segment(tuple(lines[first:])))
    return tuple(segments), tuple(beside)


def _notes(series: Series, *, new: bool) -> dict[int, list[Note]]:
    """Return what was found and said about the patches of a version, by their numbers (1 query)."""
    notes: dict[int, list[Note]] = defaultdict(list)
    report = report_of(series) if hasattr(series, "report") else None
    answers = selectors.answers(series)
    patches = [patch.message.message_id for patch in series.patches.all()]
    for patch in series.patches.all():
        if report:
            notes[patch.number] += _found(report, patch.number, patch.message, new=new)
        own = patch.message.message_id
        below = answers_to([patch.message, *answers], own, [name for name in patches if name != own])
        notes[patch.number] += _said(series, patch.message, below, new=new)
    return notes


def _found(report: SeriesReport, number: int, mail: Message, *, new: bool) -> Iterator[Note]:
    diff = parse_diff(mail.body)
    for key, told in status.named(report):
        if told.patch != number or told.life is Life.PRE_EXISTING:
            continue
        place = place_of(told, diff)
        line = place.line.kind + place.line.text if place else ""
        what = f"v{report.version}, {sentences.life(told, report.version)}"
        yield Note(what, report.message_id, line, old=not new, key=key, told=told)


def _said(series: Series, mail: Message, answers: list[Message], *, new: bool) -> Iterator[Note]:
    lines = mail.body.split("\n")
    for position, comments in comments_on(mail, answers).items():
        for comment in comments:
            yield Note(
                f"said about v{series.version}", series.root_msgid, lines[position], old=not new, comment=comment
            )
