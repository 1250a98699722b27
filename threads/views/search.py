"""Finding mails, and the page that explains how."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from threads.fulltext import MAX_MATCHES
from threads.models import Message
from threads.selectors import search as selectors
from threads.selectors.listing import Wanted
from threads.selectors.query import PREFIXES, parse
from threads.views.discussion import author_of

#: mails on one page of results
PAGE_SIZE = 50


@require_GET
def mails(request: HttpRequest) -> HttpResponse:
    """Show the mails that a query finds, newest first, whether they belong to a series or not."""
    text = request.GET.get("q", "").strip()[:500]
    number = request.GET.get("page", "1")
    first = (int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1) - 1
    found: list[Message] = []
    if text and 0 <= first < 1000:
        found = selectors.page_of_mails(text, first * PAGE_SIZE, PAGE_SIZE + 1)
    context = {
        "wanted": Wanted(q=text),
        "problems": parse(text).problems,
        "mails": [(mail, author_of(mail)) for mail in found[:PAGE_SIZE]],
        "newer": first,
        "older": first + 2 if len(found) > PAGE_SIZE else 0,
    }
    return render(request, "threads/search.html", context)


@require_GET
def language(request: HttpRequest) -> HttpResponse:
    """Explain the language of the search."""
    return render(request, "threads/language.html", {"prefixes": PREFIXES, "matches": MAX_MATCHES})
