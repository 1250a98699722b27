"""The addresses of Patchwork's API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from threads.api.patchwork.shapes import USER, Shapes
from threads.conversion import storable
from threads.models import MailingList, Message, Patch, Person, Series
from threads.selectors import patchwork as selectors
from threads.selectors.patchwork import Checks

PER_PAGE, MOST = 30, 250
LATEST = (1, 4)


class PatchworkView(APIView):
    """A read of the dialect. Whatever token a client sends, reading is not by name."""

    schema = None

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Ask nobody for a name who only reads: b4 insists on sending some token."""
        reading = self.request is None or self.request.method in ("GET", "HEAD", "OPTIONS")
        return [] if reading else super().get_authenticators()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Note the version that is asked for."""
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
        rows: QuerySet[Any] | list[Any],
        shape: Callable[[list[Any]], list[dict[str, Any]]],
    ) -> Response:
        """Return one page as an array; where the others are stands in the Link header alone."""
        size = max(1, min(_number(request, "per_page", PER_PAGE), MOST))
        number = _number(request, "page", 1)
        count = rows.count() if isinstance(rows, QuerySet) else len(rows)
        last = max(1, -(-count // size))
        if not 1 <= number <= last:
            raise exceptions.NotFound("Invalid page.")
        found = list(rows[(number - 1) * size : number * size])
        response = Response(shape(found))
        if link := _links(request, number, last):
            response["Link"] = link
        return response


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
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404
    return row


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
    """The one user that checks are from."""

    def get(self, request: Request, pk: str | None = None, version: str | None = None) -> Response:
        """List it, or return it."""
        if pk is None:
            return self.paged(request, [self.shapes.user()], list)
        if int(pk) != USER["id"]:
            raise Http404
        return Response(self.shapes.user())


class Empty(PatchworkView):
    """A collection that nothing is kept in: bundles."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """Return an empty list."""
        return self.paged(request, [], list)


class Patches(PatchworkView):
    """Patches."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List patches."""
        return self.paged(request, selectors.find_patches(request.query_params), self._shape)

    def _shape(self, found: list[Patch]) -> list[dict[str, Any]]:
        checks = selectors.checks_of(found)
        return [self.shapes.patch(row, checks.get(row.pk, Checks())) for row in found]


class PatchView(PatchworkView):
    """One patch."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a patch with its diff."""
        row = _one(selectors.find_patches(request.query_params), pk)
        row.message = Message.objects.select_related("author").get(pk=row.message_id)
        return Response(self.shapes.patch_in_full(row, selectors.checks_of([row]).get(row.pk, Checks())))

    def patch(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Refuse: what maintainers decide about a patch is kept in their own Patchwork."""
        raise exceptions.PermissionDenied("States of patches are not kept here; set them in your own Patchwork.")

    put = patch


class ChecksView(PatchworkView):
    """The checks of a patch."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """List the checks; ``context`` and ``state`` filter."""
        row = _one(selectors.find_patches(request.query_params.__class__()), pk)
        found = list(selectors.checks_of([row]).get(row.pk, Checks()).checks)
        query = request.query_params
        found = [
            check
            for check in found
            if query.get("context", check.context) == check.context and query.get("state", check.state) == check.state
        ]
        if query.get("order", "").startswith("-"):
            found.reverse()
        return self.paged(request, found, lambda some: [self.shapes.check(check, row) for check in some])

    def post(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Refuse: only this service's own checks stand here."""
        raise exceptions.PermissionDenied("Checks of others are not kept here.")


class CheckView(PatchworkView):
    """One check of a patch."""

    def get(self, request: Request, pk: str, number: str, version: str | None = None) -> Response:
        """Return a check."""
        row = _one(selectors.find_patches(request.query_params.__class__()), pk)
        for check in selectors.checks_of([row]).get(row.pk, Checks()).checks:
            if check.number == int(number):
                return Response(self.shapes.check(check, row))
        raise Http404


class SeriesList(PatchworkView):
    """Series."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List series."""
        rows = selectors.find_series(request.query_params)
        return self.paged(request, rows, lambda found: [self.shapes.series(row) for row in found])


class SeriesView(PatchworkView):
    """One series."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a series with its patches."""
        return Response(self.shapes.series(_one(selectors.find_series(request.query_params), pk)))


class Covers(PatchworkView):
    """Cover letters."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List cover letters."""
        rows = selectors.find_covers(request.query_params)
        return self.paged(request, rows, lambda found: [self.shapes.cover(row) for row in found])


class CoverView(PatchworkView):
    """One cover letter."""

    def get(self, request: Request, pk: str, version: str | None = None) -> Response:
        """Return a cover letter with its text."""
        return Response(self.shapes.cover_in_full(_one(selectors.find_covers(request.query_params), pk)))


class Events(PatchworkView):
    """What happened: a series came, a series is complete."""

    def get(self, request: Request, version: str | None = None) -> Response:
        """List events, newest first."""
        query = request.query_params.copy()
        query["order"] = "-id"
        category = query.get("category", "")
        rows = selectors.find_series(query)
        return self.paged(
            request, rows, lambda found: [event for row in found for event in self._events(row, category)]
        )

    def _events(self, row: Series, category: str) -> list[dict[str, Any]]:
        complete = len(row.patches.all()) >= row.expected
        happened = [(2 * row.pk + 1, "series-completed")] * complete + [(2 * row.pk, "series-created")]
        return [self.shapes.event(number, what, row) for number, what in happened if category in ("", what)]
