"""Signing in, judging a finding, and the log of what people did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from reviewbot.errors import ReviewError
from reviewbot.reports import status
from threads import links
from threads.conversion import storable
from threads.models import Mark
from threads.selectors import marks as selectors
from threads.selectors.series import find_series, report_of
from threads.services import marks
from threads.views import answers
from threads.views.permissions import may_mark

#: entries of the log on its page
LOG_SHOWN = 200


@receiver(user_logged_in)
def _note_sign_in(user: AbstractBaseUser, **kwargs: object) -> None:
    marks.note(user.get_username(), "signed in", "")


@receiver(user_logged_out)
def _note_sign_out(user: AbstractBaseUser | None, **kwargs: object) -> None:
    if user is not None:
        marks.note(user.get_username(), "signed out", "")


@receiver(user_login_failed)
def _note_refusal(credentials: Mapping[str, Any], **kwargs: object) -> None:
    """Note who could not sign in; a name that is none may be a password in the wrong field, and is not kept."""
    name = str(credentials.get("username") or "")[:150]
    known = get_user_model().objects.filter(username=storable(name)).exists()
    marks.note(name if known else "", "could not sign in", "")


class SignIn(LoginView):
    """Sign in with an account of this host; leads back to where one came from."""

    template_name = "threads/login.html"
    next_page = "/"


class SignOut(LogoutView):
    """Sign out; only by a POST."""

    next_page = "/"


@require_http_methods(["GET", "HEAD", "POST"])
def finding(request: HttpRequest, name: str, msgid: str, key: str) -> HttpResponse:
    """Show one finding with everything that maintainers said about it; a POST says something."""
    series = find_series(msgid)
    if series is None:
        return answers.unknown(request, msgid)
    report = report_of(series)
    told = dict(status.named(report)).get(key)
    if told is None:
        raise Http404("This finding is not among those of the series any more.")
    problem = ""
    if request.method == "POST":
        if not may_mark(request, series):
            raise PermissionDenied
        judgement, reason = request.POST.get("judgement", ""), request.POST.get("reason", "")
        try:
            marks.mark(series, told, judgement, reason, request.user.get_username())
        except ReviewError as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(f"{links.to_series(name, series.root_msgid)}#f-{key}")
    context = {
        "name": name,
        "series": series,
        "report": report,
        "id": key,
        "told": told,
        "marks": selectors.marks_of(series.topic_id).get(told.finding.fingerprint, []),
        "judgements": Mark.Judgement.values,
        "may_mark": may_mark(request, series),
        "problem": problem,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "threads/finding.html", context, status=400 if problem else 200)


@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Show what people did, newest first, to those who may see it."""
    if not request.user.has_perm("threads.view_auditentry"):
        raise PermissionDenied
    before = request.GET.get("before", "")
    older_than = int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0
    found = selectors.audit_log(older_than, LOG_SHOWN + 1)
    entries = found[:LOG_SHOWN]
    context = {"entries": entries, "older": entries[-1].pk if len(found) > LOG_SHOWN else 0}
    return render(request, "threads/audit.html", context)
