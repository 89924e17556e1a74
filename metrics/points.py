"""Raw values over time, and the questions a form may ask of a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metrics.model import SOURCE, Selector

Column = NDArray[np.float64]

LOOKBACK = 300.0
"""Seconds for which a value stands in for the present: older ones are no baseline and no level."""


@dataclass(frozen=True, slots=True)
class Points:
    """One series: times in seconds of the epoch, strictly rising, and as many values."""

    labels: Mapping[str, str]
    times: Column
    values: Column

    @property
    def source(self) -> str:
        """Which source it came from."""
        return self.labels[SOURCE]

    def pick(self, names: Sequence[str]) -> tuple[str, ...]:
        """The values of some labels, empty where a label is absent."""
        return tuple(self.labels.get(name, "") for name in names)


class Read(Protocol):
    """What a form needs of a store: the raw values of the chosen series, both ends included."""

    def __call__(self, selector: Selector, start: float, end: float) -> Sequence[Points]:
        """Series without a value in the span are left out."""
        ...


def last_at(times: Column, ends: Column) -> NDArray[np.int64]:
    """For each end the index of the last time at or before it; −1 where there is none."""
    return np.searchsorted(times, ends, side="right").astype(np.int64) - 1


def spacing(times: Column) -> float:
    """The usual distance of a series' samples in seconds; LOOKBACK / 3 while there are fewer than two."""
    if len(times) < 2:
        return LOOKBACK / 3
    gaps = np.sort(times[1:] - times[:-1])
    # The median; NumPy's own takes ten times as long over so few.
    return float(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2


def plus(left: Column, right: Column) -> Column:
    """Element-wise sum in which nan is nothing: nan only where both are."""
    both: Column = np.where(np.isnan(left), right, np.where(np.isnan(right), left, left + right))
    return both
