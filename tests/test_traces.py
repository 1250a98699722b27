"""All steps of a series are one trace, whichever process takes them."""

from __future__ import annotations

import hashlib

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from reviewbot import celery
from reviewbot.traces import Traces
from threads import tasks
from threads.services import intake

SERIES = "20260309090000.7002-1-mara@example.org"


def spans(*steps: tuple[str, dict[str, str], str]) -> list[ReadableSpan]:
    """Return the spans of some steps, each taken by a process of its own."""
    found: list[ReadableSpan] = []
    for step, subject, state in steps:
        exporter = InMemorySpanExporter()
        traces = Traces(exporter)
        traces.begin("1-2", step, subject)
        traces.end("1-2", state)
        traces.end("1-2", state)
        traces.close()
        found += exporter.get_finished_spans()
    return found


def test_the_steps_of_a_series_are_one_trace_with_an_id_that_everybody_can_compute() -> None:
    found = spans(("apply", {"series": SERIES}, "SUCCESS"), ("check", {"series": SERIES}, "SUCCESS"))
    assert [span.name for span in found] == ["apply", "check"]
    assert {span.context.trace_id for span in found} == {int.from_bytes(hashlib.sha256(SERIES.encode()).digest()[:16])}
    assert len({span.context.span_id for span in found}) == 2
    assert dict(found[0].attributes or {}) == {"task": "1-2", "series": SERIES}


def test_a_step_that_fails_says_so_and_one_about_nothing_has_a_trace_of_its_own() -> None:
    failed, alone = spans(("apply", {"series": SERIES}, "FAILURE"), ("sweep", {}, "SUCCESS"))
    assert failed.status.status_code is StatusCode.ERROR
    assert alone.status.status_code is not StatusCode.ERROR
    assert alone.context.trace_id != failed.context.trace_id


@pytest.mark.django_db
def test_every_task_of_a_worker_is_a_span(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter = InMemorySpanExporter()
    traces = Traces(exporter)
    monkeypatch.setattr(celery, "_traces", traces)
    row = intake.submit(f"<{SERIES}>")
    celery._name_task("1-2", tasks.fetch, [row.pk])
    celery._forget_task("1-2", "SUCCESS")
    celery._end_traces()
    (span,) = exporter.get_finished_spans()
    assert (span.name, dict(span.attributes or {})) == ("fetch", {"task": "1-2", "mail": SERIES})
