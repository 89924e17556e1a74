"""Rows before anything is reckoned from them: what cannot be a value of its column is none, and said to be odd.

A sum, a rest or a rise of many rows must not be spoiled by one of them, and for ever: so odd values are taken out here,
where it is still known whose they are. What is told of a row as it is, the sieve looks at.
"""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np

from collectors.frame import Frame
from collectors.sieve import IMPOSSIBLE, Doubts, Refused, beyond
from metrics.model import labelled
from metrics.reading import Column, Odd, Reading, number_of
from metrics.text import clean, shown

_PLAIN = frozenset({int, bool, float, type(None)})
_SUMS = frozenset({int, float})
_LARGEST = sys.float_info.max
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """A column of a reading."""

    reading: Reading
    name: str
    column: Column

    def odd(self, row: Row, value: object) -> Odd:
        return " ".join(shown(row.get(name)) for name in self.reading.labels), self.name, shown(value)

    def impossible(self, row: Row, value: float) -> Refused:
        metric, scale = self.column.metric, self.column.scale
        own = {label: clean(row.get(name)) for name, label in self.reading.labels.items()}
        labels = labelled({**own, **self.column.labels})
        return Refused(IMPOSSIBLE, metric.name, labels, beyond(value * scale, metric.limits[0]))


def rows(reading: Reading, given: list[dict[str, Any]], doubts: Doubts) -> list[dict[str, Any]]:
    """Rows by name, with text for labels, and a number or None for what a reading has as a number.

    These very rows when nothing is odd, which is nearly always. Of two rows with the same labels the first counts.

    >>> from metrics.model import Kind, Metric, Unit
    >>> calls = Metric(name="calls_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Calls.")
    >>> doubts = Doubts()
    >>> rows(Reading("R", {"calls": calls}, labels={"cmd": "cmd"}), [{"cmd": b"get", "calls": -1}], doubts)
    [{'cmd': 'get', 'calls': None}]
    >>> doubts.refused[0].series
    'calls_total{cmd="get"}'
    """
    if not given or _are_sound(reading, given):
        return given
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
    readings: Sequence[Reading],
    names: Sequence[str],
    given: Sequence[tuple[Any, ...]],
    columns: Sequence[tuple[Any, ...]],
    doubts: Doubts,
) -> Sequence[tuple[Any, ...]]:
    """The numbers of rows that are tuples; these very rows when nothing is odd, which is nearly always.

    readings  those of the statement: each has some of the columns
    columns   the same rows by columns
    """
    if not given:
        return given
    key = tuple(names)
    if all(
        _sound(columns[at], each.low, each.high)
        for reading in readings
        for each in reading.bounded(key)
        for at in each.places
    ):
        return given
    mended: dict[int, list[Any]] = {}

    def whose(number: int) -> Row:
        return dict(zip(names, given[number], strict=True))

    for place in chain.from_iterable(map(_places, readings)):
        if place.name in names:
            at = names.index(place.name)
            for number, value in _mended(columns[at], place, whose, doubts):
                mended.setdefault(number, list(given[number]))[at] = value
    return [tuple(mended.get(number, row)) for number, row in enumerate(given)]


def frame(readings: Iterable[Reading], given: Frame, doubts: Doubts) -> Frame:
    """The numbers of a frame, of whose columns several readings may have some."""
    low, high = np.full(len(given.names), -_LARGEST), np.full(len(given.names), _LARGEST)
    for reading in readings:
        for each in reading.bounded(given.names):
            low[list(each.places)], high[list(each.places)] = max(each.low, -_LARGEST), min(each.high, _LARGEST)
    # What is NULL is as it should be: nan is neither less nor more.
    wrong = (given.numbers < low) | (given.numbers > high)
    if not wrong.any():
        return given
    places = {place.name: place for reading in readings for place in _places(reading)}
    for number, at in np.argwhere(wrong).tolist():
        row, name = dict(zip(given.labels, given.keys[number], strict=True)), given.names[at]
        value = float(given.numbers[number, at])
        if name in places:
            doubts.refused.append(places[name].impossible(row, value))
        else:
            doubts.odd.append((" ".join(map(shown, row.values())), name, shown(value)))
    return Frame(given.labels, given.keys, given.names, np.where(wrong, np.nan, given.numbers))


def _are_sound(reading: Reading, given: Sequence[Row]) -> bool:
    """Whether nothing has to be looked at more closely."""
    names = tuple(given[0])
    try:
        if reading.labels:
            keys = list(map(itemgetter(*reading.labels), given))
            texts = keys if len(reading.labels) == 1 else chain.from_iterable(keys)
            if set(map(type, texts)) != {str} or len(set(keys)) < len(keys):
                return False
        return all(_sound(_flat(given, each.columns), each.low, each.high) for each in reading.bounded(names))
    except KeyError:
        return False


def _flat(rows: Sequence[Any], places: Sequence[Any]) -> list[Any]:
    """Some fields of all rows. Raises KeyError when one is not there."""
    if len(rows) == 1:
        row = rows[0]
        return [row[place] for place in places]
    picked = map(itemgetter(*places), rows)
    return list(picked if len(places) == 1 else chain.from_iterable(picked))


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
    low, high = place.column.limits
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
    """Whether all are numbers that can be, or None. Of thousands nearly all are."""
    try:
        # Where none is below nothing and all together are not too many, no one is. Of nan the sum would be nan, and of
        # a number of another kind among them it would be of that.
        if 0.0 <= low <= min(values) and (total := sum(values)) <= high and total.__class__ in _SUMS:
            return True
    except (TypeError, ValueError, ArithmeticError):
        pass
    kinds = set(map(type, values))
    if not kinds <= _PLAIN:
        return False
    if type(None) in kinds:
        values = [value for value in values if value is not None]
    if not values:
        return True
    # No nan: it would be neither less nor more, and hide what is.
    return low <= min(values) and max(values) <= high and (float not in kinds or not any(map(math.isnan, values)))
