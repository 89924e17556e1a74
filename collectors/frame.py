"""Many rows with names and numbers, column by column: thousands of them cost no loop."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collectors.failed import Failed
from collectors.sieve import Doubts
from metrics.poll import ErrorClass
from metrics.reading import number_of
from metrics.text import clean, shown

Key = tuple[Any, ...]
_NUMBERS = {int, float}
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows that differ in their keys.

    labels   names of the parts of a key
    names    names of the columns of numbers
    numbers  one row for each key; nan where there was NULL
    """

    labels: tuple[str, ...]
    keys: Sequence[Key]
    names: tuple[str, ...]
    numbers: Numbers

    def __len__(self) -> int:
        return len(self.keys)

    def column(self, name: str) -> Numbers:
        """All numbers of one column."""
        values: Numbers = self.numbers[:, self.names.index(name)]
        return values

    def rows(self, wanted: Sequence[int]) -> list[dict[str, Any]]:
        """Some rows as a Reading takes them."""
        values = self.numbers.take(np.array(wanted, dtype=np.intp), axis=0)
        nulls = np.isnan(values)
        if nulls.any():
            values = values.astype(object)
            values[nulls] = None
        names = (*self.labels, *self.names)
        return [
            dict(zip(names, (*self.keys[at], *numbers), strict=True))
            for at, numbers in zip(wanted, values.tolist(), strict=True)
        ]

    def only(self, wanted: NDArray[np.bool_]) -> "Frame":
        """The rows that are wanted."""
        keys = [key for key, want in zip(self.keys, wanted.tolist(), strict=True) if want]
        return Frame(self.labels, keys, self.names, self.numbers[wanted])


def framed(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    labels: Sequence[str],
    ids: Sequence[str] = (),
    doubts: Doubts | None = None,
    within: Mapping[str, str] | None = None,
) -> Frame:
    """Rows of a cursor as a Frame. Columns that tell no rows apart hold numbers or NULL; what is neither is nan.

    labels   columns that tell rows apart by names; ids: those that do so by numbers, the first of which each row has
    doubts   is given what was odd. Of two rows with the same key the first counts.
    within   labels that all rows have, before their own
    Raises Failed when a label is not there.

    >>> made = framed(["n", "name"], [(1, "a"), (None, "b"), (2, "a")], ["name"])
    >>> made.keys, made.rows([1])
    ([('a',), ('b',)], [{'name': 'b', 'n': None}])
    """
    doubts = Doubts() if doubts is None else doubts
    telling = (*labels, *ids)
    try:
        places = [names.index(label) for label in telling]
        rest = [place for place in range(len(names)) if place not in places]
    except ValueError as error:
        raise Failed(ErrorClass.BAD_REPLY, f"rows of another kind: {error}") from None
    rows, keys = _told_apart(names, rows, labels, ids, doubts)
    try:
        values = np.fromiter(chain.from_iterable(_picking(rows, rest)), np.float64, len(rows) * len(rest))
    except (TypeError, ValueError, OverflowError):
        values = np.array([_numbers(names, row, places, rest, doubts) for row in rows], dtype=np.float64)
    columns, values = tuple(names[place] for place in rest), values.reshape(len(rows), len(rest))
    if within:
        before = tuple(within.values())
        return Frame((*within, *telling), [before + key for key in keys], columns, values)
    return Frame(telling, keys, columns, values)


def _told_apart(
    names: Sequence[str], rows: Sequence[Sequence[Any]], labels: Sequence[str], ids: Sequence[str], doubts: Doubts
) -> tuple[Sequence[Sequence[Any]], Sequence[Key]]:
    """The rows that can be told apart, with text for names, and their keys. Nearly all are as they should be."""
    keys = _picked(rows, [names.index(label) for label in (*labels, *ids)])
    if _are_apart(keys, len(labels)):
        return rows, keys
    texts = [names.index(label) for label in labels]
    for place in texts:
        if not set(map(type, map(itemgetter(place), rows))) <= {str}:
            rows = [(*row[:place], clean(row[place]), *row[place + 1 :]) for row in rows]
    for label in ids:
        place, known = names.index(label), _NUMBERS if label == ids[0] else _NUMBERS | {type(None)}
        if not set(map(type, map(itemgetter(place), rows))) <= known:
            whom = [" ".join(shown(row[text]) for text in texts) for row in rows if type(row[place]) not in known]
            doubts.odd += [(each, label, "") for each in whom]
            rows = [row for row in rows if type(row[place]) in known]
    keys = _picked(rows, [names.index(label) for label in (*labels, *ids)])
    if len(set(keys)) == len(keys):
        return rows, keys
    first: dict[Key, Sequence[Any]] = {}
    for key, row in zip(keys, rows, strict=True):
        if first.setdefault(key, row) is not row:
            doubts.doubled("row", dict(zip((*labels, *ids), key, strict=True)))
    return list(first.values()), list(first)


def _are_apart(keys: Sequence[Key], labels: int) -> bool:
    """Whether nothing has to be looked at more closely. Each look at rows that came just now waits for memory."""
    for at in range(len(keys[0]) if keys else 0):
        known = {str} if at < labels else _NUMBERS if at == labels else _NUMBERS | {type(None)}
        if not set(map(type, map(itemgetter(at), keys))) <= known:
            return False
    return len(set(keys)) == len(keys)


def _numbers(
    names: Sequence[str], row: Sequence[Any], labels: Sequence[int], rest: Sequence[int], doubts: Doubts
) -> list[float]:
    """The numbers of one row, one by one; nan for what is none."""
    found = []
    for place in rest:
        number = math.nan if row[place] is None else number_of(row[place])
        if number is None:
            doubts.odd.append((" ".join(shown(row[label]) for label in labels), names[place], shown(row[place])))
        found.append(math.nan if number is None else number)
    return found


def _picked(rows: Sequence[Sequence[Any]], places: Sequence[int]) -> list[Key]:
    return list(_picking(rows, places))


def _picking(rows: Sequence[Sequence[Any]], places: Sequence[int]) -> Iterable[Key]:
    if len(places) > 1:
        return map(itemgetter(*places), rows)
    return (tuple([row[place] for place in places]) for row in rows)
