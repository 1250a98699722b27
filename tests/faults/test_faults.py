"""Whatever breaks on the way, a series ends as it would have ended: nothing is lost, nothing is done twice.

A list is followed by a real scheduler and real workers on a real Redis. Each test breaks something; the rows at the
end are those of a run that nobody disturbed.
"""

from __future__ import annotations

import base64
import json

from tests.faults.conftest import MAILS, Rows, Site
from tests.installation import kill, wait_for


def test_a_list_is_followed_and_its_series_are_looked_at(undisturbed: Rows) -> None:
    messages, series, runs, findings, deliveries = undisturbed
    assert len(messages) == len(MAILS)
    assert {row[3] for row in series} == {"findings"}
    assert len(runs) > 4
    assert "C06" in {row[1] for row in findings}
    assert sorted(row[1] for row in deliveries) == ["draft", "withheld"]  # the first version gives way to the second


def test_a_queue_that_forgets_everything(site: Site, undisturbed: Rows) -> None:
    site.post()
    site.service.scheduler()
    first = site.service.worker()
    site.seen("SELECT 1 FROM threads_series WHERE wanted")
    kill(first)
    site.redis.say("FLUSHALL")
    site.service.worker()
    assert site.wait(undisturbed) == undisturbed


def test_a_queue_that_is_down_for_a_while(site: Site, undisturbed: Rows) -> None:
    site.run()
    site.post()
    site.seen("SELECT 1 FROM threads_message WHERE id > 1")
    site.redis.stop()
    wait_for(lambda: "Connection refused" in (site.service.var / "celery.log").read_text(), "the loss")
    site.redis.start()
    assert site.wait(undisturbed) == undisturbed


def test_workers_that_are_killed_again_and_again(site: Site, undisturbed: Rows) -> None:
    site.service.scheduler()
    site.post()
    steps = (
        "SELECT 1 FROM threads_message WHERE id > 1",
        "SELECT 1 FROM threads_application",
        "SELECT 1 FROM threads_run",
    )
    for step in steps:
        worker = site.service.worker()
        site.seen(step)
        kill(worker)
    site.service.worker()
    assert site.wait(undisturbed) == undisturbed


def test_two_schedulers_at_once(site: Site, undisturbed: Rows) -> None:
    site.service.scheduler()
    site.run()
    site.post()
    assert site.wait(undisturbed) == undisturbed


def test_a_queue_with_poison(site: Site, undisturbed: Rows) -> None:
    for task, arguments in (("unknown", []), ("apply", ["x"]), ("apply", [10**6]), ("check", [1]), ("fetch", [{}])):
        site.redis.say("LPUSH", "intake", poison(task, arguments))
    site.run()
    site.post()
    assert site.wait(undisturbed) == undisturbed


def poison(task: str, arguments: list[object]) -> str:
    """Return a message as Celery writes it, for a task that cannot end well."""
    body = base64.b64encode(json.dumps([arguments, {}, {}]).encode()).decode()
    properties = {
        "delivery_info": {"exchange": "", "routing_key": "intake"},
        "delivery_tag": task,
        "body_encoding": "base64",
    }
    message = {
        "body": body,
        "headers": {"task": f"threads.tasks.{task}", "id": "1", "lang": "py"},
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "properties": properties,
    }
    return json.dumps(message)
