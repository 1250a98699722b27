"""What the tests of mails that go out share: a policy that lets them, and a drafted reply."""

from __future__ import annotations

from django.conf import settings

from tests import factories
from threads import models
from threads.services import outbox

AUTHOR = factories.AUTHOR[1]
FREELY = '[default]\nto = "author"\nwhat = "all"\nmoderate = false\n'


def rule(text: str) -> None:
    """Let another policy apply from now on."""
    settings.MAIL_POLICY.write_text(text, encoding="utf-8")


def put(talk: factories.Discussion) -> models.Delivery:
    """Draft the reply to v2."""
    outbox.put(talk.v2, talk.report)
    return talk.v2.deliveries.get()


def stage_of(row: models.Delivery) -> str:
    """Return the stage that a mail is at now."""
    row.refresh_from_db()
    return row.stage
