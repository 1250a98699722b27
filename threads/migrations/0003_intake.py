"""What intake looks mails up by, how far imports have come, and the words of all mails."""

from django.db import migrations, models

from threads import fulltext


def create(apps, schema_editor):
    fulltext.create(schema_editor)


def drop(apps, schema_editor):
    fulltext.drop(schema_editor)


class Migration(migrations.Migration):

    dependencies = [
        ('threads', '0002_known_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='Import',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=1000)),
                ('list_name', models.CharField(blank=True, max_length=100)),
                ('beginning', models.CharField(blank=True, help_text='digest of its first bytes', max_length=64)),
                ('place', models.CharField(blank=True, max_length=1000)),
                ('mails', models.PositiveIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Missing',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('message_id', models.CharField(max_length=998, unique=True)),
                ('thread', models.CharField(db_index=True, max_length=998)),
            ],
        ),
        migrations.AddField(
            model_name='message',
            name='answer',
            field=models.BooleanField(default=False, help_text='the subject says Re: or its like'),
        ),
        migrations.AddField(
            model_name='message',
            name='in_reply_to',
            field=models.CharField(blank=True, max_length=998),
        ),
        migrations.AddField(
            model_name='message',
            name='page',
            field=models.URLField(blank=True, max_length=1000),
        ),
        migrations.AddField(
            model_name='message',
            name='sending',
            field=models.CharField(blank=True, help_text='digest of what unthreaded parts have in common', max_length=64),
        ),
        migrations.AddField(
            model_name='message',
            name='subject_key',
            field=models.CharField(blank=True, help_text='subject without Re:, folded', max_length=200),
        ),
        migrations.AddField(
            model_name='patch',
            name='name_key',
            field=models.CharField(blank=True, db_index=True, help_text='subject, folded to its words', max_length=200),
        ),
        migrations.AddField(
            model_name='patch',
            name='own_trailers',
            field=models.PositiveIntegerField(default=0, help_text='how many of them this posting was given; those behind are carried over from others'),
        ),
        migrations.AddField(
            model_name='series',
            name='name_key',
            field=models.CharField(blank=True, db_index=True, help_text='name, folded to its words', max_length=200),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['subject_key', 'answer', 'date'], name='threads_mes_subject_2b62e8_idx'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['sending', 'date'], name='threads_mes_sending_7a03a5_idx'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('page__gt', '')), fields=['page'], name='threads_message_page'),
        ),
        migrations.AddConstraint(
            model_name='import',
            constraint=models.UniqueConstraint(fields=('source', 'list_name'), name='one_import_per_source_and_list'),
        ),
        migrations.RunPython(create, drop),
    ]
