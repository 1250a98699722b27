"""What a person watches: taken up and given up."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from reviewbot.errors import AuthorError
from threads.conversion import storable
from threads.models import MailingList, Watch
from threads.services.marks import note

#: of one person
MAX_WATCHES = 100


def watch(user: AbstractBaseUser, kind: str, value: str) -> Watch:
    """Take up a file, a folder, a list or an author; to take up the same again changes nothing.

    :raises AuthorError: when there is nothing like it to watch, or too much is watched already.
    """
    value = storable(value.strip())
    if kind not in Watch.Kind.values or not value or len(value) > 500:
        raise AuthorError("Say which file, list or author, in up to 500 characters.")
    if kind == Watch.Kind.LIST and not MailingList.objects.filter(name=value).exists():
        raise AuthorError(f"No list is called {value[:100]} here.")
    if kind == Watch.Kind.AUTHOR:
        value = value.lower()
        if "@" not in value:
            raise AuthorError("An author is watched by address, and this is none.")
    with transaction.atomic():
        if Watch.objects.filter(user=user.pk).count() >= MAX_WATCHES:
            raise AuthorError(f"{MAX_WATCHES} things are watched already; give one up first.")
        row, new = Watch.objects.get_or_create(user_id=user.pk, kind=kind, value=value)
        if new:
            note(user.get_username(), "began to watch", str(row))
    return row


def unwatch(user: AbstractBaseUser, pk: int) -> None:
    """Give something up; what somebody else watches is left alone."""
    row = Watch.objects.filter(user=user.pk, pk=pk).first()
    if row is not None:
        with transaction.atomic():
            note(user.get_username(), "watches no more", str(row))
            row.delete()
