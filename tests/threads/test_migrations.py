"""Steps of the database keep what was there."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from tests import factories
from threads import models

pytestmark = pytest.mark.django_db


def paths() -> list[tuple[int, str]]:
    return list(models.TouchedPath.objects.order_by("series", "path").values_list("series", "path"))


def test_series_that_were_there_before_are_found_by_their_files() -> None:
    factories.discussion()
    factories.does_not_apply()
    known = paths()
    models.TouchedPath.objects.filter(pk__in=models.TouchedPath.objects.values("pk")[1:]).delete()
    assert known != paths()
    step = import_module("threads.migrations.0015_paths_of_every_series")
    step._paths(apps, connection.schema_editor())
    assert paths() == known
