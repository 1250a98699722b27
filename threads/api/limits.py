"""How often may be asked: by account where a key is sent, else by address."""

from __future__ import annotations

from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

_READS = ("GET", "HEAD", "OPTIONS")


class _Throttle(SimpleRateThrottle):
    """A limit for some methods."""

    reads: bool

    def get_rate(self) -> str:
        """Return the limit, as the operator set it."""
        return f"{settings.API_READS if self.reads else settings.API_WRITES}/min"

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count a request, if it is of the kind that this limits."""
        if (request.method in _READS) is not self.reads:
            return True
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str:
        """Return whose requests are counted together."""
        user = request.user
        who = f"account-{user.pk}" if user and user.is_authenticated else self.get_ident(request)
        return self.cache_format % {"scope": self.scope, "ident": who}


class ReadThrottle(_Throttle):
    """Reading: scripts and boards may do a lot of it."""

    scope = "api-read"
    reads = True


class WriteThrottle(_Throttle):
    """Writing, and asking for work."""

    scope = "api-write"
    reads = False
