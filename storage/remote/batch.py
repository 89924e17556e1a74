"""Samples on their way to a remote: by series, each in time order, split where one request would be too much."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from metrics.model import SOURCE, labelled
from metrics.points import Points
from storage.remote.entry import Entry, Key, milliseconds

MOST_SAMPLES = 10_000
"""Samples of one request: about half a MiB before it is packed, far below what any engine refuses."""


@dataclass(slots=True)
class Batch:
    """Times in milliseconds and values by series."""

    series: dict[Key, tuple[list[int], list[float]]] = field(default_factory=dict)
    samples: int = 0

    def add(self, key: Key, at: int, value: float) -> None:
        """One more sample, no older than the series' last one."""
        times, values = self.series.setdefault(key, ([], []))
        if times and times[-1] == at:
            values[-1] = value
            return
        times.append(at)
        values.append(value)
        self.samples += 1

    def times(self) -> list[int]:
        """Every time there is, rising."""
        return sorted({at for times, _ in self.series.values() for at in times})

    def sources(self) -> list[str]:
        """Every source there is, sorted."""
        return sorted({source_of(key) for key in self.series})


def source_of(key: Key) -> str:
    """The source in a series' labels."""
    return next((value for name, value in key[1] if name == SOURCE), "")


def of_entries(entries: Iterable[Entry]) -> Batch:
    """Polls as one batch, in time order, whatever the order they came in."""
    batch = Batch()
    for entry in sorted(entries, key=lambda entry: entry.at):
        for metric, labels, value in entry.rows:
            batch.add((metric, labels), entry.at, value)
    return batch


def of_points(metric: str, found: Sequence[Points], batch: Batch) -> None:
    """Add what a store has of one metric."""
    for points in found:
        key = (metric, labelled(points.labels))
        for at, value in zip(points.times.tolist(), points.values.tolist(), strict=True):
            batch.add(key, milliseconds(at), value)


def cut(batch: Batch, most: int = MOST_SAMPLES) -> Iterator[Batch]:
    """Pieces of at most so many samples: stretches of time, in their order, and parts of one where that is too much."""
    if batch.samples <= most:
        yield batch
        return
    for piece in halves(batch):
        yield from cut(piece, most)


def halves(batch: Batch) -> tuple[Batch, Batch]:
    """The older and the newer half of a batch; of one time, the sources' halves; of one source, the series'."""
    times = batch.times()
    if len(times) > 1:
        middle = times[len(times) // 2]
        return _where(batch, lambda key, at: at < middle), _where(batch, lambda key, at: at >= middle)
    sources = batch.sources()
    keys = list(batch.series)
    first = set(keys[: len(keys) // 2])
    if len(sources) > 1:
        names = set(sources[: len(sources) // 2])
        first = {key for key in keys if source_of(key) in names}
    return _where(batch, lambda key, at: key in first), _where(batch, lambda key, at: key not in first)


def _where(batch: Batch, wanted: Callable[[Key, int], bool]) -> Batch:
    part = Batch()
    for key, (times, values) in batch.series.items():
        for at, value in zip(times, values, strict=True):
            if wanted(key, at):
                part.add(key, at, value)
    return part
