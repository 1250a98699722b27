"""The latest mails of an author are found by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("threads", "0010_moderators"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["author", "-date", "-id"], name="threads_mes_author__8fde42_idx"),
        ),
    ]
