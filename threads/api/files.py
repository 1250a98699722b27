"""A series as a file for other programs: SARIF, KCIDB, JUnit, a mailbox for ``git am``; and for b4's review."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable

from django.http import HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, quote_etag
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions
from rest_framework.request import Request

from reviewbot.reports import inline, junit, kcidb, sarif
from threads import links
from threads.api.base import ApiView
from threads.api.problems import problems
from threads.api.series import require_series
from threads.models import Series
from threads.selectors import exports
from threads.selectors import series as selectors

_MSGID = OpenApiParameter("msgid", str, OpenApiParameter.PATH, description="of the cover, a patch or a reply")


def _site(request: Request) -> str:
    return str(request.build_absolute_uri("/")[:-1])


class _File(ApiView, ABC):
    """One series as a file."""

    kind: str
    suffix: str

    @abstractmethod
    def content(self, request: Request, series: Series) -> bytes | str:
        """Return what stands in the file."""

    def _answer(self, request: Request, msgid: str) -> HttpResponse:
        series = require_series(msgid)
        tag = quote_etag(f"{selectors.tag_of(series)}-{self.suffix}-{selectors.thread_tag(series)}")
        unchanged = get_conditional_response(request, etag=tag)
        if unchanged is not None:
            return HttpResponse(status=304, headers={"ETag": tag})
        response = HttpResponse(self.content(request, series), content_type=self.kind)
        response["ETag"] = tag
        name = f"{series.root_msgid.replace('/', '_')}.{self.suffix}"
        response["Content-Disposition"] = content_disposition_header(False, name) or "inline"
        return response


def _schema(kind: str) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    answers = {(200, kind): OpenApiTypes.OBJECT if kind.endswith("json") else OpenApiTypes.STR} | problems(404, 422)
    return extend_schema(parameters=[_MSGID], responses=answers)


class SarifView(_File):
    """SARIF 2.1.0."""

    kind, suffix = "application/sarif+json", "sarif"

    @_schema("application/sarif+json")
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return the findings as SARIF 2.1.0, compared with the version before."""
        return self._answer(request, msgid)

    def content(self, request: Request, series: Series) -> str:
        """Return the log."""
        return json.dumps(sarif.render(selectors.report_of(series), site_url=_site(request)), indent=1)


class KcidbView(_File):
    """KCIDB 5.3."""

    kind, suffix = "application/json", "kcidb.json"

    @_schema("application/json")
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return checkout, builds, tests and issues as KCIDB takes them, schema 5.3."""
        return self._answer(request, msgid)

    def content(self, request: Request, series: Series) -> str:
        """Return the objects."""
        report = selectors.report_of(series)
        beside = selectors.beside(series, report)
        hashes = exports.patch_hashes(series)
        return json.dumps(
            kcidb.render(report, site_url=_site(request), patch_hashes=hashes, runs=beside.runs), indent=1
        )


class JunitView(_File):
    """JUnit XML."""

    kind, suffix = "application/xml", "junit.xml"

    @_schema("application/xml")
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return the checks as JUnit XML: a suite for each patch."""
        return self._answer(request, msgid)

    def content(self, request: Request, series: Series) -> bytes:
        """Return the document."""
        report = selectors.report_of(series)
        page = _site(request) + links.to_series(next(iter(report.lists), ""), report.message_id)
        return junit.render(report, page=page)


class MailboxView(_File):
    """A mailbox for ``git am``."""

    kind, suffix = "application/mbox", "am.mbox"

    @_schema("application/mbox")
    def get(self, request: Request, msgid: str) -> HttpResponse:
        """Return the patches in order with the trailers of the thread, as `b4 am` makes them: ready for `git am`."""
        return self._answer(request, msgid)

    def content(self, request: Request, series: Series) -> bytes:
        """Return the mails."""
        return exports.mailbox(series)


class PatchsetView(ApiView):
    """A series as b4's review asks a review service for it."""

    schema = None

    def get(self, request: Request) -> HttpResponse:
        """Return status and comments by patch; ``id`` is a Message-ID."""
        msgid = request.query_params.get("id", "")
        if not msgid:
            raise exceptions.ValidationError("id takes the Message-ID of a mail of the series.")
        series = require_series(msgid)
        report = selectors.report_of(series)
        site, name = _site(request), next(iter(report.lists), "")
        pages = {patch.number: site + links.to_patch(name, patch.message_id) for patch in report.patches}
        answer = inline.as_patchset(report, series.pk, exports.bodies(series), pages)
        return HttpResponse(json.dumps(answer), content_type="application/json")
