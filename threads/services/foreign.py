"""What others say and decide about patches: checks of other bots, and the states that maintainers set."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from reviewbot.errors import AuthorError
from threads import conversion, models
from threads.services.marks import note

#: states of a patch, as Patchwork is set up and its clients know them
STATES = (
    "new",
    "under-review",
    "accepted",
    "rejected",
    "rfc",
    "not-applicable",
    "changes-requested",
    "awaiting-upstream",
    "superseded",
    "deferred",
)
#: checks of one account for one patch that are kept; a bot posts a few dozen
MOST = 500
#: characters of a description that are kept
DESCRIPTION = 2000


def add_check(
    message: models.Message,
    user: AbstractBaseUser,
    *,
    context: str,
    state: str,
    target_url: str,
    description: str,
) -> models.ForeignCheck:
    """Keep what another bot says about a patch, and that it did; the newest of a context and a bot counts.

    :raises AuthorError: when this account has posted :data:`MOST` to the patch already.
    """
    with transaction.atomic():
        if models.ForeignCheck.objects.filter(message=message, user_id=user.pk).count() >= MOST:
            raise AuthorError(f"{MOST} checks of this account stand at the patch already; its owner should look why.")
        row = models.ForeignCheck.objects.create(
            message=message,
            user_id=user.pk,
            context=context,
            state=state,
            target_url=target_url,
            description=conversion.storable(description)[:DESCRIPTION],
        )
        models.Event.objects.create(category="check-created", message=message, actor_id=user.pk, check_row=row)
    return row


def decide(patch: models.Patch, user: AbstractBaseUser, standing: str, changes: dict[str, Any]) -> models.PatchDecision:
    """Keep what a maintainer decides about a patch; what changes becomes an event and stands in the log.

    :param standing: the state that the patch has before.
    :param changes: any of ``state``, ``archived``, ``delegate`` (an account or None) and ``commit_ref``.
    """
    with transaction.atomic():
        row, _ = models.PatchDecision.objects.select_for_update().get_or_create(message_id=patch.message_id)
        before = row.delegate_id
        for name, value in changes.items():
            setattr(row, name, value)
        row.save()
        if row.state and row.state != standing:
            _event("patch-state-changed", patch, user, standing, row.state)
        if row.delegate_id != before:
            _event("patch-delegated", patch, user, str(before or ""), str(row.delegate_id or ""))
        said = ", ".join(f"{name}: {value}" for name, value in changes.items())
        note(user.get_username(), "decided about a patch", patch.message.message_id, said)
    return row


def _event(category: str, patch: models.Patch, user: AbstractBaseUser, before: str, after: str) -> None:
    models.Event.objects.create(
        category=category, message_id=patch.message_id, actor_id=user.pk, before=before, after=after
    )
