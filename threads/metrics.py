"""Figures about the service in the text format of Prometheus, taken from the rows when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from threads.models import Delivery, MailingList, Run, Series
from threads.selectors import figures, health, service, workers

PREFIX = "reviewbot_"


class _Rows(Collector):
    """Every figure, in the order of the way of a series."""

    def collect(self) -> Iterator[Metric]:
        """Yield the families (about 40 queries, problems included)."""
        found = health.problems()
        yield _labelled("problem", "something is wrong, see the status page", "name", ((one.name, 1) for one in found))
        if any(one.blocks for one in found):
            return
        yield from self._intake()
        yield from self._work()
        yield from self._outcome()
        yield _labelled("disk_free_bytes", "room that is left", "place", ((d.name, d.free) for d in service.disks()))
        yield _labelled("disk_total_bytes", "room in all", "place", ((d.name, d.total) for d in service.disks()))

    @staticmethod
    def _intake() -> Iterator[Metric]:
        now = timezone.now()
        lists = MailingList.objects.exclude(epochs="").values_list("name", "seen_at")
        ages = ((name, (now - seen).total_seconds()) for name, seen in lists if seen is not None)
        yield _labelled("list_newest_mail_age_seconds", "since the newest mail of a followed list", "list", ages)

    @staticmethod
    def _work() -> Iterator[Metric]:
        now = timezone.now()
        queues = service.queues()
        yield _labelled("waiting", "pieces of work that wait", "work", ((q.name, q.waiting) for q in queues))
        yield _labelled("running", "pieces of work that are worked on", "work", ((q.name, q.running) for q in queues))
        ages = ((q.name, (now - q.oldest).total_seconds() if q.oldest else 0) for q in queues)
        yield _labelled("oldest_waiting_seconds", "for which the oldest piece of work waits", "work", ages)
        heard = [queue for queues in workers.listening().workers.values() for queue in queues]
        yield _labelled(
            "workers", "workers that take work of a queue", "queue", ((q, heard.count(q)) for q in set(heard))
        )

    @staticmethod
    def _outcome() -> Iterator[Metric]:
        verdicts = Series.objects.values_list("verdict").annotate(n=Count("pk")).order_by("verdict")
        yield _labelled("series", "series by verdict", "verdict", verdicts)
        runs = Gauge(f"{PREFIX}runs", "checks and builds by state", labels=["check", "state"])
        for check, state, n in Run.objects.values_list("check_name", "state").annotate(n=Count("pk")).order_by():
            runs.add_metric([check, state], n)
        yield runs
        stages = Delivery.objects.values_list("stage").annotate(n=Count("pk")).order_by("stage")
        yield _labelled("mails", "mails by stage of the outbox", "stage", stages)
        _, half, most = figures.times_to_verdict()
        times = ((q, span.total_seconds()) for q, span in (("0.5", half), ("0.95", most)) if span is not None)
        yield _labelled("verdict_seconds", "from a mail to the verdict about its series", "quantile", times)


def _labelled(name: str, meaning: str, label: str, values: object) -> Gauge:
    family = Gauge(PREFIX + name, meaning, labels=[label])
    for value, number in values:  # type: ignore[attr-defined]
        family.add_metric([value], number)
    return family


def text() -> bytes:
    """Return all figures in the text format, version 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Rows())
    return generate_latest(registry)
