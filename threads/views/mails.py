"""The page of a patch, its files, and the page of any other mail."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewbot.mail.diff import find_diff, parse_diff
from reviewbot.mail.parse import is_derived
from reviewbot.reports import status
from reviewbot.reports.facts import Life, SeriesReport, Told
from threads import links
from threads.conversion import decompress
from threads.models import Message
from threads.selectors import mails as selectors
from threads.selectors.opinions import points_in
from threads.selectors.series import report_of
from threads.views import answers
from threads.views.diffs import show
from threads.views.discussion import answers_to, author_of, comments_on, parts_of
from threads.views.mailbox import mboxrd


@require_GET
def patch_page(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Show one patch: its diff, with findings and answers at the lines they are about."""
    patch = selectors.patch_of(msgid)
    if patch is None:
        return _no_patch(request, name, msgid)
    report = report_of(patch.series)
    findings = _findings_of(report, patch.number)
    diff = parse_diff(patch.message.body)
    patches = selectors.neighbours(patch)
    others = [one.message.message_id for one in patches if one.pk != patch.pk]
    replies = answers_to(selectors.mails_about(patch), patch.message.message_id, others)
    comments = comments_on(patch.message, replies)
    in_diff = {position: said for position, said in comments.items() if position >= diff.start}
    context = {
        "name": name,
        "patch": patch,
        "mail": patch.message,
        "who": author_of(patch.message),
        "report": report,
        "message": selectors.commit_message(patch.message.body),
        "oddities": list(dict.fromkeys((*patch.message.oddities, *diff.oddities))),
        "shown": show(diff, findings, in_diff),
        "about_message": [one for position, said in comments.items() if position < diff.start for one in said],
        "findings": findings,
        "points": points_in([patch.message, *replies], {0: patch.message.message_id}).get(0, ()),
        "trailers": selectors.given(patch.trailers, patch.own_trailers),
        "cells": [cell for cell in report.cells if cell.patch == patch.number],
        "replies": [
            (reply, author_of(reply), [part.shortened() for part in parts_of(reply.body)]) for reply in replies
        ],
        "before": next((one for one in patches if one.number == patch.number - 1), None),
        "after": next((one for one in patches if one.number == patch.number + 1), None),
    }
    return render(request, "threads/patch.html", context)


def _findings_of(report: SeriesReport, number: int) -> list[tuple[str, Told]]:
    """Return what the patch brings or repairs, with the ids of the series' page."""
    return [
        (name, told)
        for name, told in status.named(report)
        if told.patch == number and told.life is not Life.PRE_EXISTING
    ]


def _no_patch(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Lead to the series of a cover, or to a mail that is no patch; else say that it is not known."""
    mail = selectors.mail_of(msgid)
    if mail is None:
        return answers.unknown(request, msgid)
    if mail.series and mail.series.cover_id == mail.pk:
        return HttpResponseRedirect(links.to_series(name, mail.message_id))
    return HttpResponseRedirect(links.to_message(name, mail.message_id))


@require_GET
def message_page(request: HttpRequest, name: str, msgid: str) -> HttpResponse:
    """Show one mail with its quotes folded."""
    mail = selectors.mail_of(msgid)
    if mail is None:
        return answers.unknown(request, msgid)
    if mail.patches.exists():
        return HttpResponseRedirect(links.to_patch(name, mail.message_id))
    replies = selectors.replies_to(mail)
    context = {
        "name": name,
        "mail": mail,
        "who": author_of(mail),
        "archive": "" if is_derived(mail.message_id) else f"{settings.LINK_URL}{links.msgid(mail.message_id)}/",
        "series": mail.series,
        "parts": parts_of(mail.body),
        "replies": [(reply, author_of(reply)) for reply in replies],
    }
    return render(request, "threads/message.html", context)


@require_GET
def mail_file(request: HttpRequest, name: str, msgid: str, form: str) -> HttpResponse:
    """Return one mail as mailbox (``mbox``), as received (``raw``), or its diff alone (``diff``)."""
    mail: Message | None = selectors.mail_of(msgid)
    if mail is None:
        return answers.unknown(request, msgid)
    if not mail.raw and form != "diff":
        raise Http404("This mail was read from a page of an archive; its own bytes are not known here.")
    raw = decompress(mail.raw)
    if form == "diff":
        start = find_diff(mail.body)
        return answers.download(mail.body[start:] if start >= 0 else "", "text/x-patch", f"{mail.subject}.diff")
    if form == "raw":
        return answers.file(raw, "text/plain; charset=utf-8", f"{mail.message_id}.eml")
    return answers.download(mboxrd([raw]), "application/mbox", f"{mail.subject}.patch")
