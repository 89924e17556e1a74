"""The busiest of many rows, and rows for all others whose counters only grow.

A sum over a changing set is never the difference of two sums: each row's rise is taken, and the total is ours. A row
that comes into the shown ones begins a series of its own now, so what it did until now belongs to the others; a row
that leaves them has been counted up to its last sample. So shown and rest together are always what all rows did.

Rows come in places (the databases of a server). A place that was not there at the look before begins anew: its first
look is a base line, not a rise.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.frame import Frame, Key, Numbers

Flags = NDArray[np.bool_]

FADE = 0.9
"""What is left of a row's claim to be shown after each look: one that was busy stays for a while."""


@dataclass(frozen=True, slots=True)
class Look:
    """What came of one look.

    shown   by place, which rows have series of their own
    rests   one row for each kind of others
    rises   by place, what each row's counters rose by, in the order of ``counters``
    left    how many rows are part of a rest
    """

    shown: Mapping[str, Sequence[int]]
    rests: Sequence[dict[str, Any]]
    rises: Mapping[str, Numbers]
    counters: Sequence[str]
    left: int

    def rows(self, frames: Mapping[str, Frame]) -> list[dict[str, Any]]:
        """Shown rows and rests, as a Reading takes them."""
        return [*(frames[place].row(at) for place, shown in self.shown.items() for at in shown), *self.rests]


@dataclass(slots=True)
class _Place:
    """The last rows of one place, their claims to be shown, and which were."""

    frame: Frame
    index: Mapping[Key, int]
    claims: Numbers
    shown: Flags


@dataclass(slots=True, kw_only=True)
class Busiest:
    """Remembers the rows of one reading from look to look.

    counters  columns that only grow while the server's statistics are kept
    gauges    columns that a rest has the sum of
    rank      counters by whose rise rows are ranked; those that tie, by their whole values
    levels    gauges that add to a row's rank as they are
    most      how many rows are shown

    Columns that a server's version does not have are passed over.
    """

    counters: Sequence[str]
    rank: Sequence[str]
    most: int
    gauges: Sequence[str] = ()
    levels: Sequence[str] = ()
    _places: dict[str, _Place] = field(default_factory=dict)
    _totals: dict[Key, Numbers] = field(default_factory=dict)

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
            rests=[row for name in list(frames)[:1] for row in self._rests(frames[name], sums)],
            rises=rises,
            counters=_present(next(iter(frames.values())), self.counters) if frames else (),
            left=sum(int(np.count_nonzero(~place.shown)) for place in self._places.values()),
        )

    def _rise(self, name: str, frame: Frame) -> tuple[Numbers, Flags]:
        """All that a new row says is new; so is all of one that fell. Beside it which rows had a series."""
        now, ranked = _columns(frame, self.counters), _columns(frame, self.rank).sum(axis=1)
        place = self._places.get(name)
        if place is None or place.frame.names != frame.names:
            had = np.zeros(len(frame), dtype=np.bool_)
            self._places[name] = _Place(frame, _index(frame), ranked, had)
            return np.zeros_like(now), had
        if frame is place.frame:
            place.claims = place.claims * FADE
            return np.zeros_like(now), place.shown
        at = _at(frame, place)
        known = at >= 0
        before, claims, had = np.zeros_like(now), np.zeros(len(frame)), np.zeros(len(frame), dtype=np.bool_)
        before[known] = _columns(place.frame, self.counters)[at[known]]
        claims[known], had[known] = place.claims[at[known]] * FADE, place.shown[at[known]]
        before[(now < before).any(axis=1)] = 0.0
        rises = now - before
        names = _present(frame, self.counters)
        for column in _present(frame, self.rank):
            claims += rises[:, names.index(column)]
        index = place.index if frame.keys == place.frame.keys else _index(frame)
        self._places[name] = _Place(frame, index, claims, had)
        return rises, had

    def _choose(self, places: Sequence[_Place]) -> None:
        """Mark the rows of all places that are shown."""
        sizes = [len(place.frame) for place in places]
        chosen = np.ones(sum(sizes), dtype=np.bool_)
        if len(chosen) > self.most:
            claims = np.concatenate([place.claims + _columns(place.frame, self.levels).sum(axis=1) for place in places])
            whole = np.concatenate([_columns(place.frame, self.rank).sum(axis=1) for place in places])
            chosen[np.lexsort((-whole, -claims))[self.most :]] = False
        for place, shown in zip(places, np.split(chosen, np.cumsum(sizes)[:-1]), strict=True) if places else ():
            place.shown = shown

    def _gather(
        self, place: _Place, rises: Numbers, had: Flags, kinds: Sequence[Key], sums: dict[Key, Numbers]
    ) -> None:
        """Add a place's others up, by kind."""
        others = ~place.shown
        # Was not shown: has no sample yet that this rise would be the difference to.
        counted = others | ~had
        gauges = _columns(place.frame, self.gauges)
        numbers: dict[Key, int] = {}
        of = np.array([numbers.setdefault(kind, len(numbers)) for kind in kinds], dtype=np.int64)
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
            yield {**dict(zip(frame.labels, kind, strict=True)), **dict(zip(names, values.tolist(), strict=True))}


def _present(frame: Frame, wanted: Sequence[str]) -> list[str]:
    return [name for name in wanted if name in frame.names]


def _columns(frame: Frame, wanted: Sequence[str]) -> Numbers:
    """Columns side by side, NULL as nothing."""
    places = [frame.names.index(name) for name in _present(frame, wanted)]
    return np.nan_to_num(frame.numbers[:, places])


def _index(frame: Frame) -> dict[Key, int]:
    return {key: at for at, key in enumerate(frame.keys)}


def _at(frame: Frame, place: _Place) -> NDArray[np.int64]:
    """Where each row stood at the look before; −1 for a new one."""
    if frame.keys == place.frame.keys:
        return np.arange(len(frame.keys), dtype=np.int64)
    return np.array([place.index.get(key, -1) for key in frame.keys], dtype=np.int64)
