"""Rows before anything is reckoned from them: what cannot be a value of its column is none, and said to be odd.

A sum, a rest or a rise of many rows must not be spoiled by one of them, and for ever: so odd values are taken out here,
where it is still known whose they are. What is told of a row as it is, the sieve looks at.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from collectors.frame import Frame
from collectors.sieve import IMPOSSIBLE, Doubts, Refused, beyond
from metrics.model import labelled
from metrics.reading import Column, Odd, Reading, number_of
from metrics.text import clean, shown

_WHOLE = frozenset({int, bool, type(None)})
_PLAIN = _WHOLE | {float}
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of a reading."""

    reading: Reading
    name: str
    column: Column

    @property
    def bounds(self) -> tuple[float, float]:
        """In the server's unit."""
        low, high = self.column.metric.limits
        return low / self.column.scale, high / self.column.scale

    def odd(self, row: Row, value: object) -> Odd:
        return " ".join(shown(row.get(name)) for name in self.reading.labels), self.name, shown(value)

    def impossible(self, row: Row, value: float) -> Refused:
        metric, scale = self.column.metric, self.column.scale
        own = {label: clean(row.get(name)) for name, label in self.reading.labels.items()}
        labels = labelled({**own, **self.column.labels})
        return Refused(IMPOSSIBLE, metric.name, labels, beyond(value * scale, metric.limits[0]))


def rows(reading: Reading, given: Sequence[Row], doubts: Doubts) -> list[dict[str, Any]]:
    """Rows by name, with text for labels, and a number or None for what a reading has as a number.

    Of two rows with the same labels the first counts.

    >>> from metrics.model import Kind, Metric, Unit
    >>> calls = Metric(name="calls_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Calls.")
    >>> doubts = Doubts()
    >>> rows(Reading("R", {"calls": calls}, labels={"cmd": "cmd"}), [{"cmd": b"get", "calls": -1}], doubts)
    [{'cmd': 'get', 'calls': None}]
    >>> doubts.refused[0].series
    'calls_total{cmd="get"}'
    """
    found = [{**row} for row in given]
    for row in found:
        for name in reading.labels:
            if row.get(name).__class__ is not str:
                row[name] = clean(row.get(name))
    found = _once(reading, found, doubts)
    for place in _places(reading):
        for at, value in _mended([row.get(place.name) for row in found], place, found.__getitem__, doubts):
            found[at][place.name] = value
    return found


def fields(
    reading: Reading, names: Sequence[str], given: Sequence[tuple[Any, ...]], doubts: Doubts
) -> Sequence[tuple[Any, ...]]:
    """The numbers of rows that are tuples; these very rows when nothing is odd, which is nearly always."""
    mended: dict[int, list[Any]] = {}

    def whose(number: int) -> Row:
        return dict(zip(names, given[number], strict=True))

    for place in _places(reading):
        if place.name in names:
            at = names.index(place.name)
            for number, value in _mended([row[at] for row in given], place, whose, doubts):
                mended.setdefault(number, list(given[number]))[at] = value
    if not mended:
        return given
    return [tuple(mended.get(number, row)) for number, row in enumerate(given)]


def frame(readings: Iterable[Reading], given: Frame, doubts: Doubts) -> Frame:
    """The numbers of a frame, of whose columns several readings may have some."""
    low, high = np.full(len(given.names), -math.inf), np.full(len(given.names), math.inf)
    places = {place.name: place for reading in readings for place in _places(reading)}
    for at, name in enumerate(given.names):
        if name in places:
            low[at], high[at] = places[name].bounds
    wrong = (given.numbers < low) | (given.numbers > high) | np.isinf(given.numbers)
    if not wrong.any():
        return given
    for number, at in np.argwhere(wrong).tolist():
        row, name = dict(zip(given.labels, given.keys[number], strict=True)), given.names[at]
        value = float(given.numbers[number, at])
        if name in places:
            doubts.refused.append(places[name].impossible(row, value))
        else:
            doubts.odd.append((" ".join(map(shown, row.values())), name, shown(value)))
    return Frame(given.labels, given.keys, given.names, np.where(wrong, np.nan, given.numbers))


def _once(reading: Reading, given: list[dict[str, Any]], doubts: Doubts) -> list[dict[str, Any]]:
    if not reading.labels:
        return given
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in given:
        key = tuple([row[name] for name in reading.labels])
        if first.setdefault(key, row) is not row:
            doubts.doubled(reading.statement, {label: row[name] for name, label in reading.labels.items()})
    return list(first.values())


def _places(reading: Reading) -> Iterator[_Place]:
    for name, each in reading.columns.items():
        yield _Place(reading, name, each if isinstance(each, Column) else Column(each))


def _mended(
    values: Sequence[Any], place: _Place, whose: Callable[[int], Row], doubts: Doubts
) -> Iterator[tuple[int, float | None]]:
    """Which of the values have to be others."""
    low, high = place.bounds
    if _sound(values, low, high):
        return
    for at, value in enumerate(values):
        if value is None:
            continue
        number = number_of(value)
        if number is None:
            doubts.odd.append(place.odd(whose(at), value))
            yield at, None
        elif not low <= number <= high:
            doubts.refused.append(place.impossible(whose(at), number))
            yield at, None
        elif value.__class__ not in _PLAIN:
            yield at, number


def _sound(values: Sequence[Any], low: float, high: float) -> bool:
    """Whether all are numbers that can be, or None. Of thousands nearly all are, and whole."""
    kinds = set(map(type, values))
    if not kinds <= _PLAIN:
        return False
    numbers = values if type(None) not in kinds else [value for value in values if value is not None]
    if kinds <= _WHOLE:
        return not numbers or (low <= min(numbers) and max(numbers) <= high)
    return all(low <= number <= high for number in numbers)
