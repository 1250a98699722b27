"""A column that begins an index of several has none of its own: it would be written with every mail and never be read.

The indexes alone are dropped; to alter a column, SQLite would copy the table, which is hours for millions of mails.
"""

from django.db import migrations, models
from django.db.models.deletion import CASCADE, PROTECT, SET_NULL

from reviewbot.reports.facts import Verdict

_INDEXES = (
    ("threads_message", "author_id", "threads_message_author_id_c109eec0"),
    ("threads_message", "series_id", "threads_message_series_id_fe3df3ac"),
    ("threads_patch", "series_id", "threads_patch_series_id_319b0856"),
    ("threads_series", "author_id", "threads_series_author_id_2ca8cebf"),
    ("threads_series", "date", "threads_series_date_9ef55190"),
    ("threads_series", "topic_id", "threads_series_topic_id_93b72913"),
    ("threads_series", "verdict", "threads_series_verdict_5966cb62"),
)
#: PostgreSQL's second index of a text, for LIKE
_LIKE = "DROP INDEX IF EXISTS threads_series_verdict_5966cb62_like"


class Migration(migrations.Migration):
    dependencies = [("threads", "0015_paths_of_every_series")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(_LIKE, migrations.RunSQL.noop),
                *(
                    migrations.RunSQL(f"DROP INDEX IF EXISTS {name}", f"CREATE INDEX {name} ON {table} ({column})")
                    for table, column, name in _INDEXES
                ),
            ],
            state_operations=[
                migrations.AlterField(
                    "message",
                    "author",
                    models.ForeignKey("threads.person", PROTECT, related_name="messages", db_index=False),
                ),
                migrations.AlterField(
                    "message",
                    "series",
                    models.ForeignKey(
                        "threads.series", SET_NULL, related_name="messages", blank=True, null=True, db_index=False
                    ),
                ),
                migrations.AlterField(
                    "patch",
                    "series",
                    models.ForeignKey("threads.series", CASCADE, related_name="patches", db_index=False),
                ),
                migrations.AlterField(
                    "series",
                    "author",
                    models.ForeignKey("threads.person", PROTECT, related_name="series", db_index=False),
                ),
                migrations.AlterField("series", "date", models.DateTimeField()),
                migrations.AlterField(
                    "series",
                    "topic",
                    models.ForeignKey("threads.topic", PROTECT, related_name="series", db_index=False),
                ),
                migrations.AlterField(
                    "series",
                    "verdict",
                    models.CharField(
                        choices=[(one.value, one.value) for one in Verdict], default=Verdict.UNKNOWN, max_length=20
                    ),
                ),
            ],
        )
    ]
