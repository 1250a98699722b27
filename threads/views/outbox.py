"""The outbox: what waits to be sent, and deciding about it. For moderators alone."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from reviewbot.errors import AuthorError, ReviewError
from reviewbot.mail.parse import parse_message
from threads.models import Consent, Delivery
from threads.selectors import outbox as selectors
from threads.selectors.series import report_of
from threads.selectors.watching import maintained_by
from threads.services import outbox
from threads.views.permissions import may_decide, may_moderate, to_sign_in


@require_http_methods(["GET", "HEAD", "POST"])
def queue(request: HttpRequest) -> HttpResponse:
    """Show the mails by stage, what waits first; a POST stops all mails, or lets them go again.

    Who maintains lists sees the mails about their series, and stops nothing.
    """
    if not request.user.is_authenticated:
        return to_sign_in(request)
    everything, lists = may_moderate(request), maintained_by(request.user.pk)
    if not (everything or lists) or (request.method == "POST" and not everything):
        raise PermissionDenied
    who, problem = request.user.get_username(), ""
    if request.method == "POST":
        if "start" in request.POST:
            outbox.lift(who)
            return HttpResponseRedirect("/outbox/")
        if why := request.POST.get("why", "").strip():
            outbox.stop(who, why[:2000])
            return HttpResponseRedirect("/outbox/")
        problem = "Say why; whoever lifts the stop has to know."
    context = {
        "shelves": selectors.shelves(None if everything else lists),
        "stop": selectors.standing_stop(),
        "problem": problem,
        "may_stop": everything,
    }
    return render(request, "threads/outbox.html", context, status=400 if problem else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def mail(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one mail as it would leave; a POST decides about it."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    row = selectors.mail(pk)
    if not may_decide(request, row.series if row else None):
        raise PermissionDenied
    if row is None:
        raise Http404("This mail was replaced by a newer one.")
    problem = ""
    if request.method == "POST":
        try:
            _decide(request, row)
        except ReviewError as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path if "edit" in request.POST else "/outbox/")
    told = outbox.told_by(row)
    findings = report_of(row.series).findings if row.series else ()
    context = {
        "row": row,
        "text": bytes(row.raw).decode("utf-8", "replace"),
        "body": request.POST.get("body") or parse_message(bytes(row.raw)).body,
        "difference": _difference(row),
        "rules": sorted({one.finding.rule for one in findings if one.finding.fingerprint in told}),
        "may_mute": may_moderate(request),
        "whom": ", ".join(_author(row)),
        "waits": row.stage == Delivery.Stage.WAITING,
        "problem": problem,
        "why": request.POST.get("why", ""),
    }
    return render(request, "threads/outbox_mail.html", context, status=400 if problem else 200)


def _decide(request: HttpRequest, row: Delivery) -> None:
    who, posted = request.user.get_username(), request.POST
    actions: dict[str, Callable[[], object]] = {
        "approve": lambda: outbox.approve(row.pk, who),
        "edit": lambda: outbox.edit(row.pk, who, posted.get("body", "")),
        "reject": lambda: outbox.reject(row.pk, who, posted.get("why", "")),
        "mute_rule": lambda: outbox.mute(posted.get("mute_rule", ""), who, f"Seen in mail {row.pk}."),
        "mute_author": lambda: outbox.wish(_author(row), Consent.Wish.NONE, by=who, how=f"page of mail {row.pk}"),
    }
    action = next((name for name in actions if name in posted), "")
    if action.startswith("mute") and not may_moderate(request):
        raise PermissionDenied
    if not action:
        raise AuthorError("Say what is to become of the mail.")
    actions[action]()


def _author(row: Delivery) -> list[str]:
    return [selectors.addressee(row)] if row.series else [one.rpartition(" ")[2].strip("<>") for one in row.recipients]


def _difference(row: Delivery) -> str:
    """Return what a person changed in the text, as a unified diff; "" when nobody did."""
    if not row.drafted:
        return ""
    before, after = (parse_message(bytes(raw)).body.split("\n") for raw in (row.drafted, row.raw))
    return "\n".join(difflib.unified_diff(before, after, "as drafted", "as edited", lineterm=""))
