"""Questions in PromQL to any engine with Prometheus' HTTP API, answered as columns.

Every question says `nocache=1` and `Cache-Control: no-store`: VictoriaMetrics hides the newest 30 s and moves a grid
to multiples of its step otherwise, and the front ends of Mimir and Thanos answer from a cache.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
import orjson

from metrics.config import Remote
from metrics.model import Matcher, Selector
from metrics.points import Column
from storage.remote.door import Door
from storage.remote.faults import Refused, RemoteError, Waits

MOST_POINTS = 10_000
"""Points of one series in one answer; Prometheus refuses more than 11,000."""

Row = tuple[dict[str, str], Column, Column]
"""Labels (with __name__ where the answer has it), times in seconds, values."""

_HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Ask:
    """One remote's reading side."""

    door: Door
    url: str
    labels: Mapping[str, str]

    @classmethod
    def of(cls, remote: Remote, door: Door) -> "Ask":
        """As the config file says."""
        return cls(door, remote.read_url.rstrip("/"), remote.labels)

    def text(self, selector: Selector) -> str:
        """The selector in PromQL, narrowed to what is ours."""
        return str(selector.narrowed(*(Matcher(name, value) for name, value in sorted(self.labels.items()))))

    def everything(self, *matchers: Matcher) -> str:
        """Every series that is ours and passes the tests, whatever its name."""
        mine = [Matcher(name, value) for name, value in sorted(self.labels.items())]
        return f"{{{','.join(map(str, (*matchers, *mine)))}}}"

    def stretch(self, selector: str, start: float, end: float) -> list[Row]:
        """Raw values as they were given, both ends included."""
        # Prometheus before 3 takes both ends of a range, later ones and VictoriaMetrics the right end only.
        length = max(1, round((end - start) * 1000) + 1)
        found = self._get("query", {"query": f"{selector}[{length}ms]", "time": f"{end:.3f}"})
        return [_inside(row, start, end) for row in _rows(found.get("result", []))]

    def at(self, query: str, time: float) -> list[Row]:
        """An instant query."""
        found = self._get("query", {"query": query, "time": f"{time:.3f}"})
        return [
            (row["metric"], np.array([float(row["value"][0])]), np.array([float(row["value"][1])]))
            for row in found.get("result", [])
        ]

    def grid(self, query: str, start: float, step: float, n: int) -> Iterable[list[Row]]:
        """A range query of n points, in as many pieces as the engine's limit makes necessary."""
        for first in range(0, n, MOST_POINTS):
            count = min(MOST_POINTS, n - first)
            begin = start + first * step
            times = {"start": f"{begin:.3f}", "end": f"{begin + (count - 1) * step:.3f}", "step": f"{step:.3f}"}
            yield list(_rows(self._get("query_range", {"query": query, **times}).get("result", [])))

    def series(self, match: str, start: float, end: float) -> list[dict[str, str]]:
        """The labels of every series with a sample in a span."""
        found = self._get("series", {"match[]": match, "start": f"{start:.3f}", "end": f"{end:.3f}"})
        return list(found) if isinstance(found, list) else []

    def _get(self, what: str, asked: Mapping[str, str]) -> Any:
        body = urlencode({**asked, "nocache": "1"}, errors="replace").encode()
        try:
            answer = orjson.loads(self.door.post(f"{self.url}/api/v1/{what}", body, _HEADERS))
        except orjson.JSONDecodeError:
            raise Waits(f"{self.door.name}: no JSON from {self.url}/api/v1/{what}: check read_url") from None
        except Refused as error:
            raise RemoteError(str(error)) from None
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise RemoteError(f"{self.door.name}: {what} failed: {str(answer)[:200]}")
        return answer.get("data")


def _rows(result: Sequence[Mapping[str, Any]]) -> Iterable[Row]:
    for row in result:
        times, values = zip(*row["values"], strict=True)
        yield dict(row["metric"]), np.array(times, dtype=np.float64), np.array(values, dtype=np.float64)


def _inside(row: Row, start: float, end: float) -> Row:
    """In rising time, of several values of one time the last, and only what was asked for."""
    labels, times, values = row
    if len(times) > 1 and not (np.diff(times) > 0).all():
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
        last = np.append(np.diff(times) > 0, True)
        times, values = times[last], values[last]
    # Half a millisecond of room: times come as decimal fractions.
    good = (times > start - 0.0005) & (times < end + 0.0005)
    return labels, times[good], values[good]
