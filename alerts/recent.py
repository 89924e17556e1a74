"""The last minutes of what rules need, in memory: each stored poll is taken in once, and evaluated from here.

A source whose clock was set back begins anew: what came before is of times that are yet to come.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metrics.model import Selector
from metrics.points import Column, Points, Read
from storage.tail import Fresh

STEP = 5.0
"""Seconds by which a poll may be older than one of another tier without the clock having been set back."""

ROOM = 64
"""Polls for which room is made at first."""


@dataclass(slots=True)
class _Run:
    """Polls of one tier of one source that have the same series: a row for each poll."""

    layout: int
    columns: NDArray[np.intp]
    mappings: list[Mapping[str, str]]
    metrics: list[str]
    count: int = 0
    _times: Column = field(default_factory=lambda: np.empty(ROOM))
    _values: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    _chosen: dict[Selector, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._values = np.empty((len(self.columns), ROOM))

    def add(self, at: float, values: Column) -> None:
        if self.count == len(self._times):
            self._times = np.concatenate((self._times, np.empty(self.count)))
            self._values = np.concatenate((self._values, np.empty((len(self.columns), self.count))), axis=1)
        self._times[self.count] = at
        self._values[:, self.count] = values[self.columns]
        self.count += 1

    @property
    def times(self) -> Column:
        return self._times[: self.count]

    def values(self, row: int) -> Column:
        found: Column = self._values[row, : self.count]
        return found

    def chosen(self, selector: Selector) -> list[int]:
        """The rows of a selection; it is asked for at every poll."""
        found = self._chosen.get(selector)
        if found is None:
            both = enumerate(zip(self.metrics, self.mappings, strict=True))
            found = [row for row, (name, labels) in both if name == selector.metric and selector.accepts(labels)]
            self._chosen[selector] = found
        return found

    def forget(self, before: float) -> None:
        """Drop what is older, once that is half of it: moving is dearer than keeping."""
        old = int(np.searchsorted(self.times, before))
        if old > max(ROOM, self.count) // 2:
            self._times = self._times[old:].copy()
            self._values = self._values[:, old:].copy()
            self.count -= old


class Recent:
    """Of all sources. One thread at a time.

    wanted  names of metrics as samples have them, with the ends of a histogram's parts; all others are not kept
    keep    seconds
    """

    def __init__(self, wanted: Collection[str], keep: float) -> None:
        """Nothing was seen yet."""
        self._wanted = frozenset(wanted)
        self._keep = keep
        self._runs: dict[str, dict[str, list[_Run]]] = {}

    def add(self, fresh: Fresh) -> bool:
        """Take one poll in. False when it is older than the one before: its source begins anew with it."""
        tiers = self._runs.setdefault(fresh.source, {})
        runs = tiers.setdefault(fresh.tier, [])
        newest = max((float(run[-1].times[-1]) for run in tiers.values() if run), default=fresh.at)
        # Tiers of one turn are a moment apart, in either order.
        in_order = (not runs or fresh.at > runs[-1].times[-1]) and fresh.at > newest - STEP
        if not in_order:
            tiers.clear()
            runs = tiers.setdefault(fresh.tier, [])
        if not runs or runs[-1].layout != fresh.layout:
            runs.append(self._run(fresh))
        runs[-1].add(fresh.at, fresh.values)
        self._forget(runs, fresh.at - self._keep)
        return in_order

    def widen(self, wanted: Collection[str], keep: float) -> None:
        """Keep other names, or longer: of those that are new there is nothing before the next poll."""
        if not set(wanted) <= self._wanted:
            for tiers in self._runs.values():
                for runs in tiers.values():
                    # The next poll begins a run with all names.
                    runs[-1].layout = -1
        self._wanted, self._keep = frozenset(wanted), keep

    def last(self, source: str, tier: str) -> float | None:
        """When the newest poll of a tier was."""
        runs = self._runs.get(source, {}).get(tier, [])
        return float(runs[-1].times[-1]) if runs and runs[-1].count else None

    def tier_of(self, source: str, metric: str) -> str | None:
        """Which tier's newest poll had a metric."""
        for tier, runs in self._runs.get(source, {}).items():
            if runs and metric in runs[-1].metrics:
                return tier
        return None

    def read(self, source: str) -> Read:
        """What evaluate() asks, of one source alone."""

        def ask(selector: Selector, start: float, end: float) -> Sequence[Points]:
            return self._points(source, selector, start, end)

        return ask

    def drop(self, source: str) -> None:
        """Forget a source that is configured no more."""
        self._runs.pop(source, None)

    def _points(self, source: str, selector: Selector, start: float, end: float) -> list[Points]:
        parts: dict[tuple[tuple[str, str], ...], list[tuple[Mapping[str, str], Column, Column]]] = {}
        for runs in self._runs.get(source, {}).values():
            for run in runs:
                low, high = np.searchsorted(run.times, start), np.searchsorted(run.times, end, side="right")
                if low == high:
                    continue
                # One array for all of them: whoever evaluates looks at it once.
                times = run.times[low:high]
                for row in run.chosen(selector):
                    mapping = run.mappings[row]
                    piece = (mapping, times, run.values(row)[low:high])
                    parts.setdefault(tuple(mapping.items()), []).append(piece)
        return [_joined(pieces) for pieces in parts.values()]

    def _run(self, fresh: Fresh) -> _Run:
        places = [place for place, name in enumerate(fresh.names) if name.metric in self._wanted]
        names = [fresh.names[place] for place in places]
        return _Run(
            fresh.layout,
            np.array(places, dtype=np.intp),
            [name.mapping for name in names],
            [name.metric for name in names],
        )

    @staticmethod
    def _forget(runs: list[_Run], before: float) -> None:
        while len(runs) > 1 and runs[0].times[-1] < before:
            runs.pop(0)
        runs[0].forget(before)


def _joined(pieces: Sequence[tuple[Mapping[str, str], Column, Column]]) -> Points:
    mapping, times, values = pieces[0]
    if len(pieces) > 1:
        times = np.concatenate([piece[1] for piece in pieces])
        values = np.concatenate([piece[2] for piece in pieces])
        order = np.argsort(times, kind="stable")
        times, values = times[order], values[order]
    return Points(mapping, times, values)
