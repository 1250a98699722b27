"""OpenTelemetry traces, when ``TRACES_URL`` asks for them: one trace for each series, whoever works on it.

The id of the trace follows from the Message-ID that names the series, so the steps of many workers, of days apart and
after a restart, are one trace without anything being handed from one to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter


class Traces:
    """The spans of one process: one for each task while it runs."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "reviewbot"}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("reviewbot")
        self._open: dict[str, trace.Span] = {}

    @classmethod
    def to(cls, url: str) -> Traces:
        """Send spans to a collector, e.g. ``http://collector:4318/v1/traces``; one that is away costs but the spans."""
        return cls(OTLPSpanExporter(endpoint=url, timeout=5))

    def begin(self, task: str, step: str, subject: Mapping[str, str]) -> None:
        """Begin the span of a task.

        :param subject: what it is about; the first of it names the trace.
        """
        parent = root_of(next(iter(subject.values()))) if subject else None
        self._open[task] = self._tracer.start_span(step, context=parent, attributes={"task": task, **subject})

    def end(self, task: str, state: str) -> None:
        """End the span of a task, by Celery's word for how it went."""
        span = self._open.pop(task, None)
        if span is not None:
            if state not in ("SUCCESS", "RETRY"):
                span.set_status(trace.StatusCode.ERROR, state)
            span.end()

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()


def root_of(name: str) -> Context:
    """Return the beginning of the trace of a series or mail."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    ids = int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1
    beginning = trace.SpanContext(*ids, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(beginning))
