"""Log lines: one for each thing that is said, with what it is about, and nobody forges one."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory, override_settings
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from reviewbot import logs
from reviewbot.celery import _forget_task, _name_task
from reviewbot.middleware import Naming
from threads import tasks
from threads.selectors import trail
from threads.services import intake

SERIES = "20260309090000.7002-1-mara@example.org"


@pytest.fixture(autouse=True)
def _nothing_bound() -> Iterator[None]:
    clear_contextvars()
    yield
    clear_contextvars()


def said(form: str, text: str, *, error: BaseException | None = None, extra: dict[str, Any] | None = None) -> str:
    """Return how something that a module says comes out."""
    trouble = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger("threads.x").makeRecord(
        "threads.x", logging.WARNING, "x.py", 1, text, (), trouble, extra=extra
    )
    return logs.Lines(form).format(record)


def test_a_line_for_people_says_when_who_what_and_about_which_series() -> None:
    bind_contextvars(series=SERIES, step="apply")
    line = said("text", "it does not apply")
    assert line[19:].startswith("Z warning threads.x: it does not apply")
    assert line.endswith(f"[series={SERIES} step=apply]")


def test_a_line_for_machines_is_one_object_with_the_same_facts() -> None:
    bind_contextvars(series=SERIES)
    found = json.loads(said("json", "it does not apply"))
    assert (found["event"], found["level"], found["logger"]) == ("it does not apply", "warning", "threads.x")
    assert found["series"] == SERIES


def test_who_says_it_may_name_the_series() -> None:
    assert f"[series={SERIES}]" in said("text", "asked for", extra={"series": SERIES})


@pytest.mark.parametrize("form", logs.FORMATS)
def test_what_a_stranger_wrote_begins_no_line_of_its_own(form: str) -> None:
    bind_contextvars(series="a\n2026-03-09T00:00:00Z error threads: forged")
    try:
        raise ValueError("b\n2026-03-09T00:00:00Z error threads: forged\x1b[2J\u202e\u2028")
    except ValueError as error:
        lines = said(form, "c\r\n2026-03-09T00:00:00Z error threads: forged", error=error).split("\n")
    assert [line for line in lines[1:] if line.startswith("2026")] == []
    assert "\x1b" not in "".join(lines)
    assert "\u202e" not in "".join(lines)
    assert len(lines) == 1 or form == "text"


def test_a_request_has_an_id_that_its_answer_tells() -> None:
    seen: list[dict[str, Any]] = []

    def view(request: object) -> HttpResponse:
        naming.process_view(RequestFactory().get("/"), None, (), {"msgid": SERIES})
        seen.append(get_contextvars())
        return HttpResponse()

    naming = Naming(view)
    answer = naming(RequestFactory().get("/"))
    assert seen == [{"request": answer["X-Request-ID"], "mail": SERIES}]
    assert get_contextvars() == {}


@pytest.mark.parametrize(
    ("proxies", "given", "taken"), [(1, "0123456789ab", True), (0, "0123456789ab", False), (1, "a b\n", False)]
)
def test_only_a_proxy_of_ours_names_requests(proxies: int, given: str, taken: bool) -> None:
    with override_settings(PROXIES=proxies):
        answer = Naming(lambda _: HttpResponse())(RequestFactory().get("/", headers={"X-Request-ID": given}))
    assert (answer["X-Request-ID"] == given) is taken


@pytest.mark.django_db
def test_a_task_is_named_while_it_runs_and_no_longer() -> None:
    row = intake.submit(f"<{SERIES}>")
    _name_task("1-2", tasks.fetch, [row.pk])
    assert get_contextvars() == {"step": "fetch", "task": "1-2", "mail": SERIES}
    _forget_task("1-2", "SUCCESS")
    assert get_contextvars() == {}


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [[], ["x"], [{}], [10**30], [7]])
def test_a_step_about_nothing_that_is_known_has_no_subject(arguments: list[object]) -> None:
    assert trail.subject_of("apply", arguments) == {}


def test_commands_say_only_what_goes_wrong_until_a_service_speaks() -> None:
    assert logs.configuration("text")["root"]["level"] == "WARNING"
    root = logging.getLogger()
    before = root.level
    try:
        logs.speak("INFO")
        assert logging.getLogger("threads.x").isEnabledFor(logging.INFO)
    finally:
        root.setLevel(before)
