"""Doing what people ask for by mail, as far as it is theirs to ask.

Who writes was verified before; here is decided what they may: the author of a
series and the maintainers of the files that it touches may judge its findings
and have it looked at again, everybody may end the mails to themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone

from reviewbot.errors import AuthorError, NotFoundError, ReviewError
from reviewbot.findings import normalise
from reviewbot.mail.commands import Command, Word
from reviewbot.mail.diff import find_diff
from reviewbot.mail.message import Message
from reviewbot.reports.facts import Told
from reviewbot.tree import maintainers
from reviewbot.tree.readers import GitFiles
from threads import models
from threads.selectors.rules import find_rule
from threads.selectors.series import report_of
from threads.services import intake, marks, outbox, pipeline, rerun, testing

#: files of a series whose maintainers are looked up
_MAX_FILES = 200
#: mails with commands that one person may send within 24 hours
_DAILY = 20
_JUDGEMENTS = {
    Word.RIGHT: models.Mark.Judgement.RIGHT,
    Word.WRONG: models.Mark.Judgement.WRONG,
    Word.NOT_WORTH: models.Mark.Judgement.UNWORTHY,
}


class Done(NamedTuple):
    """What became of a command: what is said to who sent it ("" for nothing), and whether it was refused."""

    command: Command
    answer: str
    refused: bool = False


class Asked(NamedTuple):
    """Who asks, in which mail, and about which series and mail of ours, as far as they are known."""

    who: str
    mail: Message
    series: models.Series | None
    ours: models.Delivery | None


def obey(mail: Message, commands: tuple[Command, ...]) -> list[Done]:
    """Do what a verified mail asks for, one command after the other; what one cannot have keeps none of the others."""
    who = mail.author.email.lower()
    ours = models.Delivery.objects.filter(message_id=mail.in_reply_to).select_related("series__report").first()
    series = ours.series if ours else intake.series_of(mail.in_reply_to)
    asked = Asked(who, mail, series, ours)
    done = []
    for command in commands:
        try:
            _within_reason(who)
            done.append(Done(command, _do(asked, command)))
        except ReviewError as error:
            done.append(Done(command, str(error), refused=True))
    return done


def _within_reason(who: str) -> None:
    lately = models.Letter.objects.filter(sender=who, at__gt=timezone.now() - timedelta(hours=24))
    if lately.filter(kind=models.Letter.Kind.COMMANDS).count() >= _DAILY:
        raise AuthorError(f"{_DAILY} mails with commands came from you within 24 hours; the rest is not read.")


def _do(asked: Asked, command: Command) -> str:
    if command.word is None:
        known = ", ".join(Word)
        raise AuthorError(f"This command is not known; known are {known}.")
    handlers: dict[Word, Callable[[Asked, Command], str]] = {
        **dict.fromkeys(_JUDGEMENTS, _judge),
        Word.RERUN: _rerun,
        Word.MUTE: _mute,
        Word.UNMUTE: _unmute,
        Word.TEST: _test,
        Word.EXPLAIN: _explain,
    }
    return handlers[command.word](asked, command)


# --- who may ----------------------------------------------------------------------------------------------------------


def is_maintainer(who: str, series: models.Series) -> bool:
    """True for those whom MAINTAINERS names for a file of a series, and for accounts that may judge findings."""
    accounts = get_user_model().objects.filter(email__iexact=who, is_active=True)
    if any(account.has_perm("threads.add_mark") for account in accounts):
        return True
    paths = sorted({path for files in series.patches.values_list("files", flat=True) for path in files})
    return who in maintainers.people(_maintainers_file(series), paths[:_MAX_FILES])


def _maintainers_file(series: models.Series) -> bytes:
    """Return MAINTAINERS of the base of a series: what its own patches write there counts for nothing."""
    application = series.applications.filter(chosen=True).first()
    first = models.Tree.objects.exclude(commit="").first()
    commit = application.base_commit if application else first.commit if first else ""
    try:
        return (commit and GitFiles(settings.STORE, commit).read("MAINTAINERS")) or b""
    except ReviewError:
        return b""


def _theirs(asked: Asked) -> models.Series:
    """Return the series that a mail answers, for its author and maintainers."""
    if asked.series is None:
        raise NotFoundError("The mail answers no patch that is known here, nor a mail about one.")
    if asked.who != asked.series.author.email.lower() and not is_maintainer(asked.who, asked.series):
        raise AuthorError("This is for the author of the series, and for maintainers of the files that it touches.")
    return asked.series


def _of_maintainers(asked: Asked) -> None:
    if asked.series is None or not is_maintainer(asked.who, asked.series):
        raise AuthorError("A rule is muted by maintainers of the files of the series that they answer.")


def _known(asked: Asked) -> None:
    if not models.Series.objects.filter(author__email__iexact=asked.who).exists():
        _theirs(asked)


# --- what they ask for ------------------------------------------------------------------------------------------------


def _judge(asked: Asked, command: Command) -> str:
    series = _theirs(asked)
    word = command.word or Word.RIGHT
    reason = command.text or ("It is right." if word is Word.RIGHT else "")
    marks.mark(series, _meant(asked, series, command), _JUDGEMENTS[word], reason, asked.who[:150])
    return ""


def _meant(asked: Asked, series: models.Series, command: Command) -> Told:
    """Return the finding that a command is about: named by it, quoted above it, or the only one of our mail.

    :raises AuthorError: when that cannot be told.
    """
    told = report_of(series).findings
    if command.names:
        names = {name.lower() for name in command.names}
        found = [one for one in told if names & {one.finding.rule.lower(), one.finding.fingerprint}]
    else:
        quoted = {normalise(line.lstrip("+-> ")) for line in command.quoted if line.strip()}
        ours = outbox.told_by(asked.ours) if asked.ours else set()
        found = [one for one in told if not ours or one.finding.fingerprint in ours]
        if len(found) > 1:
            found = [one for one in found if normalise(one.finding.location.text) in quoted]
    if len(found) != 1:
        known = ", ".join(f"{one.finding.rule} {one.finding.fingerprint}" for one in told) or "none"
        raise AuthorError(
            f"It is not clear which finding is meant; put its number before the colon. There are: {known}."
        )
    return found[0]


def _rerun(asked: Asked, command: Command) -> str:
    series = _theirs(asked)
    rerun.rerun(series)
    return "It is looked at again."


def _mute(asked: Asked, command: Command) -> str:
    if not command.arguments:
        outbox.wish([asked.who], models.Consent.Wish.NONE, by=asked.who, how=f"mail {asked.mail.message_id}")
        return ""
    _of_maintainers(asked)
    outbox.mute(command.arguments[0], asked.who, f"Asked for in {asked.mail.message_id}.")
    return f"Nothing that {command.arguments[0]} finds is told by mail from now on; the pages still show it."


def _unmute(asked: Asked, command: Command) -> str:
    if not command.arguments:
        outbox.wish([asked.who], models.Consent.Wish.MAILS, by=asked.who, how=f"mail {asked.mail.message_id}")
        return "You get mails again, clean results too where the policy of the list allows them."
    _of_maintainers(asked)
    lifted = outbox.unmute(command.arguments[0], asked.who)
    return f"{command.arguments[0]} is told again." if lifted else f"{command.arguments[0]} was not muted."


def _test(asked: Asked, command: Command) -> str:
    tree = testing.find_tree(command.arguments)
    if find_diff(asked.mail.body) >= 0:
        _known(asked)
        series = testing.submit(asked.mail, tree)
    else:
        series = _theirs(asked)
        pipeline.want(series, {**series.options, "trees": [tree.name], "answer": True})
    return f"It is applied to {tree.name} ({tree.describe or 'not read yet'}) and checked: {testing.page(series)}"


def _explain(asked: Asked, command: Command) -> str:
    _known(asked)
    rule = find_rule(command.arguments[0]) if command.arguments else None
    if rule is None:
        raise NotFoundError(f"There is no such rule; all are listed at {settings.SITE_URL}/rules/")
    source = f"\n\nSource: {rule.source}" if rule.source else ""
    page = f"{settings.SITE_URL}/rules/{rule.code}/"
    return f"{rule.code}, {rule.title} ({rule.severity}): {rule.rationale}{source}\n\n{page}"
