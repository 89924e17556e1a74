"""Samples of other programs, put in the order of their time and made into polls."""

from array import array
from collections.abc import Iterator, Mapping

import numpy as np

from metrics.model import SOURCE, Labels, Sample
from metrics.poll import Poll, Tier

EARLIEST, LATEST = 10**10, 10**14
"""In milliseconds: 1970 and 5138. What is outside was written in another unit."""


class Gathered:
    """Samples by series, time and value: about 25 bytes for each."""

    def __init__(self) -> None:
        """Empty."""
        self._series: dict[tuple[str, Labels], int] = {}
        self._which, self._times, self._values = array("I"), array("q"), array("d")

    def __len__(self) -> int:
        return len(self._times)

    @property
    def series(self) -> int:
        """How many there are."""
        return len(self._series)

    def number(self, metric: str, labels: Mapping[str, str]) -> int:
        """The number of a series; a label ``source`` of its own becomes ``exported_source``, as Prometheus has it."""
        own = {(f"exported_{name}" if name == SOURCE else name): value for name, value in labels.items() if value}
        key = (metric, tuple(sorted(own.items())))
        return self._series.setdefault(key, len(self._series))

    def add(self, number: int, at: int, value: float) -> None:
        """One sample, its time in milliseconds."""
        self._which.append(number)
        self._times.append(at)
        self._values.append(value)

    def times(self) -> list[int]:
        """Every time that there is a sample of, once, rising."""
        found: list[int] = np.unique(np.frombuffer(self._times, dtype=np.int64)).tolist() if self._times else []
        return found

    def polls(self, source: str) -> Iterator[Poll]:
        """One poll for each time, in order."""
        if not self._times:
            return
        times = np.frombuffer(self._times, dtype=np.int64)
        which = np.frombuffer(self._which, dtype=np.uint32)
        values = np.frombuffer(self._values, dtype=np.float64)
        # Stable: of two values of one series and time the later one in the files counts.
        order = np.lexsort((which, times))
        edges = np.flatnonzero(np.diff(times[order])) + 1
        names = list(self._series)
        for part in np.split(order, edges):
            pairs = dict(zip(which[part].tolist(), values[part].tolist(), strict=True))
            samples = [Sample(*names[number], value) for number, value in pairs.items()]
            at = int(times[part[0]]) / 1000
            yield Poll(source=source, tier=Tier.FAST, at=at, duration=0.0, up=True, samples=samples)
