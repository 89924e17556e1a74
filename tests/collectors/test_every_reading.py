"""Rows of anything through every reading of every collector: a bad row costs itself, and all others arrive."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import collectors
from collectors.findings import Findings
from collectors.round import Off, Round
from collectors.sieve import Sieve, limits_of
from metrics.catalog import discover
from metrics.model import Selector
from metrics.reading import Column, Reading, number_of
from metrics.text import clean
from storage.reading import SeriesReader
from storage.series import SeriesStore

CATALOG = discover(collectors)
NUMBERS = count()
READINGS = [(kind, reading) for kind, readings in CATALOG.readings.items() if kind != "trivet" for reading in readings]

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.binary(max_size=8),
    st.text(st.characters(codec=None), max_size=8),  # surrogates too
    st.sampled_from(["nan", "-inf", "1e400", "12.5%", "", "\x00", b"caf\xe9", b"caf\xe8", 2**64, -1, [1], {"a": 1}]),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    made = SeriesStore(tmp_path)
    yield made
    made.close()


def columns(reading: Reading) -> dict[str, Column]:
    return {name: each if isinstance(each, Column) else Column(each) for name, each in reading.columns.items()}


def whole(reading: Reading) -> dict[str, Any]:
    """A row as a healthy server gives it."""
    return {**dict.fromkeys(reading.labels, "the good one"), **dict.fromkeys(reading.columns, 0)}


@st.composite
def rows(draw: st.DrawFn, reading: Reading) -> list[dict[str, Any]]:
    names = list(dict.fromkeys([*reading.labels, *reading.columns, "never_heard_of"]))
    # Of a row with dozens of columns few are odd: all values drawn would be slow.
    odd = draw(st.lists(st.dictionaries(st.sampled_from(names), ANYTHING, max_size=6), max_size=4))
    made = [{**whole(reading), **dict.fromkeys(reading.labels, f"row {at}"), **each} for at, each in enumerate(odd)]
    lacking = draw(st.sets(st.sampled_from(names), max_size=2))
    for row in made[:1]:
        for name in lacking:
            row.pop(name, None)
    if draw(st.booleans()) and made:
        made.append(dict(made[0]))
    made.insert(draw(st.integers(0, len(made))), whole(reading))
    return made


def labels_of(reading: Reading, column: Column, row: Mapping[str, Any]) -> dict[str, str]:
    own = {label: clean(row.get(name, "")) for name, label in reading.labels.items()}
    return {**own, **column.labels}


@pytest.mark.parametrize(
    ("kind", "reading"), READINGS, ids=lambda each: each if isinstance(each, str) else each.statement
)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data())
def test_a_bad_row_costs_itself(kind: str, reading: Reading, store: SeriesStore, data: st.DataObject) -> None:
    given_ = data.draw(rows(reading))
    sieve, findings = Sieve(limits_of(kind)), Findings()
    round_ = Round("source", reading.tier, Off(), sieve, findings)
    with round_.part(reading.statement):
        round_.take(reading, given_, (99,))
    found = round_.poll()
    samples = {(sample.metric, sample.labels): sample.value for sample in found.samples}
    assert len(samples) == len(found.samples), "a poll never holds two samples of one series"
    for column in columns(reading).values():
        if not column.expected((99,)):
            continue
        low, high = column.metric.limits
        key = (column.metric.name, tuple(sorted(labels_of(reading, column, whole(reading)).items())))
        if low <= 0 <= high and len(reading.labels):
            assert samples.get(key) == 0, "the good row arrives whole"
    for value in samples.values():
        assert math.isfinite(value)
    odd = [
        row[name]
        for row in given_
        for name, column in columns(reading).items()
        if column.expected((99,)) and row.get(name) is not None and number_of(row[name]) is None
        if not any(row.get(key) in values for key, values in reading.leave.items())
    ]
    assert sieve.refused["unreadable"] == len(odd)
    named = [finding for finding in findings.all() if finding.key == f"unreadable:{reading.statement}"]
    assert len(named) == bool(odd)
    source = f"source {next(NUMBERS)}"
    store.append(replace(found, source=source))
    kept = {(metric, labels) for metric, labels, _, _ in store.latest() if ("source", source) in labels}
    own = ("source", source)
    assert kept >= {(metric, tuple(sorted([*labels, own]))) for metric, labels in samples}


def test_names_that_differ_in_one_byte_are_two_series_in_the_store(tmp_path: Path) -> None:
    reading = next(reading for kind, reading in READINGS if kind == "redis" and reading.labels)
    round_ = Round("source", reading.tier, Off())
    rows_ = [{**whole(reading), **dict.fromkeys(reading.labels, name)} for name in (b"caf\xe9", b"caf\xe8")]
    round_.take(reading, rows_, (99,))
    store = SeriesStore(tmp_path)
    store.append(round_.poll())
    reader = SeriesReader(tmp_path)
    metric = next(iter(reading.metrics())).name
    assert len(reader.raw(Selector(metric), 0, 1e12)) == 2
    reader.close()
    store.close()
