"""What a person watches and maintains."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q

from threads.models import Maintainer, Series, TouchedPath, Watch
from threads.selectors.listing import Wanted, find_rows, shown

#: series that are shown of all that is watched
WATCHED_SIZE = 12


def watches_of(user: AbstractBaseUser | AnonymousUser) -> list[Watch]:
    """Return what somebody watches (1 query, none for somebody who is not signed in)."""
    return list(Watch.objects.filter(user=user.pk)) if user.pk else []


def watched(watches: list[Watch], size: int = WATCHED_SIZE) -> list[Series]:
    """Return the latest versions of what is watched, newest first (1 query, none when nothing is)."""
    if not watches:
        return []
    kinds = {kind: [one.value for one in watches if one.kind == kind] for kind in Watch.Kind}
    rows = find_rows(Wanted(latest=True))
    # Asked row by row from the newest on, as the lists are.
    on = Series.lists.through.objects.filter(series=OuterRef("pk"), mailinglist__name__in=kinds[Watch.Kind.LIST])
    paths = TouchedPath.objects.filter(_touching(kinds[Watch.Kind.FILE]), series=OuterRef("pk"))
    wanted = Q(author__email__in=kinds[Watch.Kind.AUTHOR])
    if kinds[Watch.Kind.LIST]:
        wanted |= Q(Exists(on))
    if kinds[Watch.Kind.FILE]:
        wanted |= Q(Exists(paths))
    return shown(rows.filter(wanted), ("-date", "-pk"), size)


def _touching(paths: list[str]) -> Q:
    """Return the paths that are watched: a file, or everything below a folder."""
    found = Q(path__in=[path for path in paths if not path.endswith("/")])
    for path in paths:
        if path.endswith("/"):
            found |= Q(path__gte=path, path__lt=f"{path[:-1]}0")  # "0" is the character behind "/"
    return found


def maintains(user_id: int | None, series: Series) -> bool:
    """Tell whether somebody maintains a list that a series was posted to (1 query)."""
    return Maintainer.objects.filter(user=user_id, mailing_list__series=series).exists() if user_id else False


def maintained_by(user_id: int | None) -> list[int]:
    """Return the lists that somebody maintains, as numbers of their rows (1 query)."""
    return list(Maintainer.objects.filter(user=user_id).values_list("mailing_list", flat=True)) if user_id else []
