"""What load balancers and Prometheus are told, and the words for the people behind them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from reviewbot.errors import TransientError
from tests import factories
from threads import models
from threads.selectors import health, workers
from threads.selectors.workers import Listening

pytestmark = pytest.mark.django_db
ALARMS = Path(__file__).resolve().parents[3] / "deploy" / "alarms.yml"
EVERY = Listening({"worker@one": ["intake", "tree", "check", "build", "publish"]})


@pytest.fixture(autouse=True)
def _well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a service stand that has nothing to complain of but what the test makes of it."""
    monkeypatch.setattr(health, "broker_answers", lambda: None)
    monkeypatch.setattr(workers, "listening", lambda: EVERY)
    monkeypatch.setattr(health.service, "disks", lambda: [health.service.Disk("trees", 50, 100)])
    models.Tree.objects.create(name="mm-unstable", source="/x", describe="v6.12")


def names() -> list[str]:
    return [problem.name for problem in health.problems()]


def words() -> str:
    (problem,) = health.problems()
    return problem.words


def followed(**state: object) -> None:
    row = factories.mailing_list()
    models.MailingList.objects.filter(pk=row.pk).update(**{"epochs": "https://lore.example.org/linux-mm/git/", **state})


def test_a_service_that_is_well_says_so(client: Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready", "problems": []}
    assert "Nothing is wrong with the service." in client.get("/status/").content.decode()


def test_a_queue_that_is_down_makes_the_service_unready_and_says_that_nothing_is_lost(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> None:
        raise TransientError("The queue at redis:6379 does not answer: refused.")

    monkeypatch.setattr(health, "broker_answers", down)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert "What came in is kept" in answer.json()["problems"][0]["words"]
    assert b'reviewbot_problem{name="queue"} 1.0' in client.get("/metrics").content
    assert "What came in is kept" in client.get("/status/").content.decode()


def test_a_queue_without_a_worker_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "listening", lambda: Listening({"worker@one": ["intake"]}, ("build",)))
    assert "the queues build" in words()


def test_builds_for_which_no_worker_has_the_compiler_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Listening({"worker@one": ["build", "build.arm64"]})
    monkeypatch.setattr(workers, "listening", lambda: known)
    for number, configuration in enumerate(("defconfig", "x86-defconfig", "defconfig-clang")):
        models.Run.objects.create(check_name="build", configuration=configuration, tree_id=str(number))
    assert words().startswith("Builds wait for arm64.clang, x86, and no worker has the compiler")


def test_no_worker_at_all_is_said_with_what_starts_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "listening", lambda: Listening({}))
    assert "manage.py up" in words()


def test_a_program_that_is_newer_than_its_database_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda executor, targets: [("one", False)])
    (problem,) = health.problems()
    assert problem.blocks
    assert "manage.py migrate" in problem.words


def test_work_that_waits_too_long_is_a_problem() -> None:
    factories.series(wanted=True)
    models.Series.objects.update(received_at=timezone.now() - timedelta(hours=3))
    assert words().startswith("Work waits: 1 in series, the oldest for 3 hours")


def test_a_list_that_cannot_be_read_says_why() -> None:
    followed(failing_since=timezone.now(), failure="It answers 503.")
    assert words().endswith("It answers 503.")


def test_a_followed_list_from_which_nothing_comes_is_silent() -> None:
    followed(seen_at=timezone.now() - timedelta(days=5))
    assert "for 5 days" in words()


def test_a_list_that_is_not_followed_may_be_silent() -> None:
    followed(epochs="", seen_at=timezone.now() - timedelta(days=500))
    assert names() == []


def test_a_service_without_trees_says_what_to_do() -> None:
    models.Tree.objects.all().delete()
    assert "manage.py tree add" in words()


def test_a_full_disk_is_one_problem_whatever_is_kept_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    full = [health.service.Disk("trees", 9, 100), health.service.Disk("builds", 9, 100)]
    monkeypatch.setattr(health.service, "disks", lambda: full)
    assert "trees, builds" in words()


def test_a_sandbox_that_fails_has_a_name_of_its_own() -> None:
    talk = factories.discussion()
    models.Run.objects.filter(pk=talk.run.pk).update(
        state="broken", finished_at=timezone.now(), reason="The sandbox does not work here (no namespace)."
    )
    assert "sandbox" in names()


def test_a_stop_of_all_mail_is_shown_with_its_reason() -> None:
    models.MailStop.objects.create(by="the breaker", why="3 mails came back")
    assert "3 mails came back" in words()


def test_the_figures_count_what_there_is(client: Client) -> None:
    factories.discussion()
    followed(seen_at=timezone.now())
    text = client.get("/metrics").content.decode()
    assert re.search(r'^reviewbot_series\{verdict="[a-z ]+"\} [1-9]', text, re.M)
    assert re.search(r'^reviewbot_runs\{check="[\w-]+",state="\w+"\} [1-9]', text, re.M)
    assert re.search(r'^reviewbot_list_newest_mail_age_seconds\{list="linux-mm"\} ', text, re.M)
    assert 'reviewbot_workers{queue="build"} 1.0' in text


def test_every_alarm_rests_on_figures_and_problems_that_exist(client: Client) -> None:
    known = set(re.findall(r"# TYPE (reviewbot_\w+) gauge", client.get("/metrics").content.decode()))
    source = Path(health.__file__).read_text()
    for rule in yaml.safe_load(ALARMS.read_text())["groups"][0]["rules"]:
        assert set(re.findall(r"reviewbot_\w+", rule["expr"])) <= known, rule["alert"]
        for name in re.findall(r'name=~?"([^"]+)"', rule["expr"]):
            assert all(f'"{one}"' in source for one in name.split("|")), rule["alert"]
