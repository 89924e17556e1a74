"""Which segments answer a question: the resolution asked for where it is there, the next best elsewhere."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from storage.segment import Times
from storage.spans import Damaged, overlapping

RAW, TEN_MINUTES, HOUR = 0, 600, 3600
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment, and the part of it that is wanted: times in (after, until], in milliseconds."""

    segment: int
    res: int
    after: int
    until: int


def preference(step: float, t0: float = 0.0) -> tuple[int, ...]:
    """Resolutions in the order in which they answer a question whose steps end at t0 + k·step.

    A rollup answers exactly only where its own steps end with those asked for.

    >>> preference(1800.0), preference(7200.0), preference(700.0)
    ((600, 0, 3600), (3600, 600, 0), (0, 600, 3600))
    """
    if step and step % HOUR == 0 and t0 % HOUR == 0:
        return HOUR, TEN_MINUTES, RAW
    whole = step and step % TEN_MINUTES == 0 and t0 % TEN_MINUTES == 0
    return (TEN_MINUTES, RAW, HOUR) if whole else (RAW, TEN_MINUTES, HOUR)


def pieces(
    db: sqlite3.Connection, damaged: Damaged, stream: int, after: int, until: int, order: Sequence[int]
) -> Iterator[Piece]:
    """The pieces that cover (after, until], none twice; what no segment covers is hot or was never there."""
    open_spans: list[Span] = [(after, until)]
    for res in order:
        rows = [(each.segment, each.start, each.stop) for each in overlapping(db, damaged, stream, res, after, until)]
        rest = open_spans
        for segment, start, stop in rows:
            for low, high in open_spans:
                if start < high and stop > low:
                    yield Piece(segment, res, max(low, start), min(high, stop))
            rest = [part for span in rest for part in _without(span, (start, stop))]
        open_spans = rest
        if not open_spans:
            return


def _without(span: Span, hole: Span) -> Iterator[Span]:
    """What is left of a span."""
    if hole[1] <= span[0] or hole[0] >= span[1]:
        yield span
        return
    if span[0] < hole[0]:
        yield span[0], hole[0]
    if hole[1] < span[1]:
        yield hole[1], span[1]


def thinned(times: Times, turns: NDArray[np.bool_], step: float) -> NDArray[np.int64]:
    """Which ticks stay: the last of each (k·step − step, k·step], both sides of every turn, and the first.

    >>> thinned(np.array([10, 20, 30, 40, 50]) * 1000, np.array([0, 0, 0, 1, 0], dtype=bool), 30)
    array([0, 2, 3, 4])
    """
    if not len(times):
        return np.empty(0, dtype=np.int64)
    bucket = -(-times // (step * 1000))
    keep = np.append(bucket[1:] != bucket[:-1], True)
    keep |= turns
    keep[:-1] |= turns[1:]
    # The one before a turn may be in another piece: the ends of each piece stay.
    keep[0] = True
    return np.flatnonzero(keep)
