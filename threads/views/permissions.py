"""Who may ask for work, and judge findings. Reading needs no permission."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def may_mark(request: HttpRequest) -> bool:
    """True for maintainers: accounts that were given the permission to judge findings."""
    return request.user.has_perm("threads.add_mark")


def may_moderate(request: HttpRequest) -> bool:
    """True for accounts that were given the permission to decide about mails."""
    return request.user.has_perm("threads.moderate")


def may_submit(request: HttpRequest) -> bool:
    """True for people who are signed in, and for everybody where submissions are open."""
    return bool(settings.OPEN_SUBMISSIONS or request.user.is_authenticated)
