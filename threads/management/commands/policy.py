"""``manage.py policy``: whether the policy file is understood, and what it decides about a series."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from reviewbot.mail.policy import Rule, decide
from threads import models
from threads.management.base import Command as BaseCommand
from threads.selectors.outbox import for_mail, ledger, standing_stop
from threads.selectors.series import report_of
from threads.services import intake, outbox


class Command(BaseCommand):
    """Read the policy file, and say what it means."""

    help = "check the policy file, and say what it decides about a series and why"

    def add_arguments(self, parser: CommandParser) -> None:
        """Say about what."""
        parser.add_argument("--series", default="", help="any Message-ID of a series")

    def work(self, **options: Any) -> None:  # noqa: ANN401
        """Say it."""
        rules = outbox.policy()
        if not settings.MAIL_POLICY.is_file():
            self.stdout.write(f"There is no {settings.MAIL_POLICY.name}; drafts are kept, and nothing is sent.")
        if options["series"]:
            self._decision(intake.require_series(options["series"].strip("<> ")))
            return
        self._rule("default", rules.default)
        for address, rule in sorted(rules.lists.items()):
            self._rule(f"list {address}", rule)
        for address, rule in sorted(rules.people.items()):
            self._rule(f"person {address}", rule)
        if not settings.SENDING:
            self.stdout.write("Sending is switched off: SENDING is not set.")
        if stop := standing_stop():
            self.stdout.write(f"No mail goes out: {stop.why}")

    def _rule(self, name: str, rule: Rule) -> None:
        words = [
            f"to {rule.to}",
            f"what {rule.what}",
            f"embargo {rule.embargo.total_seconds() / 3600:g} h",
            "moderated" if rule.moderate else "not moderated",
            *(word for word in ("clean", "each", "notes") if getattr(rule, word)),
        ]
        self.stdout.write(f"{name}: {', '.join(words)}")

    def _decision(self, series: models.Series) -> None:
        report = for_mail(report_of(series))
        rows = [patch.message for patch in series.patches.select_related("message__author")]
        first = series.cover or rows[0]
        asked = outbox.question(series, report, first)
        decision = decide(outbox.policy(), asked, ledger())
        worst = f"the worst finding is of severity {asked.worst}" if asked.worst else "nothing to tell was found"
        self.stdout.write(f"{series.subject}: {worst}.")
        self.stdout.write(f"{decision.audience}: {decision.reason}")
        if decision.sends:
            to = ", ".join(str(one) for one in (asked.author, *decision.copied))
            self.stdout.write(f"To {to}; {'a person approves it' if decision.moderated else 'nobody approves it'}.")
        if decision.not_before:
            self.stdout.write(f"Not before {decision.not_before:%Y-%m-%d %H:%M} UTC.")
