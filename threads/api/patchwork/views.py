"""The addresses of Patchwork's API."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.core.cache import cache
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as default_handler

from reviewbot.errors import AuthorError
from threads.api.auth import require
from threads.api.base import check_size, our_fault, readable
from threads.api.limits import ReadThrottle, WriteThrottle
from threads.api.patchwork.bodies import NewCheck, PatchChanges
from threads.api.patchwork.shapes import OURSELVES, Shapes
from threads.conversion import storable
from threads.models import MailingList, Person
from threads.selectors import checks as of_patches
from threads.selectors import events
from threads.selectors import patchwork as selectors
from threads.selectors.checks import Check, Checks
from threads.services import foreign

PER_PAGE, MOST = 30, 250
LATEST = (1, 4)
#: seconds for which a count is kept at most
COUNTED = 60


class PatchworkView(APIView):
    """An address of the dialect. Whatever key a client sends, reading is not by name."""

    schema = None
    throttle_classes = [ReadThrottle, WriteThrottle]

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Ask nobody for a name who only reads: b4 insists on sending some token."""
        reading = self.request is None or self.request.method in ("GET", "HEAD", "OPTIONS")
        return [] if reading else super().get_authenticators()

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response]:
        """Tell errors in the words of the framework that Patchwork is made with, also those that nobody foresaw."""
        return lambda error, context: default_handler(readable(error), context) or our_fault(error, context)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Note the version that is asked for."""
        check_size(request)
        super().initial(request, *args, **kwargs)
        match = re.fullmatch(r"1\.([0-4])", kwargs.get("version") or "")
        self.shapes = Shapes(request._request, (1, int(match[1])) if match else LATEST)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401
        """Let scripts of any origin read."""
        response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in ("GET", "HEAD"):
            response["Access-Control-Allow-Origin"] = "*"
            response["Access-Control-Expose-Headers"] = "Link"
        return response

    def paged(
        self,
        request: Request,
        rows: QuerySet[Any] | selectors.Asked | events.Events | list[Any],
        shape: Callable[[list[Any]], list[dict[str, Any]]],
    ) -> Response:
        """Return one page as an array; where the others are stands in the Link header alone."""
        size = max(1, min(_number(request, "per_page", PER_PAGE), MOST))
        number = _number(request, "page", 1)
        count = len(rows) if isinstance(rows, list) else _count(request, rows)
        last = max(1, -(-count // size))
        if not 1 <= number <= last:
            raise exceptions.NotFound("Invalid page.")
        found = list(rows[(number - 1) * size : number * size])
        response = Response(shape(found))
        if link := _links(request, number, last):
            response["Link"] = link
        return response


def _count(request: Request, rows: QuerySet[Any] | selectors.Asked | events.Events) -> int:
    """Return how many rows there are; while nothing new comes, the same question is not counted again."""
    asked = {name: request.query_params.getlist(name) for name in sorted(request.query_params)}
    asked = {name: values for name, values in asked.items() if name not in ("page", "per_page", "order")}
    said = f"{request.path} {asked} {selectors.newest()}"
    key = f"patchwork-count-{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()}"
    return cast(int, cache.get_or_set(key, rows.count, COUNTED))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else default


def _links(request: Request, number: int, last: int) -> str:
    """Return the Link header; "next" stands first, because pwclient only reads what follows no blank."""
    pages = {"next": number + 1, "last": last, "first": 1, "prev": number - 1}
    parts = []
    for rel, page in pages.items():
        if not 1 <= page <= last or last == 1:
            continue
        query = request.query_params.copy()
        query["page"] = str(page)
        url = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        parts.append(f'<{url.replace(",", "%2C")}>; rel="{rel}"')
    return ", ".join(parts)


def _one(rows: QuerySet[Any], pk: str) -> Any:  # noqa: ANN401 - a row of the query set
    return _only(list(rows.filter(pk=pk)))


def _only(found: list[Any]) -> Any:  # noqa: ANN401 - the one row
    if not found:
        raise Http404
    return found[0]


def _patch(pk: str) -> Any:  # noqa: ANN401 - a patch with what the query adds to it
    return _only(selectors.dress_patches([int(pk)]))


class Index(PatchworkView):
    """The collections."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """Name the collections."""
        base = request.build_absolute_uri(request.path.rstrip("/"))
        names = ("bundles", "covers", "events", "patches", "people", "projects", "series", "users")
        return Response({name: f"{base}/{name}/" for name in names})


class Projects(PatchworkView):
    """The lists as projects."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List the projects."""
        rows = MailingList.objects.order_by("pk")
        return self.paged(request, rows, lambda found: [self.shapes.project(row) for row in found])


class Project(PatchworkView):
    """One list."""

    def get(self, request: Request, key: str, version: str | None = None) -> Response:
        """Return a project by id or name."""
        if key in ("0", "all"):
            return Response(self.shapes.project(None))
        column = "pk" if key.isdecimal() and len(key) < 19 else "name"
        row = MailingList.objects.filter(**{column: key}).first()
        if row is None:
            raise Http404
        return Response(self.shapes.project(row))


class People(PatchworkView):
    """The senders."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List senders; ``q`` is part of name or address."""
        rows = Person.objects.order_by("pk")
        if words := storable(request.query_params.get("q", "")):
            rows = rows.filter(name__icontains=words) | rows.filter(email__icontains=words)
        return self.paged(request, rows, lambda found: [self.shapes.person(row) | {"user": None} for row in found])


class PersonView(PatchworkView):
    """One sender."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a sender."""
        return Response(self.shapes.person(_one(Person.objects.all(), pk)) | {"user": None})


class Users(PatchworkView):
    """The accounts that checks and decisions are from; the first is the service itself."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List them; ``q`` is a part of the name, or an address."""
        rows = selectors.all_users().order_by("pk")
        words = storable(request.query_params.get("q", ""))
        if words:
            rows = rows.filter(username__icontains=words) | rows.filter(email__iexact=words)
        ours = [None] if words.lower() in "reviewbot" else []
        found = [*ours, *rows[:1000]]
        return self.paged(request, found, lambda some: [self.shapes.user(row) for row in some])


class UserView(PatchworkView):
    """One account."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return an account."""
        number = int(pk) - selectors.USERS
        return Response(self.shapes.user(_one(selectors.all_users(), str(number)) if number else None))


class Empty(PatchworkView):
    """A collection that nothing is kept in: bundles."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """Return an empty list."""
        return self.paged(request, [], list)


class Patches(PatchworkView):
    """Patches."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List patches."""
        return self.paged(request, selectors.asked(selectors.match_patches, request.query_params), self._shape)

    def _shape(self, matched: list[int]) -> list[dict[str, Any]]:
        found = selectors.dress_patches(matched)
        checks = of_patches.combined_of(found)
        return [self.shapes.patch(row, checks[row.pk]) for row in found]


class PatchView(PatchworkView):
    """One patch."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a patch with its diff."""
        row = selectors.read_patch(_patch(pk))
        return Response(self.shapes.patch_in_full(row, of_patches.combined_of([row])[row.pk]))

    def patch(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Set state, archive, delegate or commit of a patch."""
        row = _patch(pk)
        require(request, "state", row.series)
        changes = PatchChanges(data=request.data, partial=True)
        changes.is_valid(raise_exception=True)
        foreign.decide(row, cast(AbstractBaseUser, request.user), row.standing, changes.validated_data)
        return self.get(request, pk, version)

    put = patch


class ChecksView(PatchworkView):
    """The checks of a patch."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """List the checks; ``context`` and ``state`` filter."""
        row = _patch(pk)
        found = list(of_patches.checks_of([row]).get(row.pk, Checks()).checks)
        query = request.query_params
        found = [
            check
            for check in found
            if query.get("context", check.context) == check.context and query.get("state", check.state) == check.state
        ]
        if "user" in query:
            asked = query.get("user", "")
            found = [check for check in found if asked in (str(self.shapes.user(check.user)["id"]), _name(check))]
        if query.get("order", "").startswith("-"):
            found.reverse()
        return self.paged(request, found, lambda some: [self.shapes.check(check, row) for check in some])

    def post(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Keep a check of another bot."""
        require(request, "checks")
        row = _patch(pk)
        posted = NewCheck(data=request.data)
        posted.is_valid(raise_exception=True)
        try:
            check = foreign.add_check(row.message, cast(AbstractBaseUser, request.user), **posted.validated_data)
        except AuthorError as error:
            raise exceptions.PermissionDenied(str(error)) from error
        return Response(self.shapes.check(of_patches.as_check(check), row), status=201)


def _name(check: Check) -> str:
    return check.user.get_username() if check.user else str(OURSELVES["username"])


class CheckView(PatchworkView):
    """One check of a patch."""

    def get(self, request: Request, pk: str, number: str, version: str | None = None) -> Response:
        """Return a check."""
        row = _patch(pk)
        for check in of_patches.checks_of([row]).get(row.pk, Checks()).checks:
            if check.number == int(number):
                return Response(self.shapes.check(check, row))
        raise Http404


class SeriesList(PatchworkView):
    """Series."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List series."""
        rows = selectors.asked(selectors.match_series, request.query_params)
        return self.paged(
            request, rows, lambda found: [self.shapes.series(*one) for one in selectors.dress_series(found)]
        )


class SeriesView(PatchworkView):
    """One series."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a series with its patches."""
        return Response(self.shapes.series(*_only(selectors.dress_series([int(pk)]))))


class Covers(PatchworkView):
    """Cover letters."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List cover letters."""
        rows = selectors.asked(selectors.match_covers, request.query_params)
        return self.paged(
            request, rows, lambda found: [self.shapes.cover(row) for row in selectors.dress_covers(found)]
        )


class CoverView(PatchworkView):
    """One cover letter."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a cover letter with its text."""
        return Response(self.shapes.cover_in_full(selectors.read_text(_only(selectors.dress_covers([int(pk)])))))


class Events(PatchworkView):
    """What happened: a series came or is complete, a check was posted, a maintainer decided about a patch."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List events, newest first."""
        rows = events.find_events(request.query_params)
        return self.paged(request, rows, lambda found: [self.shapes.event(one) for one in events.happened(found)])


class Unknown(PatchworkView):
    """Whatever else is asked for."""

    def get(self, request: Request, rest: str) -> Response:
        """Say that it is not there, as a program reads it."""
        raise Http404

    post = put = patch = delete = get
