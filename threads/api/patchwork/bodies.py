"""What clients post, as form or JSON, in Patchwork's words; what is wrong with it is told by field."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.utils.text import slugify
from rest_framework import serializers as s

from threads.models import ForeignCheck
from threads.selectors import patchwork as selectors
from threads.services.foreign import STATES


class NewCheck(s.Serializer[Any]):
    """A check of another bot."""

    state = s.ChoiceField(ForeignCheck.Word.choices, error_messages={"required": "A check must have a state."})
    context = s.SlugField(max_length=255, default="default")  # type: ignore[assignment]  # Patchwork's word
    target_url = s.URLField(max_length=2000, allow_blank=True, allow_null=True, default="")
    description = s.CharField(max_length=100_000, allow_blank=True, allow_null=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Write nothing as "", whichever way it was sent; only links that a browser may follow are kept."""
        url = attrs["target_url"] or ""
        if url and not url.startswith(("http://", "https://")):
            raise s.ValidationError({"target_url": "Enter a valid URL."})
        return attrs | {"target_url": url, "description": attrs["description"] or ""}


class PatchChanges(s.Serializer[Any]):
    """What a maintainer sets; what is not named stays."""

    state = s.CharField(max_length=100)
    archived = s.BooleanField()
    commit_ref = s.CharField(max_length=255, allow_blank=True, allow_null=True)
    delegate = s.CharField(max_length=150, allow_blank=True, allow_null=True)

    def validate_state(self, value: str) -> str:
        """Return the state as a slug.

        :raises ValidationError: when there is no such state.
        """
        state = slugify(value)
        if state not in STATES:
            raise s.ValidationError(f"Invalid state {value}. Expected one of: {', '.join(STATES)}.")
        return state

    def validate_commit_ref(self, value: str | None) -> str:
        """Return "" for none."""
        return value or ""

    def validate_delegate(self, value: str | None) -> AbstractUser | None:
        """Return the account, by id or name.

        :raises ValidationError: when there is none.
        """
        if not value:
            return None
        user = selectors.find_users([value]).first()
        if user is None:
            raise s.ValidationError(f"No account {value!r} is known; /api/users/ lists them.")
        return user
