"""Rows of several places, with rests of several kinds: a ratio of them all is the same with and without a cap."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.busiest import Busiest
from collectors.frame import Frame

COUNTERS = ("part", "whole")
SIZES = {"a": 1, "b": 50, "c": 2, "d": 90, "e": 70, "f": 3}
PLACES = ("shop", "wiki")
BIG = 10

rises = st.dictionaries(
    st.tuples(st.sampled_from(PLACES), st.sampled_from(sorted(SIZES))),
    st.tuples(st.integers(0, 40), st.integers(0, 40)),
    max_size=12,
)


def _frames(counts: Mapping[tuple[str, str], tuple[float, float]]) -> dict[str, Frame]:
    return {
        place: Frame(
            ("place", "name"),
            [(place, name) for name in SIZES],
            (*COUNTERS, "size"),
            np.array([[*counts[place, name], SIZES[name]] for name in SIZES], dtype=np.float64),
        )
        for place in PLACES
    }


def _kinds(place: str) -> list[tuple[str, str]]:
    return [(place, "(rest)" if size >= BIG else "(rest, small)") for size in SIZES.values()]


def _ratio(lines: list[dict[tuple[str, str], tuple[float, float]]], place: str) -> float | None:
    """Σ rises of part over those of whole of what is big, series by series, from each sample to the next it has."""
    part = whole = 0.0
    last: dict[tuple[str, str], tuple[float, float]] = {}
    for line in lines:
        for key, now in line.items():
            if key[0] == place and (key[1] == "(rest)" or SIZES.get(key[1], 0) >= BIG):
                before = last.get(key, now)
                part += now[0] - before[0]
                whole += now[1] - before[1]
        last |= line
    return part / whole if whole else None


@settings(deadline=None, max_examples=200)
@given(st.lists(rises, min_size=3, max_size=10), st.integers(1, 11))
def test_a_ratio_of_the_big_is_the_same_with_a_cap(
    looks: list[dict[tuple[str, str], tuple[int, int]]], most: int
) -> None:
    capped = Busiest(counters=COUNTERS, rank=("whole",), gauges=("size",), most=most)
    counts = {(place, name): (0.0, 0.0) for place in PLACES for name in SIZES}
    truth, seen = [], []
    for rise in looks:
        for key, (part, more) in rise.items():
            counts[key] = (counts[key][0] + part, counts[key][1] + part + more)
        look = capped.look(frames := _frames(counts), {place: _kinds(place) for place in PLACES})
        rows = look.rows(frames)
        assert sum(row["size"] for row in rows) == 2 * sum(SIZES.values())
        assert sum(len(shown) for shown in look.shown.values()) == min(most, len(counts))
        truth.append(dict(counts))
        seen.append({(row["place"], row["name"]): (row["part"], row["whole"]) for row in rows})
    # A rest counts from the first look that has it on: those opened later have not been heard of before.
    rests = {key for line in seen for key in line if key[1].startswith("(")}
    opened = max((next(at for at, line in enumerate(seen) if key in line) for key in rests), default=0)
    for place in PLACES:
        assert _ratio(seen[opened:], place) == pytest.approx(_ratio(truth[opened:], place))


def test_a_place_that_was_away_begins_anew() -> None:
    busiest = Busiest(counters=COUNTERS, rank=("whole",), most=1)
    frames = _frames({(place, name): (5.0, 9.0) for place in PLACES for name in SIZES})
    kinds = {place: [("(rest)", "(rest)")] * len(SIZES) for place in PLACES}
    busiest.look(frames, kinds)
    busiest.look({"shop": frames["shop"]}, {"shop": kinds["shop"]})
    look = busiest.look(frames, kinds)
    assert [row["whole"] for row in look.rests] == [0.0]
    assert look.left == 2 * len(SIZES) - 1


def _risen(lines: list[dict[tuple[str, str], float]]) -> float:
    """Σ rises, series by series, from each sample to the next it has."""
    risen, last = 0.0, dict[tuple[str, str], float]()
    for line in lines:
        now = {key: value for key, value in line.items() if not np.isnan(value)}
        risen += sum(value - last.get(key, value) for key, value in now.items())
        last |= now
    return risen


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.tuples(rises, st.sets(st.sampled_from(sorted(SIZES)), max_size=3)), min_size=4, max_size=10),
    st.integers(1, 6),
)
def test_what_is_not_told_for_once_is_no_rise(
    looks: list[tuple[dict[tuple[str, str], tuple[int, int]], set[str]]], most: int
) -> None:
    """Nor a reset: a value that cannot be would else be in the sum of the others for ever."""
    busiest = Busiest(counters=("part",), rank=("part",), most=most)
    counts, first, seen = dict.fromkeys(SIZES, 0.0), dict[str, float](), []
    for rise, unknown in [*looks, ({}, set())]:
        for (_, name), (part, _) in rise.items():
            counts[name] += part
        first = first or dict(counts)
        told = {name: np.nan if name in unknown else count for name, count in counts.items()}
        numbers = np.array([[told[name]] for name in SIZES], dtype=np.float64)
        frames = {"": Frame(("name",), [(name,) for name in SIZES], ("part",), numbers)}
        look = busiest.look(frames, {"": [("(rest)",)] * len(SIZES)})
        rows = look.rows(frames)
        seen.append({("", row["name"]): np.nan if row["part"] is None else row["part"] for row in rows})
    risen = sum(counts.values()) - sum(first.values())
    assert _risen(seen) <= risen + 1e-9
    if most == len(SIZES) and not looks[0][1]:
        assert _risen(seen) == pytest.approx(risen)
