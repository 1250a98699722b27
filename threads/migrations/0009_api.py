"""Keys to the API, decisions about patches, checks of other bots, events, and addresses that are told."""
import django.db.models.deletion
import reviewbot.reports.facts
from django.conf import settings
from django.db import migrations, models

class Migration(migrations.Migration):

    dependencies = [
        ('threads', '0008_outbox_kinds_and_letters'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ForeignCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('context', models.SlugField(max_length=255)),
                ('state', models.CharField(choices=[('pending', 'Pending'), ('success', 'Success'), ('warning', 'Warning'), ('fail', 'Fail')], max_length=10)),
                ('target_url', models.URLField(blank=True, max_length=2000)),
                ('description', models.TextField(blank=True)),
                ('date', models.DateTimeField(auto_now_add=True)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='foreign_checks', to='threads.message')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='foreign_checks', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Event',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('category', models.CharField(help_text='as Patchwork calls it', max_length=50)),
                ('before', models.CharField(blank=True, help_text='state, or id of the delegate', max_length=255)),
                ('after', models.CharField(blank=True, max_length=255)),
                ('date', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('actor', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='events', to=settings.AUTH_USER_MODEL)),
                ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='threads.message')),
                ('check_row', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='events', to='threads.foreigncheck')),
            ],
        ),
        migrations.CreateModel(
            name='PatchDecision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.SlugField(blank=True, help_text='as Patchwork spells it; empty when nobody said')),
                ('archived', models.BooleanField(default=False)),
                ('commit_ref', models.CharField(blank=True, max_length=255)),
                ('changed_at', models.DateTimeField(auto_now=True)),
                ('delegate', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='delegated', to=settings.AUTH_USER_MODEL)),
                ('message', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='decision', to='threads.message')),
            ],
        ),
        migrations.CreateModel(
            name='Token',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=100, unique=True)),
                ('digest', models.CharField(help_text='SHA-256 of the key', max_length=64, unique=True)),
                ('scopes', models.CharField(help_text='what it is good for, words between blanks', max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('used_on', models.DateField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tokens', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.SlugField(max_length=100, unique=True)),
                ('url', models.URLField(max_length=2000)),
                ('secret', models.CharField(help_text='key of the signatures', max_length=100)),
                ('active', models.BooleanField(default=True)),
                ('told_until', models.DateTimeField(help_text='what happened before is queued')),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('mailing_list', models.ForeignKey(blank=True, help_text='of these alone', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='threads.mailinglist')),
            ],
        ),
        migrations.CreateModel(
            name='WebhookCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key', models.CharField(help_text='what is told; the same is told once', max_length=150)),
                ('event', models.CharField(max_length=50)),
                ('body', models.TextField()),
                ('state', models.CharField(choices=[('not run', 'not run'), ('running', 'running'), ('passed', 'passed'), ('warned', 'warned'), ('failed', 'failed'), ('skipped', 'skipped'), ('broken', 'broken')], default=reviewbot.reports.facts.State['NOT_RUN'], max_length=20)),
                ('reason', models.TextField(blank=True)),
                ('tries', models.PositiveIntegerField(default=0)),
                ('due_at', models.DateTimeField(help_text='when it is tried next; also the end of the lease of who tries it')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('hook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calls', to='threads.webhook')),
            ],
            options={
                'indexes': [models.Index(fields=['state', 'due_at'], name='threads_web_state_295c4a_idx')],
                'constraints': [models.UniqueConstraint(fields=('hook', 'key'), name='one_call_of_the_same')],
            },
        ),
    ]
