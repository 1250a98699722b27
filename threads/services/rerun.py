"""Doing it again, because somebody asks."""

from __future__ import annotations

from django.db import transaction

from threads import models
from threads.services import pipeline


def rerun(series: models.Series) -> None:
    """Choose the base again, redo what broke, and report again."""
    with transaction.atomic():
        pipeline.want(series, again=True)
