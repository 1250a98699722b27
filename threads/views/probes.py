"""What load balancers, orchestrators and Prometheus ask."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from threads import metrics
from threads.selectors import health


@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Say whether this process is alive and reaches its database; 503 means that a new start may help."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return JsonResponse({"status": "broken", "reason": f"the database does not answer: {error}"}, status=503)
    return JsonResponse({"status": "ok"})


@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Say what is wrong; 503 when nothing works while it stands."""
    found = health.problems()
    problems = [{"name": one.name, "words": one.words, "blocks": one.blocks} for one in found]
    blocked = any(one.blocks for one in found)
    status = "not ready" if blocked else "impaired" if found else "ready"
    return JsonResponse({"status": status, "problems": problems}, status=503 if blocked else 200)


@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """Return the figures for Prometheus."""
    return HttpResponse(metrics.text(), content_type="text/plain; version=0.0.4; charset=utf-8")
