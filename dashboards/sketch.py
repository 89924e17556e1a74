"""Lines as coordinates: what a page draws without a script. Gaps stay gaps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from metrics.points import Column


@dataclass(frozen=True, slots=True)
class Sketch:
    """A small drawing: unbroken strokes of "x,y x,y" text, where its bound lies, and its last point."""

    width: int
    height: int
    strokes: tuple[str, ...]
    bound: float | None
    last: tuple[float, float] | None


def sketch(values: Column, bound: float | None, width: int = 96, height: int = 24, most: int = 60) -> Sketch:
    """One line with its bound, scaled so that both are inside; of no values, an empty drawing.

    >>> import numpy as np
    >>> sketch(np.array([1.0, np.nan, 2.0, 3.0]), 2.0, width=10, height=10, most=4).strokes
    ('0.0,8.0', '6.7,5.0 10.0,2.0')
    """
    kept = thinned(values, most)
    low, high = _reach([kept], [] if bound is None else [bound])
    return _sketch(kept, width, height, _Scale(low, high, height), bound)


@dataclass(frozen=True, slots=True)
class Picture:
    """Several lines in one scale, their bounds in it, and its two ends; one is None when there is but one value."""

    width: int
    height: int
    lines: tuple[Sketch, ...]
    bounds: tuple[float, ...]
    low: float | None
    high: float | None


def picture(
    columns: Sequence[Column], bounds: Sequence[float], zero: bool, width: int = 640, height: int = 150
) -> Picture:
    """Lines with all bounds inside; amounts start at zero, ratios where they are.

    >>> import numpy as np
    >>> flat = picture([np.zeros(2)], [], zero=True, width=10, height=10)
    >>> flat.lines[0].strokes, flat.low, flat.high
    (('0.0,8.0 10.0,8.0',), 0.0, None)
    """
    kept = [thinned(column, width // 5) for column in columns]
    low, high = _reach(kept, [*bounds, *([0.0] if zero else [])])
    # A line that never moves lies on the ground when it is nothing, else on top.
    scale = _Scale(low, high, height) if low < high else _Scale(min(low, 0.0), max(high, 0.0) or 1.0, height)
    drawn = tuple(_sketch(column, width, height, scale, None) for column in kept)
    return Picture(width, height, drawn, tuple(scale.y(bound) for bound in bounds), *_ends(low, high))


def thinned(values: Column, most: int) -> Column:
    """At most so many points: the mean of neighbours, none where all of them are missing.

    >>> thinned(np.array([1.0, 3.0, np.nan, np.nan]), 2)
    array([ 2., nan])
    """
    if len(values) <= most:
        return values
    parts = np.array_split(values, most)
    return np.array([np.nan if np.isnan(part).all() else np.nanmean(part) for part in parts])


def _reach(columns: Sequence[Column], more: Sequence[float]) -> tuple[float, float]:
    """The least and the highest of what must be seen."""
    seen = np.concatenate([*columns, np.array(more, dtype=np.float64)])
    seen = seen[np.isfinite(seen)]
    return (float(seen.min()), float(seen.max())) if len(seen) else (0.0, 1.0)


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    return (low if low < high or not high else None), (high if low < high or high else None)


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    height: int

    def y(self, value: float) -> float:
        """Pixels from the top, two of them free at each end."""
        if self.high == self.low:
            return self.height / 2
        return round(self.height - 2 - (value - self.low) / (self.high - self.low) * (self.height - 4), 1)


def _sketch(values: Column, width: int, height: int, scale: _Scale, bound: float | None) -> Sketch:
    n = max(len(values) - 1, 1)
    points = [(round(i * width / n, 1), scale.y(float(v))) if np.isfinite(v) else None for i, v in enumerate(values)]
    known = [point for point in points if point]
    return Sketch(
        width=width,
        height=height,
        strokes=tuple(_strokes(points)),
        bound=None if bound is None else scale.y(bound),
        last=known[-1] if known else None,
    )


def _strokes(points: Sequence[tuple[float, float] | None]) -> list[str]:
    strokes: list[list[str]] = [[]]
    for point in points:
        if point is None:
            strokes.append([])
        else:
            strokes[-1].append(f"{point[0]},{point[1]}")
    return [" ".join(stroke) for stroke in strokes if stroke]
