"""`evaluate` and `promql` against a real VictoriaMetrics, form by form.

Equal where the rules say equal: aligned, late and churning data with two sources. Where they say different, the
difference itself is asserted: at resets, on a series' first samples and for windows that begin inside a gap.
"""

import random
import uuid
from collections.abc import Callable

import numpy as np
import pytest
import requests
from numpy.typing import NDArray

from metrics import increase
from metrics.evaluate import evaluate
from metrics.forms import AnyForm, Floor, Guard, Level, Quantile, Rate, Ratio, Share, only
from metrics.model import Kind, Metric, Op, Subject, Unit
from metrics.promql import promql
from metrics.watch import EPOCH
from stack.native.victoriametrics import VictoriaMetrics
from tests.metrics.memory import Memory

AT0 = 1_700_000_000.0 - 1_700_000_000.0 % 600
WINDOW = 300.0


def counter(name: str, *labels: str, unit: Unit = Unit.COUNT) -> Metric:
    """A counter under the shared epoch."""
    return Metric(name=f"{name}_total", kind=Kind.COUNTER, unit=unit, help="A counter.", labels=labels, epoch="run")


def gauge(name: str, *labels: str, unit: Unit = Unit.COUNT) -> Metric:
    """A gauge."""
    return Metric(name=name, kind=Kind.GAUGE, unit=unit, help="A gauge.", labels=labels)


HITS, MISSES = counter("hits"), counter("misses")
WAIT, XACT = counter("wait_seconds", "db", unit=Unit.SECONDS), counter("xact_seconds", "db", unit=Unit.SECONDS)
COUNT, ASSIGNED = counter("xact", "db"), counter("assigned", "db")
WAITING, SESSION = gauge("waiting", "db", "user"), gauge("session_mode", "db", "user")
LONGEST = gauge("longest_wait_seconds", "db", "user", unit=Unit.SECONDS)
SEEKS, SCANS = counter("seeks", "db", "table"), counter("scans", "db", "table")
SIZE, ROWS = gauge("size_bytes", "db", "table", unit=Unit.BYTES), gauge("rows", "db", "table")
DEAD, LIVE = gauge("dead", "db", "table"), gauge("live", "db", "table")
REQUESTS = counter("requests", "route", "code")
LATENCY = Metric(
    name="latency_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, help="Latency.", labels=("route", "cache")
)
STALLED = Guard(metric=WAITING, idle=[COUNT], within=30, then=0.0, reason="stalled")
BIG = (Floor(metric=SIZE, at_least=1000), Floor(metric=ROWS, at_least=50))

FORMS: list[AnyForm] = [
    Ratio(name="hit_rate", part=[HITS], whole=[HITS, MISSES], title="T", help="H."),
    Ratio(name="pool", part=[WAIT], whole=[XACT], complement=True, by=("db",), guards=(STALLED,), title="T", help="H."),
    Ratio(
        name="acquisition",
        part=[WAIT],
        whole=[ASSIGNED],
        else_whole=[COUNT],
        measure=Unit.SECONDS,
        by=("db",),
        guards=(
            Guard(metric=SESSION, reason="session"),
            Guard(metric=WAITING, idle=[COUNT], within=30, then=LONGEST, reason="stalled"),
        ),
        title="T",
        help="H.",
    ),
    Ratio(name="index_scans", part=[SEEKS], whole=[SEEKS, SCANS], where=BIG, by=("db",), title="T", help="H."),
    Ratio(name="all_index_scans", part=[SEEKS], whole=[SEEKS, SCANS], where=BIG, title="T", help="H."),
    Ratio(name="dead_rows", part=[DEAD], whole=[LIVE, DEAD], by=("db",), title="T", help="H."),
    Ratio(name="worst_table", part=[DEAD], whole=[LIVE, DEAD], by=("db", "table"), title="T", help="H."),
    Ratio(name="errors", part=[REQUESTS.having("code", "5..", Op.RE)], whole=[REQUESTS], title="T", help="H."),
    Ratio(name="no_errors", part=[REQUESTS.having("code", "599")], whole=[REQUESTS], title="T", help="H."),
    Rate(name="throughput", of=[REQUESTS], title="T", help="H."),
    Rate(name="by_route", of=[REQUESTS], by=("route",), title="T", help="H."),
    Level(name="all_waiting", of=[WAITING], title="T", help="H."),
    Level(name="longest", of=[LONGEST], highest=True, by=("db",), title="T", help="H."),
    Share(name="fast", of=LATENCY, bound=0.1, title="T", help="H."),
    Share(name="fast_hits", of=LATENCY, bound=0.01, having=only("cache", "HIT"), by=("route",), title="T", help="H."),
    Quantile(name="p95", of=LATENCY, q=0.95, title="T", help="H."),
    Quantile(name="p99_route", of=LATENCY, q=0.99, by=("route",), title="T", help="H."),
]
"""Every kind of form, with every option that changes its arithmetic."""


def plain(seed: int = 7) -> Memory:
    """Two sources, everything that FORMS needs, aligned at 10 s for 30 minutes."""
    rng, memory = random.Random(seed), Memory()

    def rise(metric: str, source: str, most: float, **labels: str) -> None:
        value, values = float(rng.randint(1000, 2000)), {}
        for at in range(0, 1801, 10):
            values[float(at)] = value
            value += rng.randint(0, int(most * 1000)) / 1000
        memory.add(metric, source, values, **labels)

    def wander(metric: str, source: str, least: int, most: int, **labels: str) -> None:
        memory.add(metric, source, {float(at): float(rng.randint(least, most)) for at in range(0, 1801, 10)}, **labels)

    for source in ("a", "b"):
        rise(HITS.name, source, 90)
        rise(MISSES.name, source, 10 if source == "a" else 200)
        for db in ("shop", "log"):
            rise(WAIT.name, source, 1, db=db)
            rise(XACT.name, source, 9, db=db)
            rise(COUNT.name, source, 50, db=db)
            if (source, db) == ("b", "shop"):
                _freeze(memory.data[COUNT.name, (("db", db), ("source", source))], 1190, 1230)
            if source == "a":
                rise(ASSIGNED.name, source, 40, db=db)
            for user in ("app", "job"):
                wander(WAITING.name, source, 0, 5, db=db, user=user)
                wander(
                    SESSION.name, source, int(source == "a" and db == "log"), 1 if db == "log" else 0, db=db, user=user
                )
                wander(LONGEST.name, source, 0, 3, db=db, user=user)
            for table in ("orders", "users", "tiny"):
                rise(SEEKS.name, source, 30, db=db, table=table)
                rise(SCANS.name, source, 8, db=db, table=table)
                wander(SIZE.name, source, 10, 900 if table == "tiny" else 3000, db=db, table=table)
                wander(ROWS.name, source, 1, 49 if table == "tiny" else 90, db=db, table=table)
                wander(DEAD.name, source, 0, 50, db=db, table=table)
                wander(LIVE.name, source, 100, 500, db=db, table=table)
        for route in ("/list", "/item"):
            for code in ("200", "404", "503"):
                rise(REQUESTS.name, source, 60 if code == "200" else 3, route=route, code=code)
            for cache in ("HIT", "MISS"):
                _histogram(memory, rng, source, route=route, cache=cache)
    return memory


def _freeze(values: dict[float, float], start: float, end: float) -> None:
    """Nothing moves for a while: what the stall guards wait for."""
    values.update({at: values[start] for at in values if start <= at <= end})


def _histogram(memory: Memory, rng: random.Random, source: str, **labels: str) -> None:
    edges = ["0.01", "0.05", "0.1", "0.2", "+Inf"]
    total = [0.0] * len(edges)
    series: list[dict[float, float]] = [{} for _ in edges]
    for at in range(0, 1801, 10):
        for i in range(len(edges)):
            series[i][float(at)] = total[i]
        for _ in range(rng.randint(0, 9)):
            first = rng.choices(range(len(edges)), [6, 5, 4, 2, 1])[0]
            total = [value + (i >= first) for i, value in enumerate(total)]
    for le, values in zip(edges, series, strict=True):
        memory.add("latency_seconds_bucket", source, values, le=le, **labels)
    memory.add("latency_seconds_count", source, series[-1], **labels)


class Engine:
    """One data set in the real engine, kept apart from all others by a label of its own."""

    def __init__(self, url: str, memory: Memory, shuffle: bool = False) -> None:
        self.url, self.run = url, uuid.uuid4().hex
        lines = list(memory.lines(AT0))
        if shuffle:
            random.Random(1).shuffle(lines)
        body = "\n".join(lines)
        requests.post(
            f"{url}/api/v1/import/prometheus?extra_label=run={self.run}", data=body, timeout=30
        ).raise_for_status()
        requests.get(f"{url}/internal/force_flush", timeout=30).raise_for_status()

    def ask(self, form: AnyForm, at: float, window: float = WINDOW) -> dict[Subject, float]:
        """The form's PromQL at one time, by subject."""
        query: dict[str, str | float] = {
            "query": promql(form, window),
            "time": AT0 + at,
            "extra_label": f"run={self.run}",
            "nocache": "1",
        }
        reply = requests.get(f"{self.url}/api/v1/query", params=query, timeout=30).json()
        assert reply["status"] == "success", reply
        found = {}
        for row in reply["data"]["result"]:
            labels = tuple((name, row["metric"].get(name, "")) for name in form.by)
            found[Subject(row["metric"]["source"], labels)] = float(row["value"][1])
        return {subject: value for subject, value in found.items() if not np.isnan(value)}


@pytest.fixture(scope="module")
def url(victoriametrics: VictoriaMetrics) -> str:
    """Where the engine answers."""
    return f"http://{victoriametrics.host}:{victoriametrics.port}"


def ours(form: AnyForm, memory: Memory, at: float, window: float = WINDOW) -> dict[Subject, float]:
    """`evaluate` at one time, by subject, unknowns left out."""
    lines = evaluate(form, memory, np.array([at]), window)
    return {line.subject: float(line.values[-1]) for line in lines if not np.isnan(line.values[-1])}


def agree(form: AnyForm, engine: Engine, memory: Memory, at: float) -> None:
    """Same subjects, same numbers."""
    mine, theirs = ours(form, memory, at), engine.ask(form, at)
    assert mine, f"{form.name} has no value at {at}"
    assert mine.keys() == theirs.keys(), form.name
    for subject, value in mine.items():
        assert value == pytest.approx(theirs[subject], rel=1e-9, abs=1e-12), (form.name, str(subject), at)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_equal_on_aligned_data(form: AnyForm, url: str) -> None:
    """On, between and far from the samples' own times."""
    memory = plain()
    engine = Engine(url, memory)
    for at in (600.0, 905.0, 1230.0, 1800.0):
        agree(form, engine, memory, at)


def test_the_data_makes_every_guard_bite() -> None:
    """The comparison above covers stalled and session-mode pools: they are in its data."""
    pool, acquisition = FORMS[1], FORMS[2]
    stalled = Subject("b", (("db", "shop"),))
    assert ours(pool, plain(), 1230)[stalled] == 0
    assert ours(acquisition, plain(), 1230)[stalled] in (1, 2, 3)
    assert Subject("a", (("db", "log"),)) not in ours(acquisition, plain(), 1230)


def test_equal_when_samples_come_late(url: str) -> None:
    """The order of arrival changes nothing."""
    memory = plain(8)
    engine = Engine(url, memory, shuffle=True)
    for form in FORMS:
        agree(form, engine, memory, 1200)


def test_equal_beside_churn(url: str) -> None:
    """A table that went and one that came, once both lie behind the window's first sample and the engine's memory."""
    memory = plain(9)
    for metric in (SEEKS, SCANS, SIZE, ROWS, DEAD, LIVE):
        for source in ("a", "b"):
            memory.add(metric.name, source, {float(t): 5000.0 + t for t in range(0, 500, 10)}, db="shop", table="went")
            memory.add(
                metric.name, source, {float(t): 5000.0 + t for t in range(700, 1801, 10)}, db="shop", table="came"
            )
    engine = Engine(url, memory)
    for form in FORMS:
        agree(form, engine, memory, 1200)


def test_a_dropped_table_leaves_a_sum_at_once_where_promql_lets_it_linger(url: str) -> None:
    """Stated difference: evaluate counts what the newest reading has; an engine waits for its staleness."""
    memory = plain(9)
    for metric in (DEAD, LIVE):
        memory.add(metric.name, "a", {float(t): 1e6 for t in range(0, 600, 10)}, db="shop", table="went")
    form = next(form for form in FORMS if form.name == "dead_rows")
    subject = Subject("a", (("db", "shop"),))
    engine = Engine(url, memory)
    assert engine.ask(form, 605)[subject] == pytest.approx(0.5, rel=0.01)
    assert ours(form, memory, 605)[subject] == pytest.approx(ours(form, plain(9), 605)[subject])


def test_equal_across_a_gap_that_the_window_contains(url: str) -> None:
    """Counters rise through a gap in polling, and both sides see it."""
    memory = plain(10).without(700, 760)
    engine = Engine(url, memory)
    for form in FORMS:
        agree(form, engine, memory, 900)


def test_a_window_that_begins_in_a_gap_counts_from_the_last_sample_before_it(url: str) -> None:
    """Stated difference: the engine forgets a baseline that is older than its scrape interval suggests."""
    memory = plain(10).without(700, 790)
    rate = Rate(name="hits_rate", of=[HITS], title="T", help="H.")
    engine = Engine(url, memory)
    at, start = 1050.0, 700.0
    values = memory.data[HITS.name, (("source", "a"),)]
    mine = evaluate(rate, memory, np.array([at]), WINDOW)[0]
    assert mine.part[-1] == values[at] - values[start]
    assert mine.start[-1] == at - WINDOW
    theirs = engine.ask(rate, at)[Subject("a")]
    assert theirs == pytest.approx((values[at] - values[800]) / (at - 800))


def test_a_reset_drops_one_interval_where_promql_counts_from_zero(url: str) -> None:
    """Stated difference, to the digit: the engine adds the first value after the reset, per series."""
    memory, cut = plain(11), 900.0
    for (metric, labels), values in memory.data.items():
        if metric.endswith("_total") and dict(labels)["source"] == "b":
            base = values[cut] - 3
            values.update({at: value - base for at, value in values.items() if at > cut})
    form = next(form for form in FORMS if form.name == "hit_rate")
    engine = Engine(url, memory)
    agree(form, engine, memory, 890)
    agree(form, engine, memory, 1300)
    hits, misses = (memory.data[m.name, (("source", "b"),)] for m in (HITS, MISSES))

    def risen(values: dict[float, float], renewed: bool) -> float:
        across = values[910] if renewed else 0.0
        return values[cut] - values[700] + across + values[1000] - values[910]

    for renewed, found in ((False, ours(form, memory, 1000)), (True, engine.ask(form, 1000))):
        part, whole = risen(hits, renewed), risen(hits, renewed) + risen(misses, renewed)
        assert found[Subject("b")] == pytest.approx(part / whole, rel=1e-12)
    assert ours(form, memory, 1000)[Subject("a")] == pytest.approx(engine.ask(form, 1000)[Subject("a")])


def test_an_epoch_that_changes_hides_the_interval_even_when_nothing_fell() -> None:
    """A reset that counters outran is known by the epoch alone; PromQL cannot see it."""
    memory = Memory()
    memory.add(HITS.name, "a", {0: 100, 10: 110, 20: 500, 30: 510})
    memory.add(MISSES.name, "a", {0: 100, 10: 110, 20: 900, 30: 910})
    memory.add(EPOCH.name, "a", {0: 1, 10: 1, 20: 2, 30: 2}, epoch="run")
    line = evaluate(FORMS[0], memory, np.array([30.0]), 30)[0]
    assert (line.part[-1], line.whole[-1], line.values[-1]) == (20, 40, 0.5)


def test_first_samples_count_from_the_first_one() -> None:
    """With less history than the window, the value speaks of less time and says so."""
    memory = Memory()
    memory.add(HITS.name, "a", {0: 1000, 10: 1030, 40: 1090})
    memory.add(MISSES.name, "a", {0: 50, 10: 55, 40: 60})
    line = evaluate(FORMS[0], memory, np.array([40.0]), 300)[0]
    assert (line.part[-1], line.whole[-1], line.start[-1]) == (90, 100, 0)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("last_at", lambda times, ends: np.searchsorted(times, ends, side="left").astype(np.int64) - 1),
        ("last_at", lambda times, ends: np.searchsorted(times, ends, side="right").astype(np.int64)),
    ],
    ids=["baseline before the start", "baseline inside the window"],
)
def test_a_deliberate_error_is_seen(
    name: str, broken: Callable[..., NDArray[np.int64]], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison can fail: with a wrong baseline it does."""
    memory = plain(12)
    engine = Engine(url, memory)
    agree(FORMS[0], engine, memory, 1200)
    monkeypatch.setattr(increase, name, lambda times, ends: np.minimum(broken(times, ends), len(times) - 1))
    with pytest.raises(AssertionError):
        agree(FORMS[0], engine, memory, 1200)


def test_promql_never_mixes_sources() -> None:
    """Every aggregation keeps the source."""
    for form in FORMS:
        text = promql(form, WINDOW)
        assert "sum by (source" in text or "max by (source" in text
        assert "sum(" not in text.replace("sum (", "sum(")
