"""Rows become the same samples whichever way they are read: whole ones at once, others value by value."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from metrics.model import Kind, Metric, Sample, Unit, labelled
from metrics.reading import Column, Reading
from metrics.text import clean

A = Metric(name="a_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="A.")
B = Metric(name="b_seconds", kind=Kind.GAUGE, unit=Unit.SECONDS, help="B.")
READINGS = [
    Reading("ONE", {"a": A}, labels={"name": "name"}),
    Reading("BARE", {"a": A, "b": B}),
    Reading(
        "MANY",
        {"a": A, "b": Column(B, 1e-3), "c": Column(B, 1e-6, {"way": "out"}), "new": Column(A, since=(9,))},
        labels={"name": "zone", "user": "account"},
        leave={"name": ("passed",)},
    ),
]
NUMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 10**5000, Decimal("1e400"), Decimal("sNaN"), Decimal("0.25")]),
    st.floats(),
    st.sampled_from(["7", "-1.5e3", "nan", "inf", "", "up", b"x"]),
    st.just([1.0]),
)
TOLD = st.sampled_from([None, "", "None", "a", "passed", 0, False, 1, True, 1.0, "1", "True", ["a"]])
ROW = st.fixed_dictionaries({}, optional={"a": NUMBERS, "b": NUMBERS, "c": NUMBERS, "name": TOLD, "user": TOLD})
WHOLE = st.fixed_dictionaries({"a": st.floats(), "b": st.integers(), "c": st.just("3"), "name": TOLD, "user": TOLD})


def number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, int) and abs(value) > 10**308:
        return math.inf if value > 0 else -math.inf
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def plainly(reading: Reading, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Sample], set[str]]:
    found, missing = [], set()
    for row in rows:
        if any(row.get(column) in values for column, values in reading.leave.items()):
            continue
        own = {label: clean(row.get(column, "")) for column, label in reading.labels.items()}
        for name, given_ in reading.columns.items():
            column = given_ if isinstance(given_, Column) else Column(given_)
            if not column.expected((1,)):
                continue
            if name not in row:
                missing.add(name)
            elif (value := number(row[name])) is not None:
                found.append(Sample(column.metric.name, labelled({**own, **column.labels}), value * column.scale))
    return found, missing


@given(st.sampled_from(READINGS), st.lists(st.one_of(ROW, WHOLE), max_size=6))
@example(READINGS[0], [{"a": 1, "name": True}, {"a": 1, "name": 1}])
@example(READINGS[0], [{"a": 1, "name": ["a"]}])
@example(READINGS[0], [{"a": 10**5000, "name": "a"}])
def test_samples_are_those_of_each_value_by_itself(reading: Reading, rows: list[dict[str, Any]]) -> None:
    wanted, lacking = plainly(reading, rows)
    # Twice, and from the other end: what is remembered of one row says nothing of another.
    for given_, expected in ((rows, wanted), (rows[::-1], plainly(reading, rows[::-1])[0]), (rows, wanted)):
        samples, missing = reading.read(given_, (1,))
        assert list(map(repr, samples)) == list(map(repr, expected))
        assert set(missing) == lacking
