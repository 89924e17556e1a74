"""Columns and segments come back bit by bit, and damage is noticed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from metrics.points import Column
from storage import codec
from storage.codec import DamagedError
from storage.segment import Filled, Segment, encode, reader

anything = arrays(np.float64, st.integers(1, 300), elements=st.floats(width=64, allow_nan=True))
decimals = st.tuples(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=200), st.integers(0, 7)).map(
    lambda pair: np.array(pair[0], dtype=np.float64) / np.float64(10.0 ** pair[1])
)
rising = st.lists(st.integers(0, 10**6), min_size=1, max_size=800).map(lambda s: np.cumsum(s).astype(np.float64))


@given(st.one_of(anything, decimals, rising))
def test_any_column_comes_back_bit_by_bit(values: Column) -> None:
    """NaN bits, infinities, minus zero, subnormals."""
    np.testing.assert_array_equal(codec.decode(codec.encode(values), len(values)).view(np.int64), values.view(np.int64))


def test_decimals_are_stored_as_integers() -> None:
    """A counter of seconds with six decimals takes a fraction of its doubles."""
    values = np.cumsum(np.random.default_rng(1).random(720)).round(6)
    assert codec.encode(values)[0] == codec.DECIMALS
    assert len(codec.encode(values)) < 0.55 * values.nbytes


@settings(max_examples=60)
@given(st.data())
def test_any_segment_comes_back(data: st.DataObject) -> None:
    """Whatever series come and go within it."""
    ticks = data.draw(st.integers(1, 60))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    times = np.sort(rng.choice(10**6, ticks, replace=False)).astype(np.int64)
    turns = rng.random(ticks) < 0.2
    numbers = sorted(data.draw(st.sets(st.integers(0, 2**32 - 1), min_size=1, max_size=8)))
    columns = []
    for _ in numbers:
        if data.draw(st.booleans()):
            mask = rng.random(ticks) < 0.5
            columns.append([Filled(rng.normal(size=int(mask.sum())), mask)])
        else:
            columns.append([Filled(rng.integers(0, 50, ticks).astype(np.float64))])
    blob = encode(times, turns, numbers, columns)
    read = reader(blob)
    segment = Segment(read, len(blob))
    assert segment.size == len(blob)
    np.testing.assert_array_equal(segment.times, times)
    np.testing.assert_array_equal(segment.turns, turns)
    for number, (filled,) in zip(numbers, columns, strict=True):
        found = segment.column(read, number)
        np.testing.assert_array_equal(found.values, filled.values)
        assert (found.mask is None) == (filled.mask is None)
        if filled.mask is not None:
            np.testing.assert_array_equal(found.mask, filled.mask)


def test_every_damaged_byte_is_noticed_or_harmless() -> None:
    """One flipped byte anywhere: an error, or the same values; never other values."""
    rng = np.random.default_rng(2)
    times = np.arange(0, 720_000, 10_000)
    columns = [[Filled(np.cumsum(rng.integers(0, 9, 72)).astype(np.float64))] for _ in range(3)]
    blob = encode(times, np.zeros(72, dtype=bool), [1, 2, 3], columns)
    for at in range(len(blob)):
        broken = bytearray(blob)
        broken[at] ^= 0x55
        read = reader(bytes(broken))
        wrong = 0
        try:
            segment = Segment(read, len(broken))
            np.testing.assert_array_equal(segment.times, times)
            for i in (1, 2, 3):
                try:
                    np.testing.assert_array_equal(segment.column(read, i).values, columns[i - 1][0].values)
                except DamagedError:
                    wrong += 1
        except DamagedError:
            continue
        assert wrong == 1, at


def test_statistics_are_exact() -> None:
    """Over the finite values of the first column."""
    values = np.array([1.0, 5.0, 2.0, np.nan, 9.0])
    blob = encode(np.arange(5), np.zeros(5, dtype=bool), [7], [[Filled(values)]])
    figures = Segment(reader(blob), len(blob)).figures()
    want = {"min": 1, "max": 9, "sum": 17, "count": 5, "increase": 11, "first": 1, "last": 9}
    assert {name: column[0] for name, column in figures.items()} == want


def test_a_truncated_blob_is_damage() -> None:
    """At whatever length."""
    blob = encode(np.arange(9), np.zeros(9, dtype=bool), [7], [[Filled(np.arange(9.0))]])
    for length in range(len(blob) - 1):
        read = reader(blob[:length])
        with pytest.raises(DamagedError):
            Segment(read, length).column(read, 7)
