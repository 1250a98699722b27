"""How often may be asked: by account where a key is sent, else by address."""

from __future__ import annotations

import time

from django.conf import settings
from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

_READS = ("GET", "HEAD", "OPTIONS")
_MINUTE = 60


class _Throttle(BaseThrottle):
    """A limit for some methods: two numbers for each who asks, however often."""

    reads: bool
    scope: str
    _asked = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count a request, if it is of the kind that this limits; the minute before counts as far as it overlaps."""
        if (request.method in _READS) is not self.reads:
            return True
        self._asked = time.time()
        minute, passed = divmod(self._asked, _MINUTE)
        key = f"{self.scope}-{self._who(request)}-{minute:.0f}"
        cache.add(key, 0, 3 * _MINUTE)
        count = cache.incr(key)
        before = cache.get(f"{self.scope}-{self._who(request)}-{minute - 1:.0f}", 0)
        most = settings.API_READS if self.reads else settings.API_WRITES
        return bool(count + before * (1 - passed / _MINUTE) <= most)

    def wait(self) -> float:
        """Return the seconds until this minute is over."""
        return _MINUTE - self._asked % _MINUTE

    def _who(self, request: Request) -> str:
        """Return whose requests are counted together."""
        user = request.user
        return f"account-{user.pk}" if user and user.is_authenticated else str(self.get_ident(request))


class ReadThrottle(_Throttle):
    """Reading: scripts and boards may do a lot of it."""

    scope = "api-read"
    reads = True


class WriteThrottle(_Throttle):
    """Writing, and asking for work."""

    scope = "api-write"
    reads = False
