"""Polls whose every value follows from their number, so that a wrong one is known when it is read."""

import numpy as np
from numpy.typing import NDArray

from metrics.model import Sample, labelled
from metrics.points import Column
from metrics.poll import Poll, Tier

BASE = 1_700_006_400.0
"""A midnight in UTC."""
PACE = 10.0
SERIES = 8


def poll(number: int, source: int = 0, series: int = SERIES) -> Poll:
    """The poll of a number: half counters, half noisy gauges."""
    samples = [
        Sample(metric_of(i), labelled({"item": str(i)}), float(values(np.array([number]), source, i)[0]))
        for i in range(series)
    ]
    return Poll(source=name_of(source), tier=Tier.FAST, at=moment(number), duration=0.01, up=True, samples=samples)


def moment(number: float) -> float:
    """When a poll was made."""
    return BASE + PACE * number


def numbers_of(times: Column) -> NDArray[np.int64]:
    """Which polls were made then."""
    return np.rint((times - BASE) / PACE).astype(np.int64)


def name_of(source: int) -> str:
    """What a source is called."""
    return f"source{source}"


def metric_of(i: int) -> str:
    """What the i-th series is called."""
    return "work_total" if i % 2 == 0 else "level"


def values(numbers: NDArray[np.int64], source: int, i: int) -> Column:
    """The values of a series in some polls."""
    if i % 2 == 0:
        return numbers.astype(np.float64) * (i + 3.0) + 1000.0 * source + i
    mixed = (numbers * 2654435761 + i * 40503 + source * 97) % 1_000_003
    return mixed.astype(np.float64) / (100.0 if i % 4 == 1 else 7.0)
