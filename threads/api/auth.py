"""Who asks: tokens with scopes for programs, accounts of this host for people at its pages."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from threads.models import Series, Token
from threads.services import tokens


class KeyAuthentication(BaseAuthentication):
    """``Authorization: Token KEY``, or ``Bearer``, or ``Basic`` with the token as password."""

    def authenticate(self, request: Request) -> tuple[Any, Token] | None:
        """Return account and token; None when none is sent.

        :raises AuthenticationFailed: when it is not a good one.
        """
        scheme, _, rest = get_authorization_header(request).partition(b" ")
        key = rest.strip()
        if scheme.lower() == b"basic":
            try:
                key = base64.b64decode(key, validate=True).partition(b":")[2]
            except binascii.Error:
                key = b""
        elif scheme.lower() not in (b"token", b"bearer"):
            return None
        row = tokens.find(key.decode("latin-1")) if key else None
        if row is None:
            raise exceptions.AuthenticationFailed(
                "This token is not known or was revoked; the operator makes one with `manage.py token create`."
            )
        return row.user, row

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 asks for."""
        return "Token"


def holds(request: Request, scope: str) -> bool:
    """Tell whether a scope is not one that the token of who asks lacks; accounts at our own pages have no token."""
    return not isinstance(request.auth, Token) or scope in request.auth.scopes.split()


def may(request: Request, scope: str, series: Series | None = None) -> bool:
    """Tell whether who asks may do what a scope stands for; a token never more than its account.

    :param series: what it is done about; who maintains a list of it may.
    """
    if scope == "submit" and settings.OPEN_SUBMISSIONS:
        return True
    return holds(request, scope) and tokens.allows(request.user, scope, series)


def require(request: Request, scope: str, series: Series | None = None) -> None:
    """Let those pass who may.

    :raises NotAuthenticated: for somebody without a name.
    :raises PermissionDenied: for a token without the scope, an account without the permission, a form of another site.
    """
    if request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise exceptions.PermissionDenied("A page of another site cannot do this here; use a script or our own pages.")
    if may(request, scope, series):
        return
    if request.user.is_authenticated:
        raise exceptions.PermissionDenied(
            f"This account may not {tokens.SCOPES[scope]}; the operator can make a token with the scope {scope!r}."
        )
    raise exceptions.NotAuthenticated(
        f"To {tokens.SCOPES[scope]}, send `Authorization: Token …`: a token with the scope {scope!r}, "
        "which the operator gives out."
    )
