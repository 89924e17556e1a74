"""Polls an API by its page of metrics."""

from collectors.api import metrics
from collectors.api.http import Page
from collectors.api.newborn import Newborn
from collectors.api.page import Reader, started
from collectors.api.source import ApiSource
from collectors.collector import Capabilities, Collector, Lack
from collectors.failed import Failed
from collectors.round import Round
from metrics.model import Metric, Sample
from metrics.poll import ErrorClass

DECLARED = tuple(value for value in vars(metrics).values() if isinstance(value, Metric))

_WHY = {
    metrics.requests: "errors and throughput stay unknown",
    metrics.duration: "p95, p99 and cache-served latency stay unknown",
    metrics.database: "p95 query time stays unknown",
    metrics.cache_requests: "the API's own cache hit rate stays unknown",
    metrics.in_flight: "concurrent users stay unknown, unless http_connections_open is there",
}


class ApiCollector(Collector[ApiSource]):
    """One GET."""

    def __init__(self, source: ApiSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._page: Page | None = None
        self._reader = Reader(DECLARED)
        self._newborn = Newborn()

    def connect(self, deadline: float) -> None:
        """TCP, and TLS for https."""
        self._page = Page(self.source, deadline)

    def disconnect(self) -> None:
        """Close it."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def read(self, round_: Round, deadline: float) -> None:
        """The declared families of the page."""
        found = self._samples(deadline)
        round_.heard()
        start = started(found, metrics.started.name)
        round_.samples += self._newborn.zeroed(found, start)
        if start is not None:
            round_.epochs[metrics.EPOCH] = start

    def examine(self, deadline: float) -> Capabilities:
        """Which families are there."""
        found = self._samples(deadline)
        start = started(found, metrics.started.name)
        return Capabilities(
            version="Prometheus text",
            role="api",
            epochs={} if start is None else {metrics.EPOCH: start},
            lacking=lacking(found),
        )

    def _samples(self, deadline: float) -> list[Sample]:
        assert self._page is not None  # noqa: S101 - connect() came first
        text = self._page.get(deadline)
        try:
            found = self._reader.samples(text)
        except ValueError as error:
            raise Failed(ErrorClass.BAD_REPLY, str(error)) from None
        if not any(sample.metric.startswith("http_") for sample in found):
            hint = "See the families that Trivet knows, and name the API's so."
            raise Failed(ErrorClass.MISSING, f"the page has none of {', '.join(m.name for m in _WHY)}", hint)
        return found


def lacking(found: list[Sample]) -> tuple[Lack, ...]:
    """The families that are not there, and the bounds that are no bucket edges."""
    names = {sample.metric for sample in found}
    lacks = [
        Lack(f"no {metric.name}", why, f"# TYPE {metric.name} {metric.kind}")
        for metric, why in _WHY.items()
        if not {metric.name, f"{metric.name}_count"} & names
    ]
    for metric, bounds in ((metrics.duration, ("0.01", "0.1", "0.2")), (metrics.database, ("0.05",))):
        edges = {dict(sample.labels).get("le") for sample in found if sample.metric == f"{metric.name}_bucket"}
        missing = [bound for bound in bounds if edges and bound not in edges]
        if missing:
            why = "the share of requests within a bound is exact at bucket edges only: the verdict stays unknown"
            lacks.append(Lack(f"{metric.name} has no edge at {', '.join(missing)} s", why, f"buckets = {missing}"))
    return tuple(lacks)
