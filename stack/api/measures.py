"""What the API measures of itself, as totals over all workers of its server.

Workers are processes, and a scrape reaches any one of them: a counter of one worker would fall at every other scrape.
prometheus_client's multiprocess mode keeps each worker's values in a file mapped into memory
(PROMETHEUS_MULTIPROC_DIR, emptied when the server starts: serve.py), and whoever is scraped adds them up; a worker
that died keeps its part of the total. It costs 2 microseconds an observation. Without that folder the numbers are
this process' own.

Not measured: how long a request waits inside the server before a Python thread takes it.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from stack.api import connections
from stack.api.timings import Timings

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
STARTED = "API_STARTED_AT"
PORT = "API_PORT"
EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# A series that appears with its first error has no value before it: the error would be lost to every rate.
CODES = ("200", "404", "500", "503", "504")


class Measures:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "http_requests_total", "Requests answered.", ["method", "route", "code"], registry=self._registry
        )
        self._duration = Histogram(
            "http_request_duration_seconds",
            "Time from a thread taking the request to its answer.",
            ["route", "method", "cache"],
            buckets=EDGES,
            registry=self._registry,
        )
        self._database = Histogram(
            "http_db_duration_seconds",
            "Time in database statements, of requests that used the database.",
            ["route"],
            buckets=EDGES,
            registry=self._registry,
        )
        self._cache_time = Histogram(
            "http_cache_duration_seconds",
            "Time on the cache, of requests that used it.",
            ["route"],
            buckets=EDGES,
            registry=self._registry,
        )
        self._pool = Histogram(
            "http_pool_wait_seconds",
            "Wait for a connection of the API's own pool, of requests that used the database.",
            buckets=EDGES,
            registry=self._registry,
        )
        self._cache = Counter("cache_requests_total", "Questions to the cache.", ["result"], registry=self._registry)
        self._in_flight = Gauge(
            "http_requests_in_flight",
            "Requests a thread is working on.",
            multiprocess_mode="livesum",
            registry=self._registry,
        )
        self._started = float(os.environ.get(STARTED) or time.time())
        self._results = {result: self._cache.labels(result) for result in ("hit", "miss", "error")}
        self.cache_hit = self._results["hit"].inc
        self.cache_miss = self._results["miss"].inc
        self.cache_error = self._results["error"].inc

    def expect(self, method: str, route: str) -> None:
        """Starts the series of a route at 0."""
        for code in CODES:
            self._requests.labels(method, route, code)
        for state in ("HIT", "MISS", "BYPASS") if method == "GET" else ("none",):
            self._duration.labels(route, method, state)
        self._database.labels(route)

    def begin(self) -> None:
        self._in_flight.inc()

    def end(self, method: str, code: str, seconds: float, spent: Timings) -> None:
        method = method if method in METHODS else "other"
        self._in_flight.dec()
        self._requests.labels(method, spent.route, code).inc()
        self._duration.labels(spent.route, method, spent.cache_state).observe(seconds)
        if spent.database is not None:
            self._database.labels(spent.route).observe(spent.database)
        if spent.cache is not None:
            self._cache_time.labels(spent.route).observe(spent.cache)
        if spent.pool is not None:
            self._pool.observe(spent.pool)

    def page(self) -> bytes:
        """The text of /metrics."""
        return generate_latest(cast(CollectorRegistry, self))

    def collect(self) -> Iterator[Metric]:
        """All families, summed over the workers; prometheus_client asks for them to write the page."""
        folder = os.environ.get(FOLDER)
        helps = {family.name: family.documentation for family in self._registry.collect()}
        if folder is None:
            yield from self._registry.collect()
        else:
            _forget_dead(Path(folder))
            for family in MultiProcessCollector(CollectorRegistry(), folder).collect():  # type: ignore[no-untyped-call]
                # Several workers' sum has lost its help text: the files do not hold it.
                family.documentation = helps[family.name]
                yield family
        yield GaugeMetricFamily(
            "process_start_time_seconds", "Start of the server, the same for all its workers.", self._started
        )
        held = connections.established(int(os.environ.get(PORT, "0")))
        if held is not None:
            yield GaugeMetricFamily(
                "http_connections_open", "Connections to the server's port, as the kernel counts them.", held
            )


def _forget_dead(folder: Path) -> None:
    """A worker that was killed has nothing in flight. Its counters stay: they are part of the total."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rsplit("_", 1)[1])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
