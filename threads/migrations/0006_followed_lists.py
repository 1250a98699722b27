"""How a followed list does: since when and why it cannot be read, and when it is asked again."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('threads', '0005_tree_upkeep_and_overlaps'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailinglist',
            name='failing_since',
            field=models.DateTimeField(blank=True, help_text='when it first could not be read', null=True),
        ),
        migrations.AddField(
            model_name='mailinglist',
            name='failure',
            field=models.TextField(blank=True, help_text='why it could not'),
        ),
        migrations.AddField(
            model_name='mailinglist',
            name='retry_at',
            field=models.DateTimeField(blank=True, help_text='when it is asked again', null=True),
        ),
    ]
