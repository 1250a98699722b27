"""Lists of series, and everything about one of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from reviewbot.mail.opinions import Point
from reviewbot.reports import sarif, sentences, status, text
from reviewbot.reports.facts import Cell, PatchFacts, SeriesReport, State, Verdict, VersionFacts
from threads import feeds, links
from threads.conversion import decompress
from threads.models import MailingList, Series
from threads.selectors import figures, listing
from threads.selectors import series as selectors
from threads.selectors.conflicts import InFlight, in_flight_with
from threads.selectors.mails import given
from threads.selectors.marks import marks_of
from threads.selectors.opinions import points_of
from threads.selectors.query import parse
from threads.selectors.standing import by_series, settled
from threads.selectors.standing import others as other_bots
from threads.services.building import cancel
from threads.services.marks import note
from threads.services.rerun import rerun as run_again
from threads.views import answers
from threads.views.discussion import tree_of
from threads.views.mailbox import mboxrd
from threads.views.permissions import may_submit
from threads.views.pictures import Bars, Part, bars

#: findings of one kind on one page; all of them stand in the files
FINDINGS_SHOWN = 100
#: versions in the picture of the findings, the latest
MAX_VERSIONS = 12
#: rows of patches that were announced and are not there
MISSING_SHOWN = 50
#: columns of other bots
CONTEXTS_SHOWN = 12
#: seconds for which what was read out of a thread is kept; a new mail makes it be read again
POINTS_KEPT = 86_400

#: what other bots say, by number of the patch
Others = Mapping[int, tuple[status.Elsewhere, ...]]


@require_GET
def series_list(request: HttpRequest, name: str) -> HttpResponse:
    """Show the series of a list, newest first; what is shown is said by the address alone."""
    lists = list(MailingList.objects.order_by("name"))
    if name != links.ANY_LIST and all(one.name != name for one in lists):
        raise Http404(f"No list of the name {name} is followed here.")
    wanted = wanted_of(request, name)
    page = listing.page_of(listing.find_rows(wanted), request.GET.get("at", ""))
    query = request.GET.copy()
    query.pop("at", None)
    context = {
        "name": name,
        "lists": lists,
        "wanted": wanted,
        "page": page,
        "query": query.urlencode(),
        "states": list(State),
        "verdicts": list(Verdict),
        "problems": parse(wanted.q).problems,
    }
    return render(request, "threads/list.html", context)


def wanted_of(request: HttpRequest, name: str) -> listing.Wanted:
    """Read the filters of an address; a word that is no state or verdict filters nothing."""
    state, verdict = request.GET.get("state", ""), request.GET.get("verdict", "")
    return listing.Wanted(
        list_name="" if name == links.ANY_LIST else name,
        state=state if state in list(State) else "",
        verdict=verdict if verdict in list(Verdict) else "",
        author=request.GET.get("author", "").strip()[:200],
        q=request.GET.get("q", "").strip()[:500],
        latest=request.GET.get("latest") == "1",
    )


@require_GET
def series_page(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Show one series: verdict first, then what it rests on."""
    series = selectors.find_series(msgid)
    if series is None:
        return answers.unknown(request, msgid)
    if moved := _elsewhere(series, name, msgid):
        return HttpResponseRedirect(links.to_series(*moved))
    marks = marks_of(series.topic_id)
    newest = max((rows[0].pk for rows in marks.values()), default=0)
    others = in_flight_with(series)
    standing = by_series(series)
    tag = f"{standing.tag}-{selectors.thread_tag(series)}"
    seen = f"{tag}-{newest}-{_digest(others)}-{request.user.pk or 0}"
    if answer := answers.unchanged(request, seen):
        return answer
    report = selectors.report_of(series)
    elsewhere = other_bots(series.pk) if standing.check else {}
    patches = {patch.message_id: patch.number for patch in report.patches}
    named = {id(told): key for key, told in status.named(report)}
    context = {
        "name": name,
        "series": series,
        "report": report,
        "settled": settled(series),
        "sentence": sentences.verdict(report),
        "change": sentences.since_previous(report),
        "matrix": matrix_of(report, elsewhere),
        "elsewhere": contexts_of(elsewhere),
        "findings": [(named[id(told)], told) for told in report.findings[:FINDINGS_SHOWN]],
        "more": max(0, len(report.findings) - FINDINGS_SHOWN),
        "fixed": [(named[id(told)], told) for told in report.fixed[:FINDINGS_SHOWN]],
        "preexisting": [(named[id(told)], told) for told in report.preexisting[:FINDINGS_SHOWN]],
        "preexisting_count": len(report.preexisting),
        "thread": tree_of(selectors.thread_of(series), patches),
        "marks": marks,
        "points": _points(series, tag),
        "trailers": given(series.cover_trailers),
        "versions": _versions(series, report),
        "history": _history(series, report),
        "others": others,
        "delivery": _delivery(series),
        "forms": (*_FORMS, "atom"),
    }
    return answers.tagged(render(request, "threads/series.html", context), seen)


def _digest(others: list[InFlight]) -> str:
    told = "\0".join(f"{one.series.pk} {one.collides} {one.reason}" for one in others)
    return hashlib.sha256(told.encode()).hexdigest()[:8]


def _history(series: Series, report: SeriesReport) -> Bars | None:
    """Draw what the versions up to this one still had, brought and fixed."""
    versions = sorted({one.version for one in report.versions if one.version <= report.version})
    columns = [
        (f"v{version}", (Part("still there", still), Part("new", new), Part("fixed", fixed)))
        for version, still, new, fixed in figures.history(series, versions[-MAX_VERSIONS:])
    ]
    return bars("Findings by version", columns)


def _points(series: Series, tag: str) -> list[tuple[int, tuple[Point, ...]]]:
    """Return the open and answered points by patch; reading a long thread takes a while, so they are kept."""
    key = f"points-{series.pk}-{hashlib.sha256(tag.encode()).hexdigest()}"
    points: dict[int, tuple[Point, ...]] | None = cache.get(key)
    if points is None:
        points = points_of(series)
        cache.set(key, points, POINTS_KEPT)
    return sorted(points.items())


def _versions(series: Series, report: SeriesReport) -> list[tuple[VersionFacts, str]]:
    """Return the versions, each with the address of its comparison with this one."""
    rows = selectors.version_rows(series)
    known = [(one, rows.get(one.message_id, (0, 0))[0]) for one in report.versions]
    return [(one, links.to_comparison(pk, series.pk) if pk and pk != series.pk else "") for one, pk in known]


def _elsewhere(series: Series, name: str, msgid: str) -> tuple[str, str] | None:
    """Return list and Message-ID of the page when it is another one than was asked for."""
    names = selectors.list_names(series)
    if (name == links.ANY_LIST or name in names) and msgid == series.root_msgid:
        return None
    return (name if name in names else next(iter(names), links.ANY_LIST)), series.root_msgid


def _delivery(series: Series) -> dict[str, object] | None:
    row = selectors.latest_delivery(series)
    if row is None:
        return None
    return {"row": row, "text": bytes(row.raw).decode("utf-8", "replace")}


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row of the patch x check matrix; ``patch`` is None for the base (number 0) and for a missing patch.

    :ivar others: what other bots say, in the order of :func:`contexts_of`.
    """

    number: int
    patch: PatchFacts | None
    cells: tuple[Cell | None, ...]
    others: tuple[status.Elsewhere | None, ...] = ()


def contexts_of(elsewhere: Others) -> tuple[tuple[str, str], ...]:
    """Return the columns of other bots, ``(bot, context)``, the first of very many."""
    found = sorted({(one.bot, one.context) for of in elsewhere.values() for one in of})
    return tuple(found[:CONTEXTS_SHOWN])


def matrix_of(report: SeriesReport, elsewhere: Others) -> tuple[MatrixRow, ...]:
    """Return the rows of the matrix by number; the base is there when it was looked at."""
    said = {(number, one.bot, one.context): one for number, of in elsewhere.items() for one in of}
    contexts = contexts_of(elsewhere)
    patches: dict[int, PatchFacts | None] = {patch.number: patch for patch in report.patches}
    patches |= dict.fromkeys(report.missing[:MISSING_SHOWN])
    if any(cell.patch == 0 for cell in report.cells):
        patches[0] = None
    cells = {(cell.patch, cell.check, cell.configuration): cell for cell in report.cells}
    return tuple(
        MatrixRow(
            number,
            patch,
            tuple(cells.get((number, *check)) for check in report.checks),
            tuple(said.get((number, *context)) for context in contexts),
        )
        for number, patch in sorted(patches.items())
    )


@require_GET
def series_file(request: HttpRequest, name: str, msgid: str, form: str) -> HttpResponse:
    """Return a series as a file: .txt, .json, .sarif, .mbox or .atom."""
    series = selectors.find_series(msgid)
    if series is None:
        return answers.unknown(request, msgid)
    if form == "atom":
        return feeds.ThreadFeed()(request, series=series)
    tag = f"{selectors.tag_of(series)}-{form}"
    if answer := answers.unchanged(request, tag):
        return answer
    content, kind = _FORMS[form](series, request)
    return answers.tagged(answers.file(content, kind, f"{series.root_msgid}.{form}"), tag)


@require_GET
def series_mbox(request: HttpRequest, pk: int) -> HttpResponse:
    """Return a series as mailbox by its number, as Patchwork's clients ask for it."""
    series = get_object_or_404(Series, pk=pk)
    content, kind = _as_mbox(series, request)
    return answers.download(content, kind, f"{series.name}.patch")


@require_GET
def cover_page(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Lead from a cover letter to its series."""
    return HttpResponseRedirect(links.to_series(name, msgid))


def _as_text(series: Series, request: HttpRequest) -> tuple[str, str]:
    return text.render(selectors.report_of(series), colour=False, width=100), "text/plain; charset=utf-8"


def _as_json(series: Series, request: HttpRequest) -> tuple[str, str]:
    report = selectors.report_of(series)
    urls = links.SiteUrls(next(iter(report.lists), ""), request.build_absolute_uri("/")[:-1])
    answer = status.as_dict(report, urls, selectors.beside(series, report))
    return json.dumps(answer, indent=1, ensure_ascii=False), "application/json"


def _as_sarif(series: Series, request: HttpRequest) -> tuple[str, str]:
    log = sarif.render(selectors.report_of(series), site_url=request.build_absolute_uri("/")[:-1])
    return json.dumps(log, indent=1), "application/sarif+json"


def _as_mbox(series: Series, request: HttpRequest) -> tuple[bytes, str]:
    return mboxrd(decompress(raw) for raw in selectors.mails_of(series)), "application/mbox"


_FORMS: dict[str, Callable[[Series, HttpRequest], tuple[bytes | str, str]]] = {
    "txt": _as_text,
    "json": _as_json,
    "sarif": _as_sarif,
    "mbox": _as_mbox,
}


@require_http_methods(["GET", "HEAD", "POST"])
def rerun(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Ask whether a series is to be looked at again; a POST does it."""
    series = selectors.find_series(msgid)
    if series is None:
        return answers.unknown(request, msgid)
    if request.method == "POST" and may_submit(request):
        if request.POST.get("what") == "cancel":
            cancel(series, "Cancelled on its page; looking at the series again builds it.")
            note(request.user.get_username(), "cancelled the builds", series.root_msgid)
        else:
            run_again(series)
            note(request.user.get_username(), "asked to look again", series.root_msgid)
        return HttpResponseRedirect(links.to_series(name, series.root_msgid))
    context = {"name": name, "series": series, "may_submit": may_submit(request)}
    return render(request, "threads/rerun.html", context, status=403 if request.method == "POST" else 200)
