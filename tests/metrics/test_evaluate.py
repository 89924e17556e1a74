"""What must hold of every evaluation, whatever the data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.evaluate import evaluate
from metrics.forms import Floor, Guard, Level, Quantile, Rate, Ratio, Share
from metrics.increase import falls, over
from metrics.judge import absent, judge
from metrics.model import Kind, Metric, Subject, Unit
from metrics.points import Points
from metrics.target import Bounds, State, Verdict, at_least, at_most, fold
from tests.metrics.memory import Memory

HITS = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Hits.")
MISSES = Metric(name="misses_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Misses.")
LATENCY = Metric(name="latency_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, help="Latency.")
NO_BOUNDS = Bounds({})
HIT_RATE = Ratio(
    name="hit_rate",
    title="Hit rate",
    help="H.",
    part=[HITS],
    whole=[HITS, MISSES],
    target=at_least(0.8, window="5m", traffic=100),
)

walks = st.lists(st.integers(-40, 60), min_size=2, max_size=60)


def walk(steps: list[int]) -> dict[float, float]:
    """Values every 10 s that rise by the steps, never below zero."""
    value, values = 100.0, {0.0: 100.0}
    for i, step in enumerate(steps, start=1):
        value = max(0.0, value + step)
        values[i * 10.0] = value
    return values


@given(walks, st.integers(1, 7))
def test_windows_laid_end_to_end_add_up(steps: list[int], size: int) -> None:
    """No increase is counted twice and none is lost, resets or not."""
    values = walk(steps)
    points = Points({"source": "a"}, np.array(list(values)), np.array(list(values.values())))
    spans = falls([points], ()).get((), ())
    last = 10.0 * len(steps)
    ends = np.arange(10.0 * size, last + 10.0 * size, 10.0 * size)
    cells = over(points, ends - 10.0 * size, ends, spans)
    assert np.nansum(cells.increase) == sum(rise for rise in np.diff(list(values.values())) if rise > 0)


@given(walks, walks)
def test_a_ratio_is_between_zero_and_one_or_unknown(hits: list[int], misses: list[int]) -> None:
    """Whatever was reset when."""
    memory = Memory()
    memory.add(HITS.name, "a", walk(hits))
    memory.add(MISSES.name, "a", walk(misses))
    for line in evaluate(HIT_RATE, memory, np.arange(10.0, 600.0, 10.0), 60):
        known = line.values[~np.isnan(line.values)]
        assert ((known >= 0) & (known <= 1)).all()


@given(walks, walks)
def test_many_windows_at_once_equal_each_alone(hits: list[int], misses: list[int]) -> None:
    """A chart's point is the verdict that was given at its time."""
    memory = Memory()
    memory.add(HITS.name, "a", walk(hits))
    memory.add(MISSES.name, "a", walk(misses))
    ends = np.arange(20.0, 10.0 * min(len(hits), len(misses)), 10.0)
    if not len(ends):
        return
    (line,) = evaluate(HIT_RATE, memory, ends, 60)
    for i, end in enumerate(ends):
        (alone,) = evaluate(HIT_RATE, memory, np.array([end]), 60)
        np.testing.assert_equal((alone.part[0], alone.whole[0]), (line.part[i], line.whole[i]))


def test_no_traffic_is_unknown_and_idle() -> None:
    """Never 0 % and never 100 %."""
    memory = Memory()
    memory.add(HITS.name, "a", dict.fromkeys(range(0, 310, 10), 50.0))
    memory.add(MISSES.name, "a", dict.fromkeys(range(0, 310, 10), 9.0))
    (verdict,) = judge(HIT_RATE, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value, verdict.idle) == (State.UNKNOWN, None, True)
    assert verdict.reason == "no traffic in 5 min"


def test_too_little_traffic_says_how_much() -> None:
    """The value is shown, the verdict is not given."""
    memory = Memory()
    memory.add(HITS.name, "a", {t: t / 10 for t in range(0, 310, 10)})
    memory.add(MISSES.name, "a", dict.fromkeys(range(0, 310, 10), 9.0))
    (verdict,) = judge(HIT_RATE, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.idle) == (State.UNKNOWN, True)
    assert verdict.reason == "30 in 5 min are too few to judge (least 100)"


def test_a_source_that_fell_silent_is_unknown_and_says_since_when() -> None:
    """The last good value is not the present."""
    memory = Memory()
    memory.add(HITS.name, "a", {t: t * 9.0 for t in range(0, 310, 10)})
    memory.add(MISSES.name, "a", {t: t * 1.0 for t in range(0, 310, 10)})
    (verdict,) = judge(HIT_RATE, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value) == (State.MET, 0.9)
    (verdict,) = judge(HIT_RATE, memory, 400, NO_BOUNDS)
    assert (verdict.state, verdict.value) == (State.UNKNOWN, None)
    assert verdict.reason == "no sample for 1 min 40 s"


def test_one_sample_is_no_change() -> None:
    """The first poll gives no ratio yet, and says what it waits for."""
    memory = Memory()
    memory.add(HITS.name, "a", {0: 5.0})
    memory.add(MISSES.name, "a", {0: 5.0})
    (verdict,) = judge(HIT_RATE, memory, 5, NO_BOUNDS)
    assert verdict.reason == "a change needs two samples, and there is one so far"


def test_the_bound_of_a_source_replaces_the_declared_one() -> None:
    """Only there."""
    memory = Memory()
    for source in ("a", "b"):
        memory.add(HITS.name, source, {t: t * 85.0 for t in range(0, 310, 10)})
        memory.add(MISSES.name, source, {t: t * 15.0 for t in range(0, 310, 10)})
    found = judge(HIT_RATE, memory, 300, Bounds({"b": {"hit_rate": 0.9}}))
    assert [(v.subject.source, v.state, v.target.bound) for v in found] == [
        ("a", State.MET, 0.8),
        ("b", State.MISSED, 0.9),
    ]


def test_a_share_whose_bound_is_no_edge_is_unknown_and_names_the_nearest() -> None:
    """An interpolated share is no verdict."""
    memory = Memory()
    for le, factor in (("0.1", 8.0), ("0.25", 9.0), ("+Inf", 10.0)):
        memory.add("latency_seconds_bucket", "a", {t: t * factor for t in range(0, 310, 10)}, le=le)
    memory.add("latency_seconds_count", "a", {t: t * 10.0 for t in range(0, 310, 10)})
    share = Share(name="p99", title="p99", help="H.", of=LATENCY, bound=0.2, target=at_least(0.99))
    (verdict,) = judge(share, memory, 300, NO_BOUNDS)
    assert verdict.state is State.UNKNOWN
    assert verdict.reason == (
        "0.2 s is no bucket edge of latency_seconds (nearest: 0.1 s and 0.25 s), so the share is not exact"
    )
    exact = Share(name="p90", title="p90", help="H.", of=LATENCY, bound=0.1, target=at_least(0.8))
    (verdict,) = judge(exact, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value, verdict.volume) == (State.MET, 0.8, 3000)


def test_a_quantile_in_the_unbounded_bucket_is_the_highest_edge() -> None:
    """As Prometheus has it: read it as "at least"."""
    memory = Memory()
    for le, factor in (("0.1", 1.0), ("+Inf", 10.0)):
        memory.add("latency_seconds_bucket", "a", {t: t * factor for t in range(0, 310, 10)}, le=le)
    (line,) = evaluate(Quantile(name="q", title="Q", help="H.", of=LATENCY, q=0.95), memory, np.array([300.0]), 300)
    assert line.values[-1] == 0.1


def test_what_is_judged_in_a_load_test_is_unknown_with_its_value() -> None:
    """The present value is shown all the same."""
    memory = Memory()
    memory.add(HITS.name, "a", {t: t * 2.0 for t in range(0, 310, 10)})
    rate = Rate(name="r", title="R", help="H.", of=[HITS], target=at_least(5000, judged_in="a load test"))
    (verdict,) = judge(rate, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value, verdict.reason) == (State.UNKNOWN, 2.0, "judged in a load test")


def test_a_series_below_every_floor_does_not_count() -> None:
    """Small tables are rightly read from end to end."""
    rows = Metric(name="rows", kind=Kind.GAUGE, unit=Unit.COUNT, help="Rows.", labels=("table",))
    seeks = Metric(name="seeks_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Seeks.", labels=("table",))
    scans = Metric(name="scans_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="Scans.", labels=("table",))
    memory = Memory()
    for table, size in (("big", 20_000.0), ("small", 50.0)):
        memory.add(rows.name, "a", dict.fromkeys(range(0, 310, 10), size), table=table)
        memory.add(seeks.name, "a", {t: t * 1.0 for t in range(0, 310, 10)}, table=table)
        scanned = 0.0 if table == "big" else 9.0
        memory.add(scans.name, "a", {t: t * scanned for t in range(0, 310, 10)}, table=table)
    form = Ratio(
        name="x", title="X", help="H.", part=[seeks], whole=[seeks, scans], where=(Floor(metric=rows, at_least=1e4),)
    )
    (line,) = evaluate(form, memory, np.array([300.0]), 300)
    assert line.values[-1] == 1.0


def test_levels_do_not_mix_sources() -> None:
    """A sum is of one source."""
    open_now = Metric(name="open", kind=Kind.GAUGE, unit=Unit.COUNT, help="Open.", labels=("pool",))
    memory = Memory()
    for source in ("a", "b"):
        for pool in ("x", "y"):
            memory.add(open_now.name, source, {0: 3.0 if source == "a" else 5.0}, pool=pool)
    lines = evaluate(Level(name="l", title="L", help="H.", of=[open_now]), memory, np.array([5.0]), 60)
    assert {(line.subject.source, line.values[-1]) for line in lines} == {("a", 6), ("b", 10)}


def test_a_guard_does_not_take_silence_for_a_standstill() -> None:
    """Clients wait, and the counters that would tell of a stall were not read: that is unknown, not 0 %."""
    waiting = Metric(name="waiting", kind=Kind.GAUGE, unit=Unit.COUNT, help="Waiting.")
    stalled = Guard(metric=waiting, idle=[HITS], within=30, then=0.0, reason="stalled")
    form = Ratio(name="x", title="X", help="H.", part=[HITS], whole=[MISSES], guards=(stalled,), target=at_least(0.5))
    memory = Memory()
    memory.add(HITS.name, "a", {t: t * 1.0 for t in range(0, 210, 10)})
    memory.add(MISSES.name, "a", {t: t * 1.0 for t in range(0, 210, 10)})
    memory.add(waiting.name, "a", dict.fromkeys(range(0, 310, 10), 5.0))
    (verdict,) = judge(form, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value) == (State.UNKNOWN, None)
    memory.add(HITS.name, "a", dict.fromkeys(range(210, 310, 10), 200.0))
    memory.add(MISSES.name, "a", dict.fromkeys(range(210, 310, 10), 200.0))
    (verdict,) = judge(form, memory, 300, NO_BOUNDS)
    assert (verdict.state, verdict.value, verdict.reason) == (State.MISSED, 0.0, "stalled")


def test_infinities_and_nans_are_no_numbers() -> None:
    """They are left out as if the sample had not been taken."""
    memory = Memory()
    memory.add(HITS.name, "a", {0: 0.0, 10: math.nan, 20: 20.0, 30: math.inf, 40: 40.0})
    (line,) = evaluate(Rate(name="r", title="R", help="H.", of=[HITS]), memory, np.array([40.0]), 60)
    assert line.values[-1] == pytest.approx(1.0)


def verdict(state: State, idle: bool = False) -> Verdict:
    """A verdict of nobody."""
    return Verdict(name="x", subject=Subject("a"), target=at_most(1), state=state, idle=idle)


def test_folding_many_subjects_into_one_state() -> None:
    """Any missed, else any unknown with traffic, else met; idle ones do not count."""
    met, missed, unknown, idle = (
        verdict(State.MET),
        verdict(State.MISSED),
        verdict(State.UNKNOWN),
        verdict(State.UNKNOWN, idle=True),
    )
    assert fold([met, unknown, missed]) is State.MISSED
    assert fold([met, unknown]) is State.UNKNOWN
    assert fold([met, idle]) is State.MET
    assert fold([idle]) is State.UNKNOWN
    assert fold([]) is State.UNKNOWN


def test_a_source_that_reports_nothing_is_unknown_with_the_declared_reason() -> None:
    """Or with the one that is known better."""
    assert absent(HIT_RATE, "a", NO_BOUNDS).reason == "no sample of hits_total yet"
    assert absent(HIT_RATE, "a", NO_BOUNDS, "connection refused").reason == "connection refused"
