"""How pages answer: entity tags, files, and the page for what is not known."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.text import slugify

HERE = Path(__file__).resolve().parent.parent


@cache
def _looks() -> str:
    """Name the state of templates and style, so that a new release is not hidden by an old entity tag."""
    digest = hashlib.sha256()
    for path in sorted((*HERE.glob("templates/**/*.html"), *HERE.glob("static/**/*.*"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def unchanged(request: HttpRequest, tag: str) -> HttpResponse | None:
    """Return 304 when the client already has this state of the page, else None."""
    etag = quote_etag(f"{tag}-{_looks()}")
    answer = get_conditional_response(request, etag=etag)
    return answer if isinstance(answer, HttpResponse) else None


def tagged(response: HttpResponse, tag: str) -> HttpResponse:
    """Give an answer its entity tag; it may be kept, and is asked for again."""
    response["ETag"] = quote_etag(f"{tag}-{_looks()}")
    response["Cache-Control"] = "no-cache"
    return response


def file(content: bytes | str, kind: str, name: str) -> HttpResponse:
    """Return a file with its name; the type is one that no browser runs."""
    response = HttpResponse(content, content_type=kind)
    safe = "".join(char if char.isalnum() or char in "-_.@+" else "_" for char in name)[:150]
    response["Content-Disposition"] = f'inline; filename="{safe}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def download(content: bytes | str, kind: str, name: str) -> HttpResponse:
    """Return a file to be kept. git-pw and pwclient take the name as it stands: no quotes around it."""
    response = HttpResponse(content, content_type=f"{kind}; charset=utf-8")
    stem, _, suffix = name.rpartition(".")
    response["Content-Disposition"] = f"attachment; filename={slugify(stem)[:100] or 'patch'}.{suffix}"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def unknown(request: HttpRequest, message_id: str, **context: Any) -> HttpResponse:  # noqa: ANN401
    """Return the page of a Message-ID that is not known here, with what can be done."""
    return render(request, "threads/unknown.html", {"message_id": message_id, **context}, status=404)
