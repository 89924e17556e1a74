"""The backlog beside a local store: that store itself, from a watermark on."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator

from metrics.model import SOURCE, Selector, labelled
from storage.remote.batch import MOST_SAMPLES, Batch, of_points
from storage.remote.entry import TURNS, Entry, Turns
from storage.remote.marks import Marks
from storage.store import Reader

OVERLAP = 60.0
"""Seconds sent again after every reconnect: what a dying engine had only in memory, and polls that came late."""
NOTE_EVERY = 5.0
SHORTEST, LONGEST = 60.0, 86400.0
AHEAD = 3600.0
"""How far in the future samples may lie and still be sent: the clock may have been set."""


class Replay:
    """Reads what a remote lacks, stretch by stretch. Not for several threads."""

    def __init__(
        self, local: Reader, marks: Marks, name: str, backfill: float, clock: Callable[[], float] = time.time
    ) -> None:
        """``backfill``: seconds of history that a remote without a watermark gets."""
        self._local, self._marks, self._name, self._clock = local, marks, name, clock
        mark = marks.get(name)
        if mark is None:
            mark = clock() - backfill
            marks.set(name, mark)
        else:
            mark -= OVERLAP
        self._position = self._reached = mark
        self._behind = True
        self._length = SHORTEST
        self._last = False
        self._noted = 0.0
        self._passed: deque[tuple[float, float]] = deque()
        self._turns = Turns()
        self._sources: dict[str, int] = {}

    def waits(self) -> bool:
        """Whether the remote lacks something."""
        return self._behind

    def keep(self, entries: Iterable[Entry]) -> None:
        """The local store has them. One that came later than what was sent since is read from there again."""
        self._behind = True
        oldest = min((entry.at / 1000 for entry in entries), default=self._position)
        if oldest < self._position:
            self._go(oldest - 0.001)

    def rewind(self) -> None:
        """The remote may have lost what it was sent a short while ago: go back to before that, and a little more."""
        self._behind = True
        self._go(min([self._position, *(position for _, position in self._passed)]) - OVERLAP)
        self._passed.clear()

    def _go(self, position: float) -> None:
        self._position = position
        self._turns.forget()

    def next(self) -> Batch:
        """The next stretch of time, empty where there is nothing."""
        batch, now = Batch(), self._clock()
        self._last = self._position + self._length >= now
        self._reached = now if self._last else self._position + self._length
        end = now + AHEAD if self._last else self._reached
        turned: set[tuple[str, int]] = set()
        for metric in sorted({metric for metric, _ in self._local.series()}):
            stretch = self._local.raw(Selector(metric), self._position + 0.0005, end)
            found = [points for points in stretch if len(points.times)]
            of_points(metric, found, batch)
            turned.update(self._turns.points(metric, found))
        turned.update(self._first(batch))
        for source, at in sorted(turned, key=lambda turn: turn[1]):
            batch.add((TURNS, labelled({SOURCE: source})), at, 1.0)
        longer = batch.samples < MOST_SAMPLES / 4
        self._length = min(LONGEST, self._length * 2) if longer else max(SHORTEST, self._length / 2)
        return batch

    def _first(self, batch: Batch) -> Iterator[tuple[str, int]]:
        """A source's first sample since we began, of which nobody knows whether it goes on from the one before."""
        for (_, labels), (times, _) in batch.series.items():
            source = dict(labels).get(SOURCE, "")
            if self._sources.setdefault(source, times[0]) == times[0]:
                yield source, times[0]

    def done(self) -> None:
        """What `next` gave last has arrived."""
        self._behind = not self._last
        self._pass(max(self._position, self._reached))
        self._note()

    def sent(self, entries: Iterable[Entry]) -> None:
        """Polls arrived without waiting."""
        self._pass(max([self._position, *(entry.at / 1000 for entry in entries)]))
        if time.monotonic() - self._noted > NOTE_EVERY:
            self._note()

    def _pass(self, position: float) -> None:
        now = time.monotonic()
        self._passed.append((now, self._position))
        while self._passed[0][0] < now - OVERLAP:
            self._passed.popleft()
        self._position = position

    def close(self) -> None:
        """Note how far it came."""
        self._note()

    def _note(self) -> None:
        self._marks.set(self._name, self._position)
        self._noted = time.monotonic()
