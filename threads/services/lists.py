"""Which lists are followed: a person says so, and the next look begins."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from reviewbot.errors import NotFoundError, OperatorError
from reviewbot.lore.follow import newest
from reviewbot.lore.http import Client, Manners
from threads import models


def follow(name: str, source: str = "", address: str = "") -> models.MailingList:
    """Follow a list from now on, or from where it was left; what is older is taken in by ``manage.py import``.

    :param source: URL or folder of a public-inbox; the archive of a known list when empty.
    :param address: where one posts; needed for a list that is not known yet.
    :raises OperatorError: when the list is not known and too little is said about it.
    :raises ReviewError: when there is no archive at the source.
    """
    row = models.MailingList.objects.filter(name=name).first()
    row = row or _new(name, address)
    place = source or row.epochs or row.archive
    if not place:
        raise OperatorError(f"Where is {name} archived? Give the URL or the folder of its public-inbox.")
    client = client_of(place)
    now = newest(place, client=client)
    if not row.cursor or row.epochs not in ("", place):
        row.cursor = str(now)
    row.epochs = place
    row.save()
    return row


def forget(name: str) -> None:
    """Follow a list no longer; its mails and its place stay.

    :raises NotFoundError: when no such list is followed.
    """
    if not models.MailingList.objects.filter(name=name).exclude(epochs="").update(epochs=""):
        raise NotFoundError(f"No list named {name!r} is followed.")


def client_of(source: str) -> Client:
    """Return the client that may ask the host of an archive, and no other."""
    host = urlsplit(source).hostname or ""
    return Client(Manners(settings.IDENTIFICATION, frozenset({host}), private=settings.PRIVATE_ARCHIVES))


def _new(name: str, address: str) -> models.MailingList:
    try:
        validate_slug(name)
        validate_email(address)
    except ValidationError as error:
        known = ", ".join(models.MailingList.objects.order_by("name").values_list("name", flat=True))
        raise OperatorError(
            f"{name!r} is no list that is known here ({known}); to follow it, say where one posts: --address."
        ) from error
    return models.MailingList(name=name, address=address, list_id=address.replace("@", "."))
