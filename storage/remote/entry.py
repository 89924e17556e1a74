"""A poll as it travels: its series with their full names, and what marks it leaves for readers.

Two series are ours alone and are never shown:

    trivet_stored_polls{source, tier}   at each poll, how many samples it had: what the newest poll of a source is
    trivet_stored_turns{source}         at a poll in which a counter fell or an epoch changed, and at the first after a
                                        start, when nobody knows: thinned reads look closely there

An engine's own resets() sees one series at a time. When one counter of a server falls, the interval is dropped for
those that did not fall as well, so their values on both sides are needed too.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from metrics.model import SOURCE, Labels, labelled
from metrics.points import Points
from metrics.poll import Poll
from metrics.watch import EPOCH

POLLS = "trivet_stored_polls"
TURNS = "trivet_stored_turns"
OWN = (POLLS, TURNS)

Key = tuple[str, Labels]
"""Metric and labels, source included."""

_COUNTS = ("_total", "_bucket", "_count", "_sum")


class Entry(NamedTuple):
    """One poll: its source, milliseconds of the epoch, and metric, labels and value of everything in it."""

    source: str
    at: int
    rows: Sequence[tuple[str, Labels, float]]


def milliseconds(at: float) -> int:
    """Remote write knows whole milliseconds."""
    return round(at * 1000)


def turns_at(metric: str) -> bool:
    """Whether falls or changes of a metric are turns."""
    return metric == EPOCH.name or metric.endswith(_COUNTS)


class Turns:
    """Notices turns while polls go by. Not for several threads."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self._polls: dict[tuple[str, str], tuple[int, dict[Key, float]]] = {}
        self._points: dict[Key, float] = {}

    def entry(self, poll: Poll) -> Entry:
        """The poll with its marks."""
        at, rows = milliseconds(poll.at), list(_rows(poll))
        values = {(metric, labels): value for metric, labels, value in rows if turns_at(metric)}
        before_at, before = self._polls.get((poll.source, poll.tier), (None, {}))
        self._polls[poll.source, poll.tier] = (at, values)
        count = float(len(rows))
        rows.append((POLLS, labelled({SOURCE: poll.source, "tier": str(poll.tier)}), count))
        known = before_at is not None and before_at < at
        if not known or any(_turned(key[0], old, values.get(key, old)) for key, old in before.items()):
            rows.append((TURNS, labelled({SOURCE: poll.source}), 1.0))
        return Entry(poll.source, at, rows)

    def points(self, metric: str, found: Sequence[Points]) -> Iterator[tuple[str, int]]:
        """Source and time of every turn in stretches that follow one another."""
        if not turns_at(metric):
            return
        for points in found:
            key = (metric, labelled(points.labels))
            values = np.concatenate(([self._points.get(key, points.values[0])], points.values))
            self._points[key] = float(points.values[-1])
            change = np.diff(values)
            turned = change != 0 if metric == EPOCH.name else change < 0
            for i in np.flatnonzero(turned):
                yield points.source, milliseconds(float(points.times[i]))

    def forget(self) -> None:
        """What follows is no continuation of the stretches before."""
        self._points.clear()


def _rows(poll: Poll) -> Iterator[tuple[str, Labels, float]]:
    for metric, labels, value in poll.samples:
        yield metric, labelled({**dict(labels), SOURCE: poll.source}), value
    for name, value in sorted(poll.epochs.items()):
        yield EPOCH.name, labelled({"epoch": name, SOURCE: poll.source}), value


def _turned(metric: str, old: float, new: float) -> bool:
    return new != old if metric == EPOCH.name else new < old
