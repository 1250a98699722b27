"""What one person posted, what was posted about one file, and whole threads."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from threads.selectors import listing
from threads.selectors import mails as selectors
from threads.selectors.search import touching
from threads.views import answers
from threads.views.discussion import author_of, tree_of

#: characters of mails on one page of a thread
THREAD_BUDGET = 40_000


@require_GET
def author(request: HttpRequest, name: str, email: str) -> HttpResponse:
    """Show the series of one person, and the latest mails."""
    person = selectors.person_of(email)
    if person is None:
        raise Http404(f"Nobody of the address {email[:200]} has posted here.")
    context = {
        "name": name,
        "person": person,
        "page": listing.page_of(listing.by_author(person), request.GET.get("at", "")),
        "mails": selectors.latest_of(person),
    }
    return render(request, "threads/author.html", context)


@require_GET
def file(request: HttpRequest, name: str, path: str) -> HttpResponse:
    """Show the series with a patch that touches a file."""
    page = listing.page_of(touching(path), request.GET.get("at", ""))
    return render(request, "threads/file.html", {"name": name, "path": path, "page": page})


@require_GET
def thread(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Show every mail of a thread, answers below what they answer, quotes folded."""
    mail = selectors.mail_of(msgid)
    if mail is None:
        return answers.unknown(request, msgid)
    mails, more = selectors.thread_of(mail)
    start = next((one.pk for one in mails if str(one.pk) == request.GET.get("from", "")), 0)
    tree = tree_of(mails, selectors.patch_numbers(mails), THREAD_BUDGET, start=start, whole=True)
    context = {
        "name": name,
        "mail": mail,
        "who": author_of(mail),
        "nodes": tree.nodes,
        "start": start,
        "count": len(mails),
        "more": more,
        "on_from": tree.on_from,
    }
    return render(request, "threads/thread.html", context)
