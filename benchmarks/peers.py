"""VictoriaMetrics and Prometheus, fed with the same data and asked over HTTP, answers read into numpy.

That is what a process with pages would pay. VictoriaMetrics is asked with nocache=1, so that it computes; Prometheus
keeps no answers. Neither waits for its disk before it acknowledges what was written.
"""

import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import numpy as np
import orjson

from benchmarks import wire
from benchmarks.engines import FOLDS, PROMETHEUS, VICTORIA, Grid, Key, Table, bytes_below, bytes_written
from benchmarks.generator import Column, Data, Feed
from metrics.model import Selector
from stack.native import prometheus
from stack.native.ports import LOOPBACK
from stack.native.server import Server
from stack.native.tools import Tool
from stack.native.victoriametrics import VictoriaMetrics

PATIENCE = 600.0
HALF_HOUR = 1800.0
EVERYTHING = '{__name__=~"bench_.+"}'


class Refused(RuntimeError):  # noqa: N818 - a statement
    """A peer did not take or answer something; the message has its words."""


class Receiver(prometheus.Prometheus):
    """With the door through which snapshots are asked for."""

    def _command(self) -> list[str]:
        return [*super()._command(), "--web.enable-admin-api"]


class Peer:
    """What the two have in common: PromQL and remote write."""

    name: str
    asked: ClassVar[Mapping[str, str]] = {}
    write_path = "/api/v1/write"

    def __init__(self, server: Server, version: str) -> None:
        self.server = server
        self.version = version
        server.start()
        self._http = http.client.HTTPConnection(LOOPBACK, server.port, timeout=PATIENCE)

    def raw(self, selector: Selector, start: float, end: float) -> dict[Key, tuple[Column, Column]]:
        spoken = f"{selector}[{end - start:.0f}s]"
        found = {}
        for series in self._ask("/api/v1/query", query=spoken, time=end):
            pairs = series["values"]
            found[_key(series)] = (np.array([at for at, _ in pairs]), np.array([float(v) for _, v in pairs]))
        return found

    def window(self, selector: Selector, grid: Grid) -> dict[Key, Table]:
        found: dict[Key, Table] = {}
        for row, fold in enumerate(FOLDS):
            for key, values in self._grid(f"{fold}_over_time({selector}[{grid.step:.0f}s])", grid).items():
                found.setdefault(key, np.full((len(FOLDS), grid.n), np.nan))[row] = values
        return found

    def rate(self, selector: Selector, grid: Grid) -> dict[Key, Column]:
        return self._grid(f"rate({selector}[{grid.step:.0f}s])", grid)

    def risen(self, selector: Selector, grid: Grid) -> dict[Key, Column]:
        """What ours calls a rate: from the last sample before the step to the last in it, nothing extrapolated."""
        before = f"offset {grid.step:.0f}s"
        spent = f"(timestamp({selector}) - timestamp({selector} {before}))"
        return self._grid(f"({selector} - {selector} {before}) / {spent}", grid)

    def latest(self, at: float) -> dict[Key, float]:
        found = self._ask("/api/v1/query", query=EVERYTHING, time=at)
        return {_key(series): float(series["value"][1]) for series in found}

    def load(self, data: Data, start: int, end: int) -> None:
        """Half an hour of every source in turn: more would be out of bounds for the ones behind."""
        batch = max(1, round(HALF_HOUR / data.step))
        names = [wire.named(feed) for feed in data.feeds]
        for first in range(start, end, batch):
            part = slice(first, min(first + batch, end))
            for feed, known in zip(data.feeds, names, strict=True):
                self._write(wire.body(known, feed.times[part], feed.values[:, part]))
        self.settle()

    def live(self, data: Data, start: int, end: int) -> Sequence[float]:
        names = [wire.named(feed) for feed in data.feeds]
        spent = []
        for tick in range(start, end):
            part = slice(tick, tick + 1)
            begun = time.perf_counter()
            feeds = zip(data.feeds, names, strict=True)
            self._write(b"".join(wire.body(known, feed.times[part], feed.values[:, part]) for feed, known in feeds))
            spent.append(time.perf_counter() - begun)
        return spent

    def settle(self) -> None:
        """Waits until what was loaded has its final form."""
        raise NotImplementedError

    def written(self) -> int:
        return bytes_written(self.server.pid or 0)

    def close(self) -> None:
        self._http.close()
        self.server.stop()

    def _write(self, block: bytes) -> None:
        self.request("POST", self.write_path, wire.snappy(block), wire.HEADERS)

    def _ask(self, path: str, **words: Any) -> list[dict[str, Any]]:
        answer = orjson.loads(self.request("GET", f"{path}?{urlencode({**words, **self.asked})}"))
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def _grid(self, query: str, grid: Grid) -> dict[Key, Column]:
        found = self._ask("/api/v1/query_range", query=query, start=grid.t0, end=grid.end, step=grid.step)
        return {_key(series): _placed(series["values"], grid) for series in found}

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """One question over the one connection, which a server may have closed while it was idle. Raises Refused."""
        where = f"{self.name} {path.partition('?')[0]}"
        try:
            status, said = self._sent(method, path, body, headers)
        except ConnectionError:
            self._http.close()
            try:
                status, said = self._sent(method, path, body, headers)
            except ConnectionError as error:
                raise Refused(f"{where}: {error}") from None
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise Refused(f"{where}: {status} {said[:300].decode(errors='replace')}")
        return said

    def _sent(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None) -> tuple[int, bytes]:
        self._http.request(method, path, body, dict(headers or {}))
        answer = self._http.getresponse()
        return answer.status, answer.read()

    def _gauge(self, *names: str) -> list[float]:
        """Values of its own metrics, 0 where it has none."""
        shown = self.request("GET", "/metrics").decode()
        lines = dict(line.rsplit(" ", 1) for line in shown.splitlines() if not line.startswith("#"))
        return [float(lines.get(name, 0)) for name in names]


class Victoria(Peer):
    """VictoriaMetrics, single node."""

    name = VICTORIA
    asked: ClassVar[Mapping[str, str]] = {"nocache": "1"}

    def __init__(self, tool: Tool, version: str, folder: Path) -> None:
        super().__init__(VictoriaMetrics(tool, folder), version)

    def window(self, selector: Selector, grid: Grid) -> dict[Key, Table]:
        """By one call of its own, which is faster than three of PromQL's."""
        found: dict[Key, Table] = {}
        asked = {"start": grid.t0, "end": grid.end, "step": grid.step}
        for series in self._ask("/api/v1/query_range", query=f"rollup({selector}[{grid.step:.0f}s])", **asked):
            row = FOLDS.index(series["metric"]["rollup"])
            key = _key(series)
            found.setdefault(key, np.full((len(FOLDS), grid.n), np.nan))[row] = _placed(series["values"], grid)
        return found

    def risen(self, selector: Selector, grid: Grid) -> dict[Key, Column]:
        """Its rate extrapolates nothing."""
        return self.rate(selector, grid)

    def load(self, data: Data, start: int, end: int) -> None:
        """By its own import, a source at a time: it takes times in any order."""
        for feed in data.feeds:
            part = slice(start, end)
            self.request("POST", "/api/v1/import", b"\n".join(_lines(feed, part)))
        self.settle()

    def live(self, data: Data, start: int, end: int) -> Sequence[float]:
        """It shows what it took a second later, unless it is told to."""
        spent = super().live(data, start, end)
        self.request("GET", "/internal/force_flush")
        return spent

    def settle(self) -> None:
        self.request("GET", "/internal/force_flush")
        self.request("GET", "/internal/force_merge")
        _until(lambda: self._gauge("vm_active_force_merges") == [0.0], "merges")
        self.request("GET", "/internal/force_flush")
        _until_still(self.size)

    def size(self) -> int:
        return bytes_below(self.server.data)


class Prometheus(Peer):
    """Prometheus with its receiver of remote writes."""

    name = PROMETHEUS

    def __init__(self, tool: Tool, version: str, folder: Path, block_hours: int = 2) -> None:
        """`block_hours` is two in its own settings; a long history is loaded sooner in larger blocks."""
        flags = {"storage.tsdb.min-block-duration": f"{block_hours}h"}
        super().__init__(Receiver(tool, folder, flags=flags), version)
        self._longest_head = 1.5 * block_hours * 3600

    def settle(self) -> None:
        """It cuts blocks off its head while that spans more than one and a half of them."""

        def head_is_short() -> bool:
            oldest, newest = self._gauge(
                "prometheus_tsdb_head_min_time_seconds", "prometheus_tsdb_head_max_time_seconds"
            )
            return newest - oldest <= self._longest_head

        _until(head_is_short, "compaction")
        _until_still(lambda: bytes_below(self.server.data))

    def size(self) -> int:
        """Of a snapshot: everything in blocks, no log of what is in memory, which would double the newest hours."""
        answer = orjson.loads(self.request("POST", "/api/v1/admin/tsdb/snapshot"))
        return bytes_below(self.server.data / "snapshots" / answer["data"]["name"])


def _lines(feed: Feed, part: slice) -> Iterator[bytes]:
    times = orjson.dumps(feed.times[part], option=orjson.OPT_SERIALIZE_NUMPY)
    for series, row in zip(feed.series, feed.values[:, part], strict=True):
        name = {"__name__": series.metric, "source": feed.source, **dict(series.labels)}
        values = orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY)
        yield b'{"metric":%b,"values":%b,"timestamps":%b}' % (orjson.dumps(name), values, times)


def _placed(pairs: Sequence[tuple[float, str]], grid: Grid) -> Column:
    """Onto the grid: a step without a value is not in the answer."""
    values = np.full(grid.n, np.nan)
    values[[round((at - grid.t0) / grid.step) for at, _ in pairs]] = [float(value) for _, value in pairs]
    return values


def _key(series: Mapping[str, Any]) -> Key:
    return series["metric"]["source"], series["metric"]["item"]


def _until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise Refused(f"{what} did not end within {PATIENCE:.0f} s")
        time.sleep(0.2)


def _until_still(size: Callable[[], int], still: float = 2.0) -> None:
    """Until a size has not changed for some seconds."""
    last, since = -1, time.monotonic()
    while time.monotonic() - since < still:
        now = size()
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.2)
