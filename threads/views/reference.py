"""What findings rest on: runs with their logs, trees, and rules."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from reviewbot.checks.pgtable.facts import epochs_in_words
from threads.conversion import decompress
from threads.models import Run
from threads.selectors import figures, marks, service
from threads.selectors import rules as rule_selectors
from threads.views.pictures import Part, bars

_MESSAGE_ID = re.compile(r"<([^<>\s]+@[^<>\s]+)>")
#: bytes of a log that a page shows, from its end; all of it is behind a link
LOG_SHOWN = 200_000


@require_GET
def trees(request: HttpRequest) -> HttpResponse:
    """Show the kernel trees that series are applied to."""
    return render(request, "threads/trees.html", {"trees": service.trees()})


@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one check or build: what was run, what it said, and its log."""
    row = get_object_or_404(Run, pk=pk)
    log = decompress(row.log)
    shown = log[-LOG_SHOWN:].decode("utf-8", "replace")
    context = {
        "run": row,
        "findings": row.findings.order_by("file", "line"),
        "log": shown.rstrip("\n"),
        "cut": max(0, len(log) - LOG_SHOWN),
    }
    return render(request, "threads/run.html", context)


@require_GET
def run_log(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the whole log as text."""
    row = get_object_or_404(Run, pk=pk)
    return HttpResponse(decompress(row.log), content_type="text/plain; charset=utf-8")


@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    """Show the rules of the checks."""
    known = marks.standings()
    return render(
        request,
        "threads/rules.html",
        {"rules": [(one, known.get(one.code)) for one in rule_selectors.all_rules()], "epochs": epochs_in_words()},
    )


@require_GET
def rule(request: HttpRequest, code: str) -> HttpResponse:
    """Show one rule: why it is one, who said so, and where it found something."""
    page = rule_selectors.find_rule(code)
    if page is None:
        raise Http404(f"No rule is called {code[:100]}.")
    context = {
        "rule": page,
        "series": rule_selectors.series_with(code),
        "standing": marks.standings().get(code, marks.Standing()),
        "muted": marks.muted_rules().get(code, ""),
        "marks": marks.marked(code),
        "enough": marks.ENOUGH,
        "months": bars(
            "Series with new findings by month",
            [(f"{month:%Y-%m}"[2:], (Part("", number),)) for month, number in figures.found_by_month(code)],
        ),
        "source": _linked(page.source),
        "lore": settings.LINK_URL,
    }
    return render(request, "threads/rule.html", context)


def _linked(source: str) -> list[tuple[str, str]]:
    """Divide a source into words and Message-IDs in angle brackets: ``(text, Message-ID or "")``."""
    parts = _MESSAGE_ID.split(source)
    return [(text, "" if number % 2 == 0 else text) for number, text in enumerate(parts) if text]
