"""What the judge keeps in memory says the same as the store."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.recent import Recent
from metrics.model import Matcher, Op, Sample, Selector, labelled
from metrics.poll import Poll, Tier
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.tail import Fresh, Tail


def poll(at: float, values: dict[tuple[str, str], float], source: str = "a", tier: Tier = Tier.FAST) -> Poll:
    samples = [Sample(metric, labelled({"db": db}), value) for (metric, db), value in values.items()]
    return Poll(source=source, tier=tier, at=at, duration=0.1, up=True, epochs={"run": 1.0}, samples=samples)


def test_each_poll_comes_once_and_only_what_is_new(tmp_path: Path) -> None:
    tail = Tail(tmp_path)
    assert tail.new() == []
    store = SeriesStore(tmp_path)
    store.append(poll(10.0, {("hits", "0"): 1.0}))
    (first,) = tail.new()
    assert (first.source, first.tier, first.at) == ("a", "fast", 10.0)
    assert [name.metric for name in first.names] == ["hits", "trivet_source_epoch"]
    assert first.values.tolist() == [1.0, 1.0]
    assert tail.new() == []
    store.append_many([poll(20.0, {("hits", "0"): 2.0}), poll(21.0, {("hits", "0"): 2.0}, tier=Tier.MEDIUM)])
    assert [(fresh.at, fresh.tier) for fresh in tail.new()] == [(20.0, "fast"), (21.0, "medium")]
    late = Tail(tmp_path)
    assert late.new() == []
    store.compact(30.0 + 4 * 3600)
    store.append(poll(40.0 + 4 * 3600, {("hits", "1"): 5.0}))
    for each in (tail, late):
        (fresh,) = each.new()
        assert dict(fresh.names[0].labels) == {"db": "1", "source": "a"}
    store.close()
    tail.close()
    late.close()


def test_a_damaged_poll_is_passed_over(tmp_path: Path) -> None:
    store, tail = SeriesStore(tmp_path), Tail(tmp_path)
    tail.new()
    for at in (10.0, 20.0, 30.0):
        store.append(poll(at, {("hits", "0"): at}))
    store._writer.execute("update hot set data = zeroblob(length(data)) where at = 20000")
    assert [fresh.at for fresh in tail.new()] == [10.0, 30.0]
    store.close()
    tail.close()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(1.0, 30.0),
            st.sampled_from(["a", "b"]),
            st.sampled_from([Tier.FAST, Tier.MEDIUM]),
            st.dictionaries(
                st.tuples(st.sampled_from(["hits", "misses", "other"]), st.sampled_from("01")),
                st.floats(0, 1e6),
                min_size=1,
            ),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_it_says_what_the_store_says(
    tmp_path_factory: pytest.TempPathFactory,
    polls: list[tuple[float, str, Tier, dict[tuple[str, str], float]]],
) -> None:
    folder = tmp_path_factory.mktemp("store")
    store, tail, recent = SeriesStore(folder), Tail(folder), Recent({"hits", "misses", "trivet_source_epoch"}, 1e9)
    tail.new()
    at = 1000.0
    for pause, source, tier, values in polls:
        at = round(at + pause, 3)
        store.append(poll(at, values, source, tier))
        for fresh in tail.new():
            assert recent.add(fresh)
    reader = SeriesReader(folder)
    for selector in (
        Selector("hits"),
        Selector("misses", (Matcher("db", "0"),)),
        Selector("hits", (Matcher("db", "[1]", Op.RE),)),
        Selector("trivet_source_epoch"),
        Selector("other"),
    ):
        for source in "ab":
            mine = recent.read(source)(selector, at - 300, at)
            theirs = (
                []
                if selector.metric == "other"
                else reader.raw(selector.narrowed(Matcher("source", source)), at - 300, at)
            )
            assert {tuple(sorted(p.labels.items())): (p.times.tolist(), p.values.tolist()) for p in mine} == {
                tuple(sorted(p.labels.items())): (p.times.tolist(), p.values.tolist()) for p in theirs
            }
    reader.close()
    store.close()
    tail.close()


def fresh(at: float, value: float, layout: int = 1, tier: str = "fast") -> Fresh:
    from storage.index import Name

    name = Name(1, 1, "hits", labelled({"source": "a"}), {"source": "a"})
    return Fresh("a", tier, at, layout, [name], np.array([value]))


def test_what_is_old_is_forgotten_and_memory_stays() -> None:
    recent = Recent({"hits"}, 600.0)
    for number in range(5000):
        recent.add(fresh(10.0 * number, number, layout=number // 100))
    (points,) = recent.read("a")(Selector("hits"), 0.0, 1e9)
    assert 60 <= len(points.times) <= 260
    assert points.values[-1] == 4999


def test_a_clock_that_is_set_back_begins_anew() -> None:
    recent = Recent({"hits"}, 600.0)
    assert recent.add(fresh(1000.0, 1.0))
    assert recent.add(fresh(1000.5, 1.0, tier="medium"))
    assert recent.add(fresh(999.9, 1.0, tier="slow")), "tiers of one turn may be a moment apart"
    assert recent.add(fresh(1010.0, 2.0))
    assert not recent.add(fresh(500.0, 3.0))
    (points,) = recent.read("a")(Selector("hits"), 0.0, 1e9)
    assert (points.times.tolist(), points.values.tolist()) == ([500.0], [3.0])
