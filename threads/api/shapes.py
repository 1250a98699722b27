"""The shapes of the answers, for the schema; the answers themselves are made where the facts are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers as s

from reviewbot.findings import Severity
from reviewbot.reports.facts import Remark, State, Verdict
from threads.api import examples
from threads.models import ForeignCheck

PROGRESS = ["waiting", "applying", "running", "done"]
STATES = [str(state) for state in State]
LIVES = ("new", "still", "transient", "fixed", "preexisting")


def choice(values: Any, text: str = "") -> s.ChoiceField:  # noqa: ANN401 - an enum or a tuple of words
    """Return a field for one of some words."""
    return s.ChoiceField(choices=[str(value) for value in values], help_text=text)


class Author(s.Serializer[Any]):
    """A sender."""

    name = s.CharField(allow_blank=True)
    email = s.CharField()


class Version(s.Serializer[Any]):
    """One version of the same work."""

    version = s.IntegerField()
    msgid = s.CharField()
    url = s.CharField()
    date = s.DateTimeField()
    verdict = choice(Verdict)
    findings = s.IntegerField()
    how = s.CharField(allow_blank=True, help_text="how it was recognised as the same work")


class Base(s.Serializer[Any]):
    """What the series was applied to, and why."""

    tree = s.CharField()
    commit = s.CharField()
    describe = s.CharField(allow_blank=True)
    how = s.CharField(allow_blank=True)
    trace = s.ListField(child=s.CharField())


class Failure(s.Serializer[Any]):
    """Why it does not apply: the hunk, and what the tree has instead."""

    patch = s.IntegerField()
    msgid = s.CharField()
    file = s.CharField(allow_blank=True)
    hunk = s.CharField(allow_blank=True)
    wanted = s.CharField(allow_blank=True)
    found = s.CharField(allow_blank=True)
    found_line = s.IntegerField()
    reason = s.CharField()


class Check(s.Serializer[Any]):
    """One check or build after one patch."""

    name = s.CharField()
    configuration = s.CharField(allow_blank=True)
    version = s.CharField(allow_blank=True)
    state = choice(State, "`not run` is not `passed`; `broken` is our fault")
    summary = s.CharField(allow_blank=True)
    new = s.IntegerField(help_text="findings that this patch brings")
    duration_s = s.FloatField(allow_null=True)
    log = s.CharField(allow_null=True)
    reproduce = s.CharField(allow_blank=True)


class OtherCheck(s.Serializer[Any]):
    """What another bot says about a patch."""

    bot = s.CharField()
    context = s.CharField()  # type: ignore[assignment]  # a field of that name, not the context of a serializer
    state = choice(ForeignCheck.Word.values)
    description = s.CharField(allow_blank=True)
    url = s.CharField(allow_blank=True)
    date = s.DateTimeField()


class PatchStatus(s.Serializer[Any]):
    """One patch."""

    n = s.IntegerField()
    msgid = s.CharField()
    url = s.CharField()
    subject = s.CharField()
    author = s.CharField(help_text="who posted it; of a version that re-rolls one patch it need not be the author")
    unseen = s.CharField(allow_blank=True, help_text="what git changes beyond what the mail shows; a sentence")
    patch_id = s.CharField(allow_blank=True, help_text="as git patch-id --stable")
    commit = s.CharField(allow_blank=True)
    method = s.CharField(allow_blank=True)
    files = s.ListField(child=s.CharField())
    trailers = s.ListField(child=s.CharField())
    checks = Check(many=True)
    other_checks = OtherCheck(many=True, help_text="what other bots say, the newest of each bot and context")
    findings = s.ListField(child=s.CharField(), help_text="ids of the findings that this patch brings or fixes")


class Step(s.Serializer[Any]):
    """One step of the path that proves a finding."""

    file = s.CharField()
    line = s.IntegerField()
    text = s.CharField(allow_blank=True)


class Said(s.Serializer[Any]):
    """What the thread says about a finding."""

    remark = choice(Remark)
    who = s.CharField()
    date = s.DateTimeField()
    msgid = s.CharField()
    words = s.CharField()


class FindingStatus(s.Serializer[Any]):
    """One finding, as it is told about a series."""

    id = s.CharField()
    fingerprint = s.CharField(help_text="the same after a rebase and in the next version")
    rule = s.CharField()
    rule_url = s.CharField()
    severity = choice(Severity)
    life = choice(LIVES, "against the base and the version before")
    patch = s.IntegerField(help_text="the patch that brings or fixes it; 0 for one of the base")
    gone_by = s.IntegerField()
    since = s.IntegerField(help_text="first version that has it")
    moved = s.BooleanField(help_text="the version before had it in another place")
    back_from = s.IntegerField(help_text="the version that had it when the one before this had not; 0 for none")
    check = s.CharField()
    file = s.CharField()
    line = s.IntegerField()
    function = s.CharField(allow_blank=True)
    quote = s.CharField(allow_blank=True)
    message = s.CharField()
    condition = s.CharField(allow_blank=True)
    assumption = s.CharField(allow_blank=True)
    evidence = Step(many=True)
    said = Said(many=True)
    permalink = s.CharField()


class Mail(s.Serializer[Any]):
    """The reply that was drafted or sent."""

    state = s.CharField()
    msgid = s.CharField()


class Command(s.Serializer[Any]):
    """A line for a shell that shows the same elsewhere."""

    what = s.CharField()
    command = s.CharField()


def like(example: dict[str, Any]) -> Callable[[type[s.Serializer[Any]]], type[s.Serializer[Any]]]:
    """Give a shape its example; a list of the shape shows it as one row."""
    return extend_schema_serializer(examples=[OpenApiExample("example", value=example)])


@like(examples.SERIES)
class SeriesStatus(s.Serializer[Any]):
    """Everything that is known about a series."""

    msgid = s.CharField()
    url = s.CharField()
    lore = s.CharField()
    subject = s.CharField()
    name = s.CharField()
    version = s.IntegerField()
    author = Author()
    date = s.DateTimeField()
    lists = s.ListField(child=s.CharField())
    state = choice(PROGRESS)
    verdict = choice(Verdict)
    reason = s.CharField(allow_blank=True)
    versions = Version(many=True)
    base = Base(allow_null=True)
    failure = Failure(allow_null=True)
    expected = s.IntegerField()
    missing = s.ListField(child=s.IntegerField())
    patches = PatchStatus(many=True)
    base_checks = Check(many=True)
    findings = FindingStatus(many=True)
    gone = s.ListField(child=s.CharField(), help_text="fingerprints that the last version had and this has not")
    looked_at = s.ListField(child=s.CharField())
    not_looked_at = s.ListField(child=s.CharField())
    reproduce = Command(many=True)
    replies = s.IntegerField()
    mail = Mail(allow_null=True)


class SeriesRow(s.Serializer[Any]):
    """A series in a list."""

    msgid = s.CharField()
    url = s.CharField()
    api = s.CharField()
    subject = s.CharField()
    version = s.IntegerField()
    expected = s.IntegerField()
    author = Author()
    date = s.DateTimeField()
    list = s.CharField(allow_null=True)
    state = choice(State)
    verdict = choice(Verdict)
    reason = s.CharField(allow_blank=True)
    new_errors = s.IntegerField()
    new_warnings = s.IntegerField()
    mails = s.IntegerField()
    outdated = s.BooleanField(help_text="there is a newer version")


@like(examples.PAGE)
class SeriesPage(s.Serializer[Any]):
    """One page of series, newest first."""

    next = s.CharField(allow_null=True)
    previous = s.CharField(allow_null=True)
    results = SeriesRow(many=True)


class Options(s.Serializer[Any]):
    """What a submission may ask for."""

    tree = s.CharField(required=False, max_length=100)
    checks = s.ListField(child=s.SlugField(max_length=100), required=False, max_length=50)
    build = s.BooleanField(required=False)


@like(examples.SUBMIT)
class Submit(s.Serializer[Any]):
    """What is to be fetched and checked."""

    target = s.CharField(max_length=2000, help_text="a Message-ID, or a link to a mail of the series")
    options = Options(required=False)


@like(examples.SUBMISSION)
class SubmissionStatus(s.Serializer[Any]):
    """What became of a submission."""

    id = s.IntegerField()
    target = s.CharField()
    state = choice(State)
    reason = s.CharField(allow_blank=True)
    actor = s.CharField(allow_blank=True, help_text="who can mend it")
    series = s.CharField(allow_null=True, help_text="its status, as soon as it is known")
    url = s.CharField()


@like(examples.RUN)
class RunStatus(s.Serializer[Any]):
    """One check or build of one state of a tree."""

    id = s.IntegerField()
    url = s.CharField()
    check = s.CharField()
    configuration = s.CharField(allow_blank=True)
    version = s.CharField(allow_blank=True)
    state = choice(State)
    summary = s.CharField(allow_blank=True)
    reason = s.CharField(allow_blank=True)
    commit = s.CharField()
    tree = s.CharField()
    command = s.CharField(allow_blank=True)
    seconds = s.FloatField(allow_null=True)
    started = s.DateTimeField(allow_null=True)
    finished = s.DateTimeField(allow_null=True)
    log = s.CharField()


@like(examples.FINDING)
class FindingRow(s.Serializer[Any]):
    """What a run states about one place, whatever it means for a series."""

    id = s.IntegerField()
    fingerprint = s.CharField()
    rule = s.CharField()
    severity = choice(Severity)
    file = s.CharField()
    line = s.IntegerField()
    function = s.CharField(allow_blank=True)
    text = s.CharField(allow_blank=True)
    message = s.CharField()
    evidence = Step(many=True)
    run = s.CharField()


@like(examples.TREE)
class TreeStatus(s.Serializer[Any]):
    """A kernel tree."""

    name = s.CharField()
    branch = s.CharField(allow_blank=True)
    role = s.CharField(allow_blank=True)
    lists = s.ListField(child=s.CharField())
    describe = s.CharField(allow_blank=True)
    commit = s.CharField(allow_blank=True)
    synced = s.DateTimeField(allow_null=True)


@like(examples.LIST)
class ListStatus(s.Serializer[Any]):
    """A mailing list."""

    name = s.CharField()
    address = s.CharField(allow_blank=True)
    list_id = s.CharField(allow_blank=True)
    archive = s.CharField(allow_blank=True)
    seen = s.DateTimeField(allow_null=True, help_text="date of its newest mail")


@like(examples.RULE)
class RuleStatus(s.Serializer[Any]):
    """A rule of a check."""

    name = s.CharField()
    title = s.CharField()
    severity = choice(Severity)
    rationale = s.CharField()
    epochs = s.CharField(allow_blank=True, help_text="where it holds")
    sources = s.CharField(allow_blank=True, help_text="Message-IDs and documents it is taken from")
    bad = s.CharField(allow_blank=True)
    good = s.CharField(allow_blank=True)
    url = s.CharField()


class VersionRow(s.Serializer[Any]):
    """One version of a work, in short."""

    version = s.IntegerField()
    msgid = s.CharField()
    api = s.CharField()
    subject = s.CharField()
    date = s.DateTimeField()
    state = choice(State)
    verdict = choice(Verdict)
    how = s.CharField(allow_blank=True, help_text="how it was recognised as the same work")


@like(examples.TOPIC)
class TopicStatus(s.Serializer[Any]):
    """A work in all its versions."""

    id = s.IntegerField()
    url = s.CharField()
    name = s.CharField()
    versions = VersionRow(many=True)


@like(examples.PATCH)
class PatchInSeries(PatchStatus):
    """One patch with the findings that it brings or fixes."""

    series = s.CharField()
    found = FindingStatus(many=True)


class QueueStatus(s.Serializer[Any]):
    """What waits for one kind of work."""

    name = s.CharField()
    waiting = s.IntegerField()
    running = s.IntegerField()
    oldest = s.DateTimeField(allow_null=True)


class RuleStanding(s.Serializer[Any]):
    """How right a rule was found by maintainers."""

    rule = s.CharField()
    right = s.IntegerField()
    wrong = s.IntegerField()
    not_worth_it = s.IntegerField()
    precision = s.IntegerField(allow_null=True, help_text="percent of the judged findings that were right")
    muted = s.BooleanField()
