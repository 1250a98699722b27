"""The daily files of the whole public history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.views.decorators.http import require_safe

from threads.services.bulkfile import LINES, SQL

_KINDS = {LINES: "application/gzip", SQL: "application/vnd.sqlite3"}


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Name the files that there are, with size in bytes and date."""
    found = []
    for name in _KINDS:
        path = Path(settings.BULK) / name
        if path.is_file():
            kept = path.stat()
            written = datetime.fromtimestamp(kept.st_mtime, UTC).isoformat(timespec="seconds")
            url = request.build_absolute_uri(f"/bulk/{name}")
            found.append({"name": name, "url": url, "bytes": kept.st_size, "written": written})
    response = JsonResponse({"files": found})
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def download(request: HttpRequest, name: str) -> HttpResponse | FileResponse:
    """Return a file; what did not change is not sent again."""
    path = Path(settings.BULK) / name
    if name not in _KINDS or not path.is_file():
        raise Http404("There is no such file; /bulk/ names those that there are, and they are written once a day.")
    kept = path.stat()
    tag = quote_etag(f"{kept.st_mtime_ns:x}-{kept.st_size:x}")
    unchanged = get_conditional_response(request, etag=tag, last_modified=int(kept.st_mtime))
    if unchanged is not None:
        return HttpResponse(status=304, headers={"ETag": tag})
    response = FileResponse(path.open("rb"), content_type=_KINDS[name], as_attachment=True, filename=name)
    response["ETag"] = tag
    response["Last-Modified"] = http_date(kept.st_mtime)
    response["Access-Control-Allow-Origin"] = "*"
    return response
