"""What the tests of mails that go out share: a policy that lets them, and a drafted reply."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings as configured
from pytest_django.fixtures import Settings

from tests import factories
from threads import models
from threads.services import outbox

AUTHOR = factories.AUTHOR[1]
FREELY = '[default]\nto = "author"\nwhat = "all"\nmoderate = false\n'


def allow(settings: Settings, folder: Path, text: str = FREELY) -> None:
    """Let a policy of the test apply, and the service have an address."""
    settings.MAIL_FROM, settings.MAIL_POLICY = "Review <review@example.org>", folder / "policy.toml"
    rule(text)


def rule(text: str) -> None:
    """Let another policy apply from now on."""
    configured.MAIL_POLICY.write_text(text, encoding="utf-8")


def undrafted() -> factories.Discussion:
    """Write the discussion whose reply is still to be drafted."""
    made = factories.discussion()
    made.draft.delete()
    return made


def put(talk: factories.Discussion) -> models.Delivery:
    """Draft the reply to v2."""
    outbox.put(talk.v2, talk.report)
    return talk.v2.deliveries.get()


def stage_of(row: models.Delivery) -> str:
    """Return the stage that a mail is at now."""
    row.refresh_from_db()
    return row.stage
