"""Telling other programs what happened: once for each address, signed, and again until it is taken.

What is to be told is found by looking: reports that changed and events since
the last look, so that no other step has to think of it. Each becomes a row;
a row is posted with a growing pause between the tries, and given up in the end.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from reviewbot.errors import NotFoundError, OperatorError, ReviewError
from reviewbot.lore.http import Client, Manners
from reviewbot.reports.facts import State
from threads import links, models

#: what was committed late is found by looking so far back; the same is never told twice
OVERLAP = timedelta(minutes=5)
#: pause before the second try; it doubles each time, up to the longest
PAUSE, LONGEST = timedelta(seconds=30), timedelta(hours=6)
MOST_TRIES = 14  # about three days
#: seconds within which an address has to answer
PATIENCE = 10.0
#: calls of one look; the rest is for the next
AT_ONCE = 200
_LEASE = timedelta(minutes=5)


def add(name: str, url: str, list_name: str = "") -> models.Webhook:
    """Note an address that is told from now on; its ``secret`` is the key of the signatures.

    :raises OperatorError: when name or address make no sense, or the name is taken.
    :raises NotFoundError: when there is no such list.
    """
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname or place.username or not url.isprintable():
        raise OperatorError(f"{url[:200]!r} is no address to tell; it begins with https:// and names a host.")
    if name != slugify(name) or not name or models.Webhook.objects.filter(name=name).exists():
        raise OperatorError(f"{name!r} is no name for it, or taken: small letters, digits and dashes, each name once.")
    mailing_list = models.MailingList.objects.filter(name=list_name).first()
    if list_name and mailing_list is None:
        raise NotFoundError(f"No list is called {list_name!r}; manage.py lists shows them.")
    return models.Webhook.objects.create(
        name=name, url=url, secret=secrets.token_hex(32), mailing_list=mailing_list, told_until=timezone.now()
    )


def remove(name: str) -> None:
    """Forget an address, and what it was to be told.

    :raises NotFoundError: when there is none of that name.
    """
    if not models.Webhook.objects.filter(name=name).delete()[0]:
        raise NotFoundError(f"No webhook is called {name!r}; manage.py webhook list shows them.")


def tell() -> None:
    """Find what is new, and post what is due."""
    for hook in models.Webhook.objects.filter(active=True).select_related("mailing_list"):
        _find(hook)
    due = models.WebhookCall.objects.filter(state=State.NOT_RUN, hook__active=True, due_at__lte=timezone.now())
    for call in due.select_related("hook").order_by("due_at", "pk")[:AT_ONCE]:
        _try(call)


def _find(hook: models.Webhook) -> None:
    """Make a row of everything that happened since the last look."""
    now, since = timezone.now(), hook.told_until - OVERLAP
    calls = [
        models.WebhookCall(hook=hook, key=key, event=event, body=json.dumps(body), due_at=now)
        for key, event, body in _news(hook, max(since, hook.created_at))
    ]
    models.WebhookCall.objects.bulk_create(calls, ignore_conflicts=True, batch_size=200)
    models.Webhook.objects.filter(pk=hook.pk).update(told_until=now)


def _news(hook: models.Webhook, since: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:  # noqa: ANN401 - a datetime
    reports: QuerySet[models.Report] = models.Report.objects.filter(updated_at__gte=since).select_related("series")
    events = models.Event.objects.filter(date__gte=since).select_related("message", "check_row", "actor")
    if hook.mailing_list_id:
        reports = reports.filter(series__lists=hook.mailing_list_id)
        events = events.filter(message__lists=hook.mailing_list_id)
    for report in reports.defer("facts").order_by("pk"):
        yield f"series-{report.series_id}-{report.digest[:40]}", "series", _series(report.series)
    for event in events.order_by("pk"):
        yield f"event-{event.pk}", event.category, _event(event)


def _series(row: models.Series) -> dict[str, Any]:
    return {
        "msgid": row.root_msgid,
        "url": settings.SITE_URL + links.to_series("", row.root_msgid),
        "api": settings.SITE_URL + links.to_status(row.root_msgid),
        "subject": row.subject,
        "version": row.version,
        "state": row.state,
        "verdict": row.verdict,
        "reason": row.reason,
        "new_errors": row.new_errors,
        "new_warnings": row.new_warnings,
    }


def _event(event: models.Event) -> dict[str, Any]:
    told = {
        "msgid": event.message.message_id,
        "api": settings.SITE_URL + links.to_status(event.message.message_id),
        "actor": event.actor.get_username() if event.actor else None,
        "date": event.date.isoformat(),
    }
    if check := event.check_row:
        return told | {"context": check.context, "state": check.state, "description": check.description}
    return told | ({"before": event.before, "after": event.after} if event.category == "patch-state-changed" else {})


def _try(call: models.WebhookCall) -> None:
    """Post a row, unless another worker has it."""
    now = timezone.now()
    mine = models.WebhookCall.objects.filter(pk=call.pk, state=State.NOT_RUN, due_at=call.due_at)
    if not mine.update(due_at=now + _LEASE, tries=F("tries") + 1):
        return
    rows, hooks = models.WebhookCall.objects.filter(pk=call.pk), models.Webhook.objects.filter(pk=call.hook_id)
    try:
        status = _post(call)
        reason = "" if 200 <= status < 300 else f"It answered with status {status}."
    except ReviewError as error:
        reason = str(error)
    if not reason:
        rows.update(state=State.PASSED, reason="")
        hooks.update(failing_since=None)
        return
    tries = call.tries + 1
    pause = min(PAUSE * 2 ** (tries - 1), LONGEST)
    given_up = State.FAILED if tries >= MOST_TRIES else State.NOT_RUN
    rows.update(state=given_up, reason=reason, due_at=now + pause)
    hooks.filter(failing_since=None).update(failing_since=now)


def _post(call: models.WebhookCall) -> int:
    host = urlsplit(call.hook.url).hostname or ""
    manners = Manners(
        settings.IDENTIFICATION,
        frozenset({host.lower()}),
        private=settings.PRIVATE_WEBHOOKS,
        timeout=PATIENCE,
        max_bytes=1 << 16,
    )
    stamp = str(int(time.time()))
    body = call.body.encode()
    headers = {
        "Content-Type": "application/json",
        "X-Reviewbot-Event": call.event,
        "X-Reviewbot-Delivery": f"{call.hook_id}-{call.key}",
        "X-Reviewbot-Timestamp": stamp,
        "X-Reviewbot-Signature": f"sha256={signature(call.hook.secret, stamp, body)}",
    }
    return Client(manners).post(call.hook.url, body, headers)


def signature(secret: str, stamp: str, body: bytes) -> str:
    """Return the HMAC-SHA-256 (RFC 2104) of the time and the body, between them a dot, in hexadecimal."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
