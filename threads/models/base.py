"""What rows have in common: work that some worker has to settle, and rows that are only added."""

from __future__ import annotations

from typing import Any

from django.db import models

from reviewbot.reports.facts import State

MESSAGE_ID_LENGTH = 998  # a header line may not be longer, RFC 5322 section 2.1.1


def choices(enum: type) -> list[tuple[str, str]]:
    """Return the choices of a string enum for a model field."""
    return [(member.value, member.value) for member in enum]  # type: ignore[attr-defined]


class Work(models.Model):
    """A row that some worker has to bring to a settled state.

    ``queued_until`` keeps it from being queued twice, ``leased_until`` from
    being worked on twice; both run out by themselves, so a lost message or a
    dead worker delays it and nothing more. ``attempts`` ends what kills workers.
    """

    state = models.CharField(max_length=20, choices=choices(State), default=State.NOT_RUN, db_index=True)
    reason = models.TextField(blank=True)
    queued_until = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class AppendOnlyRows(models.QuerySet[Any]):
    """Rows that are written once: neither changed nor removed, also not many at a time."""

    def update(self, **values: Any) -> int:  # noqa: ANN401
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self.model._meta.verbose_name} is never changed; write another one.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self.model._meta.verbose_name} is never removed.")

    def move(self, series: int, topic: int) -> None:
        """Let marks go along with their series into another topic; what was said stays as it is."""
        models.QuerySet.update(self.filter(series=series), topic=topic)


class AppendOnly(models.Model):
    """A row that is written once: what a person did is neither changed nor taken back, only followed by something."""

    who = models.CharField(max_length=150, help_text="name of the account")
    at = models.DateTimeField(auto_now_add=True)

    objects = AppendOnlyRows.as_manager()

    class Meta:
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:  # noqa: ANN401
        """Refuse.

        :raises TypeError: always.
        """
        raise TypeError(f"A {self._meta.verbose_name} is never removed.")

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Write the row once.

        :raises TypeError: when it is there already.
        """
        if not self._state.adding:
            raise TypeError(f"A {self._meta.verbose_name} is never changed; write another one.")
        super().save(*args, **kwargs)
