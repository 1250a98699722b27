"""The series of an author within some time are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("threads", "0012_watching_and_maintainers"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="series",
            index=models.Index(fields=["author", "date"], name="threads_series_author_date"),
        ),
    ]
