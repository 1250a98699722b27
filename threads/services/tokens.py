"""Tokens of the API: made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import secrets

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, AnonymousUser, Permission
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from reviewbot.errors import NotFoundError, OperatorError
from threads import models
from threads.selectors.watching import maintained_by, maintains

#: what a token may be good for, and what that lets its bearer do
SCOPES = {
    "submit": "ask for series, and to look again",
    "verdict": "judge findings",
    "moderate": "approve, reject and edit the mails that wait",
    "checks": "post checks of another bot to patches",
    "state": "set state, archive, delegate and commit of patches",
}
#: the permission of an account that a scope uses; to submit needs none beyond an account
PERMISSIONS = {
    "verdict": "threads.add_mark",
    "moderate": "threads.moderate",
    "checks": "threads.add_foreigncheck",
    "state": "threads.change_patchdecision",
}
#: what who maintains a list may do about its series, without the permission for those of every list
OF_A_LIST = frozenset({"verdict", "moderate", "state"})


def create(name: str, scopes: list[str]) -> str:
    """Make a token for an account of that name, which is made with it; return it; it is kept nowhere.

    An account that is made for a token may do what the token is for. A person's own
    may do what it was given, and its token no more than that.

    :raises OperatorError: when the name or a scope is none, the name has a token already, or the account may not.
    """
    if name != slugify(name) or not name:
        raise OperatorError(f"A token is named with small letters, digits and dashes; {name!r} is no such name.")
    if unknown := sorted(set(scopes) - SCOPES.keys()):
        raise OperatorError(f"There is no scope {unknown[0]!r}; there are {', '.join(SCOPES)}.")
    if not scopes:
        raise OperatorError(f"A token is good for something: name at least one of {', '.join(SCOPES)}.")
    key = secrets.token_hex(20)
    with transaction.atomic():
        if models.Token.objects.filter(name=name, revoked_at=None).exists():
            raise OperatorError(f"{name} has a token already; revoke it first: manage.py token revoke {name}")
        user, made = get_user_model().objects.get_or_create(username=name)
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        if not user.has_usable_password():
            user.user_permissions.set(_permissions(scopes))
        elif refused := [scope for scope in scopes if not _grants(user, scope)]:
            raise OperatorError(
                f"The account {name} may not {SCOPES[refused[0]]}; give it the permission "
                f"{PERMISSIONS[refused[0]]} in /admin/ first, or the token another name."
            )
        models.Token.objects.filter(name=name).delete()
        models.Token.objects.create(name=name, user=user, digest=digest(key), scopes=" ".join(dict.fromkeys(scopes)))
    return key


def _permissions(scopes: list[str]) -> list[Permission]:
    names = [PERMISSIONS[scope].partition(".")[2] for scope in scopes if scope in PERMISSIONS]
    return list(Permission.objects.filter(content_type__app_label="threads", codename__in=names))


def _grants(user: AbstractUser, scope: str) -> bool:
    """Tell whether a token of an account is good for a scope, be it about the series of one list alone."""
    return allows(user, scope) or (scope in OF_A_LIST and bool(maintained_by(user.pk)))


def allows(user: AbstractUser | AnonymousUser, scope: str, series: models.Series | None = None) -> bool:
    """Tell whether an account may do what a scope stands for, with or without a token.

    :param series: what it is done about: who maintains a list of it may do more there than elsewhere.
    """
    if scope == "submit":
        return bool(user.is_authenticated)
    if user.has_perm(PERMISSIONS[scope]):
        return True
    return scope in OF_A_LIST and series is not None and maintains(user.pk, series)


def revoke(name: str) -> None:
    """Let a token open nothing any more.

    :raises NotFoundError: when there is none of that name.
    """
    if not models.Token.objects.filter(name=name, revoked_at=None).update(revoked_at=timezone.now()):
        raise NotFoundError(f"There is no token {name!r} to revoke; manage.py token list shows those that there are.")


def find(key: str) -> models.Token | None:
    """Return the row of a token that is good, None for any other (1 query, and one more on its first use of a day)."""
    row = models.Token.objects.select_related("user").filter(digest=digest(key), revoked_at=None).first()
    if row is None or not row.user.is_active:
        return None
    today = timezone.now().date()
    if row.used_on != today:
        row.used_on = today
        row.save(update_fields=["used_on"])
    return row


def digest(key: str) -> str:
    """Return what is kept of a token: its letters are random, so that no salt is needed."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
