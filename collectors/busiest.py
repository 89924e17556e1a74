"""The busiest of many rows, and rows for all others whose counters only grow.

A sum over a changing set is never the difference of two sums: each row's rise is taken, and the total is ours. A row
that comes into the shown ones begins a series of its own now, so what it did until now belongs to the others; a row
that leaves them has been counted up to its last sample, and when it comes back its series goes on from there, without
what the others were given meanwhile. So shown and rest together are always what all rows did.

What was given to the others is forgotten when the process ends: the series of a row that came back then jumps to the
server's own value. So whoever stores these rows changes their epoch with each start once there is a rest (``opened``).

Rows come in places (the databases of a server). A place that was not there at the look before begins anew: its first
look is a base line, not a rise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.frame import Frame, Key, Numbers

Flags = NDArray[np.bool_]

FADE = 0.9
"""What is left of a row's claim to be shown after each look: one that was busy stays for a while."""

STAY = 1.5
"""How much more the claim of a row counts that is shown: another set of names costs the store its names again."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look.

    shown   by place, which rows have series of their own
    given   by place, what of each row's counters the others were given while it had none
    rests   one row for each kind of others
    rises   by place, what each row's counters rose by, in the order of ``counters``
    left    how many rows are part of a rest
    """

    shown: Mapping[str, Sequence[int]]
    given: Mapping[str, Numbers]
    rests: Sequence[dict[str, Any]]
    rises: Mapping[str, Numbers]
    counters: Sequence[str]
    left: int

    def rows(self, frames: Mapping[str, Frame]) -> list[dict[str, Any]]:
        """Shown rows and rests, as a Reading takes them."""
        # In the order of their names: the store writes the names anew whenever they are others or elsewhere.
        own: list[dict[str, Any]] = []
        for place, shown in self.shown.items():
            order = sorted(shown, key=frames[place].keys.__getitem__)
            rows = frames[place].rows(order)
            given = bool(self.given[place].any())
            own += [self.own(place, at, row) for at, row in zip(order, rows, strict=True)] if given else rows
        return [*own, *self.rests]

    def own(self, place: str, at: int, row: dict[str, Any]) -> dict[str, Any]:
        """A shown row without what the others were given of it."""
        for name, given in zip(self.counters, self.given[place][at].tolist(), strict=True):
            if given and row[name] is not None:
                row[name] -= given
        return row


@dataclass(slots=True)
class _Place:
    """The last rows of one place.

    claims  of each, to be shown
    shown   whether it was
    ever    whether it ever was
    given   what the others were given of it since
    last    what is last known of its counters, nan where nothing ever was
    """

    frame: Frame
    index: Mapping[Key, int]
    claims: Numbers
    shown: Flags
    ever: Flags
    given: Numbers
    last: Numbers


@dataclass(slots=True, kw_only=True)
class Busiest:
    """Remembers the rows of one reading from look to look.

    counters  columns that only grow while the server's statistics are kept
    gauges    columns that a rest has the sum of
    rank      counters by whose rise rows are ranked; those that tie, by their whole values
    levels    gauges that add to a row's rank as they are
    urgent    gauges of which a row that has any comes before all that have none
    most      how many rows are shown

    Columns that a server's version does not have are passed over.
    """

    counters: Sequence[str]
    rank: Sequence[str]
    most: int
    gauges: Sequence[str] = ()
    levels: Sequence[str] = ()
    urgent: Sequence[str] = ()
    _places: dict[str, _Place] = field(default_factory=dict)
    _totals: dict[Key, Numbers] = field(default_factory=dict)

    @property
    def opened(self) -> bool:
        """Whether there is a rest."""
        return bool(self._totals)

    def look(self, frames: Mapping[str, Frame], kinds: Mapping[str, Sequence[Key]]) -> Look:
        """Rows by place, and for each row the key of the rest that it is part of when it is not shown."""
        self._places = {name: place for name, place in self._places.items() if name in frames}
        rises, had = {}, {}
        for name, frame in frames.items():
            rises[name], had[name] = self._rise(name, frame)
        self._choose(list(self._places.values()))
        sums: dict[Key, Numbers] = {}
        self._totals = {kind: self._totals[kind] for kind in set().union(*kinds.values()) if kind in self._totals}
        for name, place in self._places.items():
            self._gather(place, rises[name], had[name], kinds[name], sums)
        return Look(
            shown={name: np.flatnonzero(place.shown).tolist() for name, place in self._places.items()},
            given={name: place.given for name, place in self._places.items()},
            rests=[row for name in list(frames)[:1] for row in self._rests(frames[name], sums)],
            rises=rises,
            counters=_present(next(iter(frames.values())), self.counters) if frames else (),
            left=sum(int(np.count_nonzero(~place.shown)) for place in self._places.values()),
        )

    def _rise(self, name: str, frame: Frame) -> tuple[Numbers, Flags]:
        """All that a new row says is new; so is all of one that fell. Beside it which rows had a series."""
        tracked, ranked, width = _tracked(frame.names, tuple(self.counters), tuple(self.rank))
        now = frame.numbers.take(_places(frame.names, tuple(tracked)), axis=1)
        unknown = np.isnan(now)
        place = self._places.get(name)
        if place is None or place.frame.names != frame.names:
            nothing, had = np.zeros((len(frame), width)), np.zeros(len(frame), dtype=np.bool_)
            claims = np.nansum(now[:, ranked], axis=1)
            self._places[name] = _Place(frame, _index(frame), claims, had, had.copy(), nothing.copy(), now)
            return nothing, had
        if frame is place.frame:
            place.claims = place.claims * FADE
            return np.zeros_like(now[:, :width]), place.shown
        moved = _moved(place, frame)
        before = moved.place.last
        if unknown.any():
            # By how much it rose is known when it is told again.
            now[unknown] = before[unknown]
        fell = (now < before).any(axis=1)
        before[fell] = 0.0
        moved.place.given[fell] = 0.0
        rises = now - before
        # What the base line did not tell: how much of it is new nobody knows.
        rises[np.isnan(rises)] = 0.0
        moved.place.last = now
        moved.place.claims = moved.place.claims * FADE + rises[:, ranked].sum(axis=1)
        self._places[name] = moved.place
        return rises[:, :width], moved.place.shown

    def _choose(self, places: Sequence[_Place]) -> None:
        """Mark the rows of all places that are shown."""
        sizes = [len(place.frame) for place in places]
        chosen = np.ones(sum(sizes), dtype=np.bool_)
        if len(chosen) > self.most:
            shown = np.concatenate([place.shown for place in places])
            claims = np.concatenate([place.claims + _columns(place.frame, self.levels).sum(axis=1) for place in places])
            claims[shown] *= STAY
            whole = np.concatenate([_columns(place.frame, self.rank).sum(axis=1) for place in places])
            urgent = np.concatenate([_columns(place.frame, self.urgent).sum(axis=1) for place in places])
            chosen[np.lexsort((-whole, ~shown, -claims, -urgent))[self.most :]] = False
        for place, mine in zip(places, np.split(chosen, np.cumsum(sizes)[:-1]), strict=True) if places else ():
            place.shown = mine

    def _gather(
        self, place: _Place, rises: Numbers, had: Flags, kinds: Sequence[Key], sums: dict[Key, Numbers]
    ) -> None:
        """Add a place's others up, by kind."""
        others = ~place.shown
        if not self._totals and not others.any():
            place.ever = place.shown
            return
        # Was not shown: has no sample yet that this rise would be the difference to.
        counted = others | ~had
        place.given[counted & place.ever] += rises[counted & place.ever]
        place.ever = place.ever | place.shown
        gauges = _columns(place.frame, self.gauges)
        numbers = {kind: number for number, kind in enumerate(dict.fromkeys(kinds))}
        of = np.fromiter(map(numbers.__getitem__, kinds), np.int64, len(kinds))
        for kind, number in numbers.items():
            mine = of == number
            if kind in self._totals or (mine & others).any():
                total = self._totals.get(kind, np.zeros(rises.shape[1])) + rises[mine & counted].sum(axis=0)
                self._totals[kind] = total
                held = sums[kind][len(total) :] if kind in sums else np.zeros(gauges.shape[1])
                sums[kind] = np.concatenate([total, held + gauges[mine & others].sum(axis=0)])

    def _rests(self, frame: Frame, sums: Mapping[Key, Numbers]) -> Iterator[dict[str, Any]]:
        names = (*_present(frame, self.counters), *_present(frame, self.gauges))
        for kind, values in sums.items():
            known = {**dict(zip(frame.labels, kind, strict=True)), **dict(zip(names, values.tolist(), strict=True))}
            yield {**dict.fromkeys(frame.names), **known}


def _present(frame: Frame, wanted: Sequence[str]) -> list[str]:
    return [name for name in wanted if name in frame.names]


@lru_cache(maxsize=200)
def _tracked(names: tuple[str, ...], counters: Sequence[str], rank: Sequence[str]) -> tuple[list[str], list[int], int]:
    """Columns whose rise is taken, which of them rows are ranked by, and how many are counters: the first ones."""
    present = [name for name in counters if name in names]
    tracked = list(dict.fromkeys([*present, *(name for name in rank if name in names)]))
    return tracked, [tracked.index(name) for name in rank if name in names], len(present)


@lru_cache(maxsize=500)
def _places(names: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.intp]:
    return np.array([names.index(name) for name in wanted if name in names], dtype=np.intp)


def _columns(frame: Frame, wanted: Sequence[str]) -> Numbers:
    """Columns side by side, NULL as nothing."""
    values = frame.numbers.take(_places(frame.names, tuple(wanted)), axis=1)
    values[np.isnan(values)] = 0.0
    return values


def _index(frame: Frame) -> dict[Key, int]:
    return {key: at for at, key in enumerate(frame.keys)}


@dataclass(frozen=True, slots=True)
class _Moved:
    """A place with its new rows, which know what was remembered of them; where they stood, −1 for new ones."""

    place: _Place
    at: NDArray[np.int64]


def _moved(place: _Place, frame: Frame) -> _Moved:
    if frame.keys == place.frame.keys:
        at = np.arange(len(frame), dtype=np.int64)
        same = _Place(frame, place.index, place.claims, place.shown, place.ever, place.given.copy(), place.last)
        return _Moved(same, at)
    at = np.array([place.index.get(key, -1) for key in frame.keys], dtype=np.int64)
    known = at >= 0
    new = _Place(
        frame,
        _index(frame),
        np.zeros(len(frame)),
        np.zeros(len(frame), dtype=np.bool_),
        np.zeros(len(frame), dtype=np.bool_),
        np.zeros((len(frame), place.given.shape[1])),
        np.zeros((len(frame), place.last.shape[1])),
    )
    for mine, old in (
        (new.claims, place.claims),
        (new.shown, place.shown),
        (new.ever, place.ever),
        (new.given, place.given),
        (new.last, place.last),
    ):
        mine[known] = old[at[known]]
    return _Moved(new, at)
