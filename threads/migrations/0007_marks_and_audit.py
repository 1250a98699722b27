"""What maintainers say about findings, and the log of what people do."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('threads', '0006_followed_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('who', models.CharField(help_text='name of the account', max_length=150)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('action', models.CharField(max_length=50)),
                ('about', models.CharField(blank=True, max_length=998)),
                ('detail', models.TextField(blank=True)),
            ],
            options={
                'verbose_name_plural': 'audit entries',
                'indexes': [models.Index(fields=['-at'], name='threads_aud_at_dec0af_idx')],
            },
        ),
        migrations.CreateModel(
            name='Mark',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('who', models.CharField(help_text='name of the account', max_length=150)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('fingerprint', models.CharField(max_length=16)),
                ('rule', models.CharField(db_index=True, max_length=100)),
                ('judgement', models.CharField(choices=[('right', 'Right'), ('wrong', 'Wrong'), ('not worth it', 'Unworthy')], max_length=12)),
                ('reason', models.TextField()),
                ('series', models.ForeignKey(help_text='where it was marked', on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='threads.series')),
                ('topic', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='marks', to='threads.topic')),
            ],
            options={
                'indexes': [models.Index(fields=['topic', 'fingerprint'], name='threads_mar_topic_i_717fef_idx')],
            },
        ),
    ]
