"""The Store protocol: what every series store guarantees, embedded or remote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from metrics.model import Labels, Selector
from metrics.points import Column, Points
from metrics.poll import Poll


class Fold(StrEnum):
    """How the raw values of one step become one."""

    MIN = "min"
    MAX = "max"
    AVG = "avg"
    LAST = "last"
    INCREASE = "increase"
    RATE = "rate"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns on a regular grid: value i is of (t0 + i·step − step, t0 + i·step]; nan where there is none."""

    labels: Labels
    t0: float
    step: float
    values: Column


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as it is kept: the newest body of its key, and when it was first and last seen."""

    source: str
    kind: str
    key: str
    at: float
    body: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the store says of itself. ``problem`` is empty when it can write and read.

    damaged  pieces that are left out or in quarantine
    dropped  records that were more than is kept of a source, by source, ever
    """

    series: int
    polls: int
    bytes: int
    oldest: float | None
    newest: float | None
    problem: str = ""
    damaged: int = 0
    wal_bytes: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    """The reading half of a store, which any number of processes may hold.

    - Reads never block the writer and see one consistent state each. Time bounds are inclusive on both sides.
    - Values come back as they were given, NaN and infinities included; nothing is interpolated.
    - Every series carries the label ``source``; names and values of labels are arbitrary text.
    """

    def raw(self, selector: Selector, start: float, end: float, step: float = 0.0) -> Sequence[Points]:
        """Raw values of the chosen series.

        With a step, one value per series and step is enough (the last of (k·step − step, k·step] for whole k),
        plus both sides of every fall of a counter and every change of an epoch, so that increases between
        multiples of the step come out the same as from all values.
        """
        ...

    def window(
        self, selector: Selector, t0: float, step: float, n: int, fold: Fold, top: int | None = None
    ) -> Sequence[Grid]:
        """One column per series on a grid of n steps; with ``top`` only the series with the highest last values."""
        ...

    def windows(
        self, selector: Selector, t0: float, step: float, n: int, folds: Sequence[Fold]
    ) -> dict[Fold, list[Grid]]:
        """Several folds of the same values, in one pass where the store can."""
        ...

    def latest(self, selector: Selector | None = None) -> Sequence[tuple[str, Labels, float, float]]:
        """Metric, labels, time and value of every series in its source's newest poll of each tier."""
        ...

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        """Every series ever seen and not yet pruned: metric and labels, sorted."""
        ...

    def labels(self, metric: str) -> dict[str, list[str]]:
        """The label names of a metric with their values, sorted."""
        ...

    def records(self, source: str, kind: str, keys: Sequence[str] | None = None) -> Sequence[StoredRecord]:
        """Records of one kind, newest first."""
        ...

    def health(self) -> Health:
        """How much there is and whether it works."""
        ...

    def close(self) -> None:
        """Let go of files and locks."""
        ...


class Store(Reader, Protocol):
    """A time-series store with its writing half, which one process holds at a time.

    - `append` is atomic: readers see all of a poll or nothing. It returns after the commit is on disk, and what it
      has acknowledged survives kill -9. It may be called from several threads.
    - Polls of one source and tier may come late or out of order; a second poll of the same time replaces the first.
    """

    def append(self, poll: Poll) -> None:
        """Keep one poll."""
        ...

    def prune(self, before: float) -> int:
        """Forget polls and records older than this; how many polls were forgotten."""
        ...
