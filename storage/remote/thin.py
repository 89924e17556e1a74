"""Which raw values a thinned read keeps: the same as the embedded store would."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metrics.points import Column, Points

SLACK = 1e-4
"""Seconds; a tenth of what remote write can tell apart, so that a time on the edge stays in its own step."""


def steps_of(times: Column, step: float, anchor: float = 0.0) -> NDArray[np.int64]:
    """The number k of each time's step (anchor + k·step − step, anchor + k·step]."""
    return np.ceil((times - anchor - SLACK) / step).astype(np.int64)


def whole(step: float, most: int = 12) -> int:
    """How many steps make whole milliseconds, which is all that engines know; 0 where that is more than ``most``.

    >>> whole(40.0), whole(131 / 6), whole(0.12345678)
    (1, 3, 0)
    """
    for count in range(1, most + 1):
        if abs(count * step * 1000 - round(count * step * 1000)) < 1e-6:
            return count
    return 0


def down(time: float) -> float:
    """The last whole millisecond at or before a time."""
    return float(np.floor(time * 1000 + SLACK * 100)) / 1000


def thinned(points: Points, start: float, step: float, anchor: float, turns: Sequence[float]) -> Points:
    """The last value of each step, the first of all after ``start``, and both sides of every turn of the source.

    >>> import numpy as np
    >>> p = Points({"source": "a"}, np.arange(10.0, 100.0, 10.0), np.arange(9.0))
    >>> thinned(p, 5.0, 40.0, 0.0, [60.0]).times
    array([10., 40., 50., 60., 80., 90.])
    """
    times = points.times
    if not len(times):
        return points
    keep = np.append(np.diff(steps_of(times, step, anchor)) > 0, True)
    keep[0] |= times[0] <= start + step
    for turn in turns:
        after = int(np.searchsorted(times, turn - SLACK))
        keep[max(after - 1, 0) : after + 1] = True
    return Points(points.labels, times[keep], points.values[keep])


def merged(parts: Sequence[Points]) -> Points:
    """Pieces of one series as one; a time that several pieces have is kept once."""
    if len(parts) == 1:
        return parts[0]
    times = np.concatenate([points.times for points in parts])
    values = np.concatenate([points.values for points in parts])
    # By whole milliseconds: the same sample may come as 0.1 + 0.2 and as 0.3.
    _, first = np.unique(np.round(times * 1000).astype(np.int64), return_index=True)
    return Points(parts[0].labels, times[first], values[first])
