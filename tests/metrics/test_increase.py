"""Resets are found at once however many there are: the same intervals as by looking at each span by itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from metrics.increase import Cuts, changes, falls, over
from metrics.points import Points

TIMES = st.lists(st.integers(0, 60), min_size=0, max_size=30, unique=True).map(sorted)
SPANS = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda s: (float(s[0]), float(s[0] + s[1]))), max_size=12
)


def plainly(times: NDArray[np.float64], spans: list[tuple[float, float]]) -> list[bool]:
    """An interval is kept when no span lies over any of it."""
    return [
        all(after <= start or before >= end for start, end in spans)
        for before, after in zip(times[:-1], times[1:], strict=True)
    ]


@given(TIMES, SPANS)
def test_an_interval_is_kept_when_no_span_lies_over_it(times: list[int], spans: list[tuple[float, float]]) -> None:
    column = np.array(times, dtype=np.float64)
    assert Cuts(spans).kept(column).tolist() == plainly(column, spans)


def test_six_hundred_resets_of_a_thousand_series_are_six_hundred_spans() -> None:
    """Work grows with the resets and with the series, not with both: each span is there once."""
    times = np.arange(0, 17_280, dtype=np.float64) * 10
    values = np.arange(17_280, dtype=np.float64) % 28.8
    series = [Points({"source": "a", "table": str(number)}, times, values + number) for number in range(1000)]
    fell = falls(series, ["source"])
    assert len(fell[("a",)]) == int((np.diff(values) < 0).sum())
    assert 550 < len(fell[("a",)]) < 650
    cuts = Cuts(fell[("a",)])
    cells = [over(points, times[:1], times[-1:], cuts) for points in series[:50]]
    assert {float(cell.increase[0]) for cell in cells} == {float(np.diff(values)[np.diff(values) >= 0].sum())}


def test_an_epoch_that_changes_is_a_span() -> None:
    epochs = Points({"source": "a", "epoch": "run"}, np.array([0.0, 10.0, 20.0]), np.array([1.0, 1.0, 2.0]))
    assert dict(changes([epochs])) == {("a",): [(10.0, 20.0)]}
