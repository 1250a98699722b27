"""What the person who is signed in watches."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from reviewbot.errors import ReviewError
from threads.models import MailingList, Watch
from threads.selectors import watching as selectors
from threads.services import watching
from threads.views.permissions import to_sign_in

#: series on the page
SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
def watch_list(request: HttpRequest) -> HttpResponse:
    """Show what is watched and the series it is about; a POST takes something up or gives it up."""
    if not request.user.is_authenticated:
        return to_sign_in(request)
    user = cast(AbstractBaseUser, request.user)
    kind, value, problem = request.POST.get("kind", ""), request.POST.get("value", ""), ""
    if request.method == "POST":
        try:
            if (gone := request.POST.get("remove", "")).isascii() and gone.isdigit():
                watching.unwatch(user, min(int(gone), 2**62))
            else:
                watching.watch(user, kind, value)
            return HttpResponseRedirect("/watching/")
        except ReviewError as error:
            problem = str(error)
    watches = selectors.watches_of(request.user)
    context = {
        "watches": watches,
        "rows": selectors.watched(watches, SHOWN),
        "kinds": Watch.Kind.values,
        "kind": kind or request.GET.get("kind", ""),
        "value": value or request.GET.get("value", "")[:500],
        "lists": MailingList.objects.order_by("name").values_list("name", flat=True),
        "problem": problem,
    }
    return render(request, "threads/watching.html", context, status=400 if problem else 200)
