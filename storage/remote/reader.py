"""The reading half of the Store protocol over an engine that speaks Prometheus; arithmetic stays ours.

What the engine gives, and how exact it is:

- `raw` without a step: a range selector as an instant query, which gives raw samples. Exact, to the millisecond.
- `raw` with a step: values and their own times on a grid (`m` and `timestamp(m)`), the newest minute raw, and raw
  again around the turns that the writer marked. Exact: the same samples that the embedded store would pick.
- `window`: raw up to a day; beyond it last, increase and rate from thinned values (exact), and min, max, avg and count
  from `…_over_time` (where a sample was sent twice, VictoriaMetrics counts it twice, unless it deduplicates).
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from metrics.config import Remote
from metrics.model import SOURCE, Labels, Matcher, Op, Selector, labelled
from metrics.points import LOOKBACK, Points
from storage.grid import top_of
from storage.remote import spool
from storage.remote.ask import Ask, Row
from storage.remote.door import Door
from storage.remote.entry import OWN, TURNS
from storage.remote.faults import RemoteError
from storage.remote.fold import folded, over_time
from storage.remote.newest import Newest
from storage.remote.thin import SLACK, down, merged, steps_of, thinned, whole
from storage.store import Fold, Grid, Health, Reader, StoredRecord

TAIL = 60.0
"""Seconds before the end that are read raw: a sample that arrives between two grid queries would mix its neighbours."""
FINE = 30.0
"""A step up to which all samples are fewer than the two columns of a grid."""
COARSEST = 240.0
"""Engines look back 300 s for a value, so no step of a grid may be longer."""
MOST_TURNS = 64
"""Turns to look at one by one; with more, everything is read."""
AGES = 400 * 86400.0


class RemoteReader:
    """Any number of processes and threads may hold one."""

    def __init__(self, remote: Remote, folder: Path, records: Reader, clock: Callable[[], float] = time.time) -> None:
        """``records``: the local store that has the records; ``folder``: where polls wait while the remote is down."""
        self._ask = Ask.of(remote, Door(remote))
        self._name = remote.name
        self._records, self._folder, self._clock = records, folder, clock
        self._newest = Newest(self._ask, clock)

    def raw(self, selector: Selector, start: float, end: float, step: float = 0.0) -> list[Points]:
        """See Store.raw."""
        return self.anchored(selector, start, end, step, 0.0)

    def anchored(self, selector: Selector, start: float, end: float, step: float, anchor: float) -> list[Points]:
        """The same with steps that end at anchor + k·step."""
        if end < start:
            return []
        text = self._ask.text(selector)
        if not step:
            return self._points(selector, [self._ask.stretch(text, start, end)])
        # A grid over years of nothing would be a thousand questions.
        start = max(start, end - AGES)
        turns = self._turns(start, end)
        pieces = (
            [self._ask.stretch(text, start, end)] if step <= FINE else self._gridded(text, start, end, step, anchor)
        )
        if pieces is None or sum(map(len, turns.values())) > MOST_TURNS:
            pieces = [self._ask.stretch(text, start, end)]
        elif step > FINE:
            pieces += self._around(selector, turns, start, end, step)
        return [
            thinned(points, start, step, anchor, turns.get(points.source, ()))
            for points in self._points(selector, pieces)
        ]

    def window(
        self, selector: Selector, t0: float, step: float, n: int, fold: Fold, top: int | None = None
    ) -> list[Grid]:
        """See Store.window."""
        ends = t0 + step * np.arange(n, dtype=np.float64)
        last = float(ends[-1])
        if n * step <= 86400 or fold in (Fold.LAST, Fold.INCREASE, Fold.RATE):
            fine = 0.0 if n * step <= 86400 else step / np.ceil(step / COARSEST)
            before = LOOKBACK if fold in (Fold.INCREASE, Fold.RATE) else 0.0
            found = self.anchored(selector, t0 - step - before, last, fine, t0)
            columns = ((labelled(p.labels), folded(p.times, p.values, ends, step, fold)) for p in found)
        else:
            rows = over_time(self._ask, selector, t0, step, n, fold)
            columns = ((labelled(self._mine(labels)), values) for labels, values in rows)
        grids = [Grid(labels, t0, step, values) for labels, values in columns if not np.isnan(values).all()]
        return top_of(grids, top) if top else sorted(grids, key=lambda grid: grid.labels)

    def windows(
        self, selector: Selector, t0: float, step: float, n: int, folds: Sequence[Fold]
    ) -> dict[Fold, list[Grid]]:
        """See Reader.windows; each fold is a question of its own."""
        return {fold: list(self.window(selector, t0, step, n, fold)) for fold in folds}

    def latest(self, selector: Selector | None = None) -> list[tuple[str, Labels, float, float]]:
        """See Store.latest."""
        found = []
        for source, at in self._newest.polls():
            of = Matcher(SOURCE, source)
            text = self._ask.everything(of) if selector is None else self._ask.text(selector.narrowed(of))
            for labels, times, values in self._ask.stretch(text, at, at):
                metric = labels.pop("__name__", "")
                if len(times) and metric not in OWN:
                    found.append((metric, labelled(self._mine(labels)), float(times[-1]), float(values[-1])))
        return sorted(set(found))

    def series(self, metric: str | None = None) -> list[tuple[str, Labels]]:
        """See Store.series."""
        match = self._ask.everything(Matcher(SOURCE, "", Op.NE)) if metric is None else self._ask.text(Selector(metric))
        now = self._clock()
        rows = self._ask.series(match, now - AGES, now)
        named = ((row.pop("__name__", ""), labelled(self._mine(row))) for row in rows)
        return sorted({(name, labels) for name, labels in named if name not in OWN and dict(labels).get(SOURCE)})

    def labels(self, metric: str) -> dict[str, list[str]]:
        """See Store.labels."""
        values: dict[str, set[str]] = {}
        for _, labels in self.series(metric):
            for name, value in labels:
                values.setdefault(name, set()).add(value)
        return {name: sorted(found) for name, found in sorted(values.items())}

    def records(self, source: str, kind: str, keys: Sequence[str] | None = None) -> Sequence[StoredRecord]:
        """See Store.records."""
        return self._records.records(source, kind, keys)

    def health(self) -> Health:
        """See Store.health. Bytes are the engine's own affair: 0; polls are those of the last day."""
        waits, since = spool.waiting(self._folder)
        try:
            series, polls, oldest, newest = self._newest.health()
        except RemoteError as error:
            more = f"; {waits} polls wait on this machine" if waits else ""
            return Health(0, 0, 0, None, None, problem=f"{error}{more}")
        late = since is not None and self._clock() - since > TAIL
        own = self._records.health()
        problem = f"{waits} polls wait on this machine for remote {self._name}" if late else own.problem
        return Health(series, polls, 0, oldest, newest, problem, own.damaged, own.wal_bytes, own.dropped)

    def close(self) -> None:
        """Let go of connections and of the local store."""
        self._ask.door.close()
        self._records.close()

    def _mine(self, labels: dict[str, str]) -> dict[str, str]:
        """Without the name and what the config file adds."""
        return {name: value for name, value in labels.items() if name != "__name__" and name not in self._ask.labels}

    def _points(self, selector: Selector, pieces: Sequence[Sequence[Row]]) -> list[Points]:
        """Rows of several answers by series, sorted."""
        grouped: dict[Labels, list[Points]] = {}
        for labels, times, values in (row for piece in pieces for row in piece):
            mine = self._mine(labels)
            if len(times) and mine.get(SOURCE) and selector.accepts(mine):
                grouped.setdefault(labelled(mine), []).append(Points(mine, times, values))
        return [merged(parts) for _, parts in sorted(grouped.items())]

    def _turns(self, start: float, end: float) -> dict[str, list[float]]:
        """When each source turned."""
        found = self._ask.stretch(self._ask.text(Selector(TURNS)), start, end)
        return {labels.get(SOURCE, ""): times.tolist() for labels, times, _ in found}

    def _gridded(self, text: str, start: float, end: float, step: float, anchor: float) -> list[list[Row]] | None:
        """The last value of each whole step, and everything after those; None where that would be no saving."""
        fine = step / np.ceil(step / COARSEST)
        combs = whole(fine)
        first = int(steps_of(np.array([start]), fine, anchor)[0])
        n = int((end - TAIL - anchor) // fine) - first + 1
        if n < 2 or not combs:
            return None
        newest = anchor + (first + n - 1) * fine
        # The first sample of all is a baseline where there is less history than a window.
        pieces = [self._ask.stretch(text, start, down(anchor + (first + 1) * fine))]
        pieces.append(self._ask.stretch(text, down(newest) + 0.001, end))
        for comb in range(min(combs, n)):
            begin = down(anchor + (first + comb) * fine)
            points = (n - comb - 1) // combs + 1
            times = self._ask.grid(f"timestamp({text})", begin, fine * combs, points)
            values = self._ask.grid(text, begin, fine * combs, points)
            for stamped, found in zip(times, values, strict=True):
                pieces.append(list(_paired(stamped, found, start, fine)))
        return pieces

    def _around(
        self, selector: Selector, turns: dict[str, list[float]], start: float, end: float, step: float
    ) -> Iterator[list[Row]]:
        """Raw values on both sides of each turn. Further away than a step, they are the last of their own step."""
        for source, times in turns.items():
            text = self._ask.text(selector.narrowed(Matcher(SOURCE, source)))
            for at in times:
                yield self._ask.stretch(text, max(start, at - step), min(end, at + step))


def _paired(stamped: Sequence[Row], found: Sequence[Row], start: float, step: float) -> Iterator[Row]:
    """Values at their own times: those of each grid point that were taken within its step."""
    values_of = {_key(labels): (times, values) for labels, times, values in found}
    for labels, ticks, times in stamped:
        if _key(labels) not in values_of:
            continue
        at, values = values_of[_key(labels)]
        _, mine, theirs = np.intersect1d(ticks, at, return_indices=True)
        own, good = times[mine], values[theirs]
        fresh = (own > ticks[mine] - step - SLACK) & (own > start - SLACK)
        yield labels, own[fresh], good[fresh]


def _key(labels: dict[str, str]) -> Labels:
    return labelled({name: value for name, value in labels.items() if name != "__name__"})
