"""However a poll's samples come, they are stored as they are, and a turn is marked where one may be."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.model import Labels, Matcher, Sample, Selector
from metrics.poll import Poll, Tier
from metrics.samples import Keys, Samples
from storage.series import SeriesStore

SERIES: Sequence[tuple[str, Labels]] = [
    ("a_total", (("l", "1"),)),
    ("a_total", (("l", "2"),)),
    ("size", ()),
    ("w_count", ()),
    ("w_sum", ()),
]
Given = tuple[list[tuple[int, int]], dict[str, int], int, list[int]]
POLLS: st.SearchStrategy[list[Given]] = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=6),
        st.dictionaries(st.sampled_from("xy"), st.integers(0, 1), max_size=2),
        st.sampled_from([1, 1, 1, 2, -1]),
        st.lists(st.integers(0, 6), max_size=2),
    ),
    max_size=8,
)


def cut(samples: list[Sample], at: list[int]) -> Samples:
    """In runs that are cut at some places."""
    places = sorted({0, *(min(place, len(samples)) for place in at), len(samples)})
    found = Samples()
    for one, two in zip(places, places[1:], strict=False):
        part = samples[one:two]
        found.put(Keys(tuple(s.metric for s in part), tuple(s.labels for s in part)), [s.value for s in part])
    return found


def counts(name: str, there: set[str]) -> bool:
    return name.endswith("_total") or (name.startswith("w_") and {"w_count", "w_sum"} <= there)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(POLLS)
def test_rows_are_those_of_a_plain_reader(tmp_path_factory: object, polls: list[Given]) -> None:
    folder: Path = tmp_path_factory.mktemp("store")  # type: ignore[attr-defined]
    rows: list[tuple[int, int, int, bytes]] = []
    with closing(SeriesStore(folder)) as store:
        row = store._numbering.row
        store._numbering.row = lambda *given_: rows.append(row(*given_)) or rows[-1]  # type: ignore[method-assign, func-returns-value]
        before: tuple[float, dict[object, float]] | None = None
        at, kept = 1000.0, {}
        for chosen, epochs, step, places in polls:
            at += step
            samples = [Sample(*SERIES[which], float(value)) for which, value in chosen]
            told = {name: float(mark) for name, mark in epochs.items()}
            given_ = cut(samples, places)
            poll = Poll(source="s", tier=Tier.FAST, at=at, duration=0.0, up=True, samples=given_, epochs=told)
            store.append(poll)
            now: dict[object, float] = {(s.metric, s.labels): s.value for s in samples}
            now |= {("epoch", name): mark for name, mark in told.items()}
            there = {s.metric for s in samples}
            if before is None or at <= before[0]:
                turn = True
            else:
                both = [(key, before[1][key], now[key]) for key in now if key in before[1]]
                turn = any(
                    old != new if key[0] == "epoch" else new < old and counts(key[0], there)  # type: ignore[index]
                    for key, old, new in both
                )
            assert rows[-1][2] == turn
            if before is None or at >= before[0]:
                before = (at, now)
            kept[at] = now
        for metric, labels in SERIES:
            (*found,) = store.raw(Selector(metric, tuple(Matcher(*label) for label in labels)), 0.0, 2000.0)
            stored = [
                pair for points in found for pair in zip(points.times.tolist(), points.values.tolist(), strict=True)
            ]
            assert dict(stored) == {when: now[metric, labels] for when, now in kept.items() if (metric, labels) in now}
            assert len(dict(stored)) == len(stored)
