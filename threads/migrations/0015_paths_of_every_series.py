"""Every series is found by the files it touches, and by when it came."""

from collections.abc import Iterator
from itertools import groupby

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_CHUNK = 2000


def _paths(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Note the files of the series that no tree was tried for."""
    known = apps.get_model("threads", "TouchedPath")
    rows: list[models.Model] = []
    for series, path in _touched(apps):
        rows.append(known(series_id=series, path=path))
        if len(rows) == _CHUNK:
            known.objects.bulk_create(rows, ignore_conflicts=True)
            rows.clear()
    known.objects.bulk_create(rows, ignore_conflicts=True)


def _touched(apps: Apps) -> Iterator[tuple[int, str]]:
    patches = apps.get_model("threads", "Patch").objects.order_by("series").values_list("series", "files")
    for series, found in groupby(patches.iterator(chunk_size=_CHUNK), key=lambda row: row[0]):
        paths = sorted({path for _, files in found for path in files if len(path) <= 500})
        yield from ((series, path) for path in paths[:2000])


class Migration(migrations.Migration):
    dependencies = [("threads", "0014_stale_reports")]

    operations = [
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["-received_at", "-id"], name="threads_series_received"),
        ),
        migrations.RunPython(_paths, migrations.RunPython.noop),
    ]
