"""Who may ask for work, and judge findings. Reading needs no permission."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from threads.models import Series
from threads.selectors.watching import maintains


def may_mark(request: HttpRequest, series: Series) -> bool:
    """True for accounts that may judge findings, of every list or of one that the series was posted to."""
    return request.user.has_perm("threads.add_mark") or maintains(request.user.pk, series)


def may_moderate(request: HttpRequest) -> bool:
    """True for accounts that may decide about the mails of every list."""
    return request.user.has_perm("threads.moderate")


def may_decide(request: HttpRequest, series: Series | None) -> bool:
    """True for accounts that may decide about the mails about a series; what is about none is for moderators."""
    return may_moderate(request) or (series is not None and maintains(request.user.pk, series))


def may_submit(request: HttpRequest) -> bool:
    """True for people who are signed in, and for everybody where submissions are open."""
    return bool(settings.OPEN_SUBMISSIONS or request.user.is_authenticated)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Lead somebody who is not signed in to where they can, and back."""
    return HttpResponseRedirect(f"/login/?{urlencode({'next': request.get_full_path()})}")
