"""The inbox, submitting, and whether the service is well."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from reviewbot.errors import ReviewError
from reviewbot.reports.facts import State
from threads import links
from threads.models import Submission
from threads.selectors import figures, health, outbox, service, watching, workers
from threads.selectors.series import find_series, list_names
from threads.services import intake
from threads.services.marks import note
from threads.views.permissions import may_moderate, may_submit
from threads.views.pictures import Part, bars


@require_http_methods(["GET", "HEAD", "POST"])
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what needs a look; a POST submits a Message-ID or a link."""
    target = request.POST.get("target", "").strip()
    problem = ""
    if request.method == "POST":
        answer = _submit(request, target)
        if isinstance(answer, HttpResponse):
            return answer
        problem = answer
    headings = service.inbox()
    watches = watching.watches_of(request.user)
    lists = None if may_moderate(request) else watching.maintained_by(request.user.pk)
    context = {
        "headings": headings,
        "watched": watching.watched(watches),
        "watches": watches,
        "empty": not any(heading.rows for heading in headings),
        "service": service.service_state(),
        "lists": service.mailing_lists(),
        "submissions": service.open_submissions(),
        "may_submit": may_submit(request),
        "mails_waiting": outbox.count_waiting(lists),
        "problem": problem,
        "target": target,
    }
    return render(request, "threads/inbox.html", context, status=400 if problem else 200)


def _submit(request: HttpRequest, target: str) -> HttpResponse | str:
    """Submit; return where to go, or the sentence that says why not."""
    if not may_submit(request):
        return "Submitting needs a sign-in on this host; a maintainer can submit it for you."
    series = find_series(target)
    if series is not None:
        return HttpResponseRedirect(links.to_series(next(iter(list_names(series)), ""), series.root_msgid))
    try:
        row = intake.submit(target, {})
        note(request.user.get_username(), "submitted", target)
        return HttpResponseRedirect(links.to_submission(row))
    except ReviewError as error:
        return str(error)


@require_GET
def submission(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what became of a submission; lead to the series as soon as there is one."""
    row = get_object_or_404(Submission.objects.select_related("series"), pk=pk)
    if row.series is not None:
        return redirect(links.to_series(next(iter(list_names(row.series)), ""), row.series.root_msgid))
    context = {"submission": row, "settled": State(row.state).settled, "lore": settings.LINK_URL}
    return render(request, "threads/submission.html", context)


@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """Show how the service itself is: lists, queues, workers, disk."""
    times, half, most = figures.times_to_verdict()
    context = {
        "times": bars("Series by time from mail to verdict", [(label, (Part("", n),)) for label, n in times]),
        "half": half,
        "most": most,
        "broken": service.broken_runs(),
        "problems": health.problems(),
        "lists": service.mailing_lists(),
        "queues": service.queues(),
        "workers": workers.listening(),
        "disks": service.disks(),
    }
    return render(request, "threads/status.html", context)
