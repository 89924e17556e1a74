"""The same numbers from the embedded store, VictoriaMetrics and Prometheus: every form, every page.

The data has two sources of each kind, resets that some counters outrun, gaps, tables that come and go, and two tiers.
"""

import csv
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
import requests

import collectors
from metrics.catalog import discover
from metrics.evaluate import Line, evaluate
from metrics.forms import AnyForm
from metrics.model import SOURCE, Op, Sample, Selector, labelled
from metrics.points import Points
from metrics.poll import Poll, Tier
from metrics.watch import EPOCH
from stack.native.prometheus import Prometheus
from stack.native.victoriametrics import VictoriaMetrics
from storage.remote.entry import TURNS
from storage.remote.instead import RemoteStore
from storage.remote.thin import thinned
from storage.series import SeriesStore
from storage.store import Fold, Reader, Store
from tests.dashboards.feed import SOURCES, Feed
from tests.metrics.test_differential import FORMS, plain
from tests.storage.remotes import remote, soon
from webapp.app import create_app

# One worker fills the engines, once.
pytestmark = pytest.mark.xdist_group("differential")

START = 1_790_000_400.0
LENGTH = 1800.0
NOW = START + LENGTH
CATALOG = discover(collectors)
WATCHED = [*SOURCES, *(replace(watched, name=f"{watched.name}2") for watched in SOURCES)]
ALL: list[AnyForm] = [*FORMS, *CATALOG.forms.values()]  # type: ignore[list-item]
MATCHED = {
    term.metric.name: {matcher.label: matcher.value for matcher in term.matchers if matcher.op is Op.EQ}
    for form in ALL
    for term in form.inputs()
}
"""By metric, labels that a form asks for."""


def platform() -> Iterator[Poll]:
    """Two of everything that the catalog speaks of; the second starts anew at 1200 s and was away before that."""
    for feed, suffix, pause in ((Feed(), "", (700, 760)), (Feed(), "2", (1000, 1190))):
        for at in range(0, int(LENGTH) + 1, 10):
            if suffix and at == 1200:
                feed.totals = {key: value * 0.01 for key, value in feed.totals.items() if "hits" not in key[0]}
            for poll in feed.polls(START + at, 10.0):
                epochs = {name: float(bool(suffix) and at >= 1200) for name in poll.epochs}
                samples = [sample for sample in poll.samples if not _gone(sample, at)]
                samples += _rest(poll.source, {sample.metric for sample in samples}, at)
                if not pause[0] < at < pause[1]:
                    yield replace(poll, source=poll.source + suffix, samples=samples, epochs=epochs)


def _rest(source: str, fed: set[str], at: int) -> Iterator[Sample]:
    """What the catalog declares and the feed leaves out."""
    kind = next(watched.kind for watched in SOURCES if watched.name == source)
    for i, (name, metric) in enumerate(sorted(CATALOG.metrics.items())):
        if CATALOG.layers[name] != kind or name in fed or f"{name}_count" in fed:
            continue
        labels = {**dict.fromkeys(metric.labels, "x"), **MATCHED.get(name, {})}
        if "database" in labels:
            labels["database"] = "platform"
        if metric.kind == "histogram":
            for bound, share in (("0.01", 0.4), ("0.1", 0.9), ("+Inf", 1.0)):
                yield Sample(f"{name}_bucket", labelled({**labels, "le": bound}), at * (i + 1) * share)
            yield Sample(f"{name}_sum", labelled(labels), at * (i + 1) / 30)
            yield Sample(f"{name}_count", labelled(labels), float(at * (i + 1)))
        else:
            value = at * (i + 1) / 7 if metric.kind == "counter" else (at * (i + 3)) % 17 / 4
            yield Sample(name, labelled(labels), value)


def _gone(sample: Sample, at: float) -> bool:
    """A table that is dropped, and one that is made.

    At a step's end: the embedded store thins polls and not series, so what it keeps of a series' first and last step
    is another choice than the last sample of each.
    """
    table = dict(sample.labels).get("table")
    return (table == "sessions" and at > 800) or (table == "users" and at < 600)


def shapes() -> Iterator[Poll]:
    """What FORMS speak of, with a reset, a gap and churn; the second source's samples come in the slow tier."""
    memory = plain(5).without(700, 760)
    rows: dict[tuple[str, float], list[Sample]] = defaultdict(list)
    for (metric, labels), values in memory.data.items():
        named = dict(labels)
        source = named.pop(SOURCE)
        for at, value in values.items():
            fallen = source == "b" and at > 1000 and metric.endswith(("_total", "_bucket", "_count"))
            # Some counters pass their old value at once: only the others, and the epoch, tell.
            drop = 0.0 if "miss" in metric else values[1000.0] - 3
            if named.get("table") != "users" or not 800 < at < 1200:
                rows[source, at].append(Sample(metric, labelled(named), value - drop if fallen else value))
    for (source, at), samples in rows.items():
        tier = Tier.MEDIUM if source == "b" else Tier.FAST
        epochs = {"run": float(source == "b" and at > 1000)}
        yield Poll(source=source, tier=tier, at=START + at, duration=0.1, up=True, samples=samples, epochs=epochs)


@dataclass
class Stores:
    """The same polls in three stores."""

    embedded: Store
    victoriametrics: Store
    prometheus: Store

    def __iter__(self) -> Iterator[tuple[str, Store]]:
        yield "victoriametrics", self.victoriametrics
        yield "prometheus", self.prometheus


@pytest.fixture(scope="module")
def stores(
    tmp_path_factory: pytest.TempPathFactory, victoriametrics: VictoriaMetrics, prometheus: Prometheus
) -> Iterator[Stores]:
    """Filled once; tests only read."""
    with ExitStack() as stack:
        made: list[Store] = [SeriesStore(tmp_path_factory.mktemp("embedded"))]
        for server in (victoriametrics, prometheus):
            folder = tmp_path_factory.mktemp("remote")
            settings = remote(server.url, mode="instead", labels={"run": "differential"})
            made.append(RemoteStore(settings, folder, SeriesStore(folder), print, clock=lambda: NOW))
        for store in made:
            stack.enter_context(closing(store))
        _fill(made)
        requests.get(f"{victoriametrics.url}/internal/force_flush", timeout=30).raise_for_status()
        last = Selector("trivet_source_up")
        soon(lambda: all(len(store.raw(last, NOW - 5, NOW)) == len(WATCHED) for store in made), 30)
        yield Stores(*made)


def _fill(stores: Sequence[Store]) -> None:
    """All polls, those of one time at once, as a collector with many sources would."""
    polls = sorted([*platform(), *shapes()], key=lambda poll: poll.at)
    with ThreadPoolExecutor(16) as pool:
        for _, group in groupby(polls, key=lambda poll: poll.at):
            together = list(group)
            for store in stores:
                deque(pool.map(store.append, together), maxlen=0)


@dataclass
class At:
    """Reads of a store with a step, as Survey makes them."""

    store: Reader
    step: float

    def __call__(self, selector: Selector, start: float, end: float) -> list[Points]:
        return list(self.store.raw(selector, start, end, self.step))


@pytest.mark.parametrize(("step", "window"), [(0.0, 300.0), (40.0, 320.0)])
@pytest.mark.parametrize("form", ALL, ids=lambda form: form.name)
def test_every_form_gives_the_same_numbers(form: AnyForm, stores: Stores, step: float, window: float) -> None:
    """From all values, and from thinned ones where windows begin and end with a step."""
    ends = START + np.arange(200.0, LENGTH + 1, 200.0)
    mine = evaluate(form, At(stores.embedded, step), ends, window)
    assert any(not np.isnan(line.values).all() for line in mine), f"{form.name} is never known"
    for name, store in stores:
        theirs = evaluate(form, At(store, step), ends, window)
        assert [line.subject for line in mine] == [line.subject for line in theirs], name
        for left, right in zip(mine, theirs, strict=True):
            _same(left, right, f"{name} {left.subject}", coarse=step > 0)


def _same(left: Line, right: Line, where: str, coarse: bool) -> None:
    """Thinned, a subject's pace is that of the values that were kept, which stores may choose: unknown is no number."""
    known = left.fresh & right.fresh if coarse else np.ones(len(left.fresh), dtype=np.bool_)
    for part in ("values", "part", "whole", "volume", "start", "seen"):
        mine, theirs = getattr(left, part)[known], getattr(right, part)[known]
        np.testing.assert_allclose(theirs, mine, rtol=1e-9, atol=1e-9, err_msg=f"{where} {part}")
    for flag in ("fresh", "clamped", "guard"):
        mine, theirs = getattr(left, flag)[known], getattr(right, flag)[known]
        np.testing.assert_array_equal(theirs, mine, err_msg=f"{where} {flag}")


PATHS = ("/overview/targets.csv", "/redis.csv", "/postgres.csv", "/api.csv", "/pgbouncer/targets.csv")


@pytest.mark.parametrize("length", ["15m", "1h", "24h"])
def test_pages_show_the_same_scorecard_and_charts(stores: Stores, length: str) -> None:
    """Through the web application: byte for byte, and with VictoriaMetrics, which rounds, to the ninth digit."""
    shown = {}
    for name, store in [("embedded", stores.embedded), *stores]:
        app = create_app(store=store, catalog=CATALOG, sources=WATCHED, clock=lambda: NOW, version="0")
        client = app.test_client()
        answers = {path: client.get(f"{path}?range={length}") for path in (*PATHS, "/status", "/healthz", "/metrics")}
        assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
        shown[name] = {path: answers[path].get_data(as_text=True) for path in PATHS}
    if length != "24h":
        assert shown["prometheus"] == shown["embedded"]
    for path in PATHS:
        _alike(shown["embedded"][path], shown["victoriametrics"][path])
        _alike(shown["embedded"][path], shown["prometheus"][path])


def _alike(left: str, right: str) -> None:
    """Same rows, whatever the order of two that are equally bad; ten digits are shown, so the last may differ."""
    for mine, theirs in zip(*(sorted(csv.reader(text.splitlines())) for text in (left, right)), strict=True):
        assert len(mine) == len(theirs)
        for one, other in zip(mine, theirs, strict=True):
            assert one == other or float(one) == pytest.approx(float(other), rel=2e-9, abs=1e-9), (mine, theirs)


def test_latest_series_labels_and_health(stores: Stores) -> None:
    """What pages and /metrics list; our own marks are not in it."""
    for name, store in stores:
        assert store.series() == stores.embedded.series(), name
        assert store.labels("pg_table_rows") == stores.embedded.labels("pg_table_rows")
        mine, theirs = sorted(stores.embedded.latest()), store.latest()
        assert [row[:3] for row in mine] == [row[:3] for row in theirs], name
        np.testing.assert_allclose([row[3] for row in theirs], [row[3] for row in mine], rtol=1e-9)
        health, own = store.health(), stores.embedded.health()
        assert (health.newest, health.polls, health.problem) == (own.newest, own.polls, "")


@pytest.mark.parametrize("step", [20.0, 40.0, 100 / 3, 131 / 6, 700.0])
def test_a_grid_gives_what_thinning_all_values_gives(stores: Stores, step: float) -> None:
    """Steps that engines do not know are put together of several grids; resets keep both sides."""
    for metric in ("redis_keyspace_misses_total", "pg_table_rows", "xact_total"):
        end = NOW - 17.0
        for _, store in stores:
            marks = store.raw(Selector(TURNS), START + 333, end)
            turns = {points.source: points.times.tolist() for points in marks}
            assert turns["main2"] == turns["cache2"] == [START + 1200]
            whole, thin = (store.raw(Selector(metric), START + 333, end, by) for by in (0.0, step))
            assert thin
            for all_of_it, found in zip(whole, thin, strict=True):
                want = thinned(all_of_it, START + 333, step, 0.0, turns.get(found.source, ()))
                np.testing.assert_array_equal(found.times, want.times, err_msg=f"{metric} {found.labels}")
                np.testing.assert_array_equal(found.values, want.values)


@pytest.mark.parametrize("fold", list(Fold))
def test_windows(stores: Stores, fold: Fold) -> None:
    """Each fold of a counter with a reset and of a gauge with a gap, from raw values and by the engine."""
    metrics = ["redis_keyspace_misses_total", "pg_connections"]
    for metric in metrics[: 1 if fold in (Fold.INCREASE, Fold.RATE) else 2]:
        for step, n in ((60.0, 30), (7200.0, 24)):
            t0 = NOW - step * (n - 1) if step == 7200 else START + 300
            mine = stores.embedded.window(Selector(metric), t0, step, n, fold)
            for name, store in stores:
                theirs = store.window(Selector(metric), t0, step, n, fold)
                assert [grid.labels for grid in mine] == [grid.labels for grid in theirs], name
                for left, right in zip(mine, theirs, strict=True):
                    np.testing.assert_allclose(
                        right.values, left.values, rtol=1e-9, err_msg=f"{name} {metric} {step} {left.labels}"
                    )


def test_an_epoch_is_a_series_like_any_other(stores: Stores) -> None:
    """Restarts are known there as well."""
    for _, store in [("embedded", stores.embedded), *stores]:
        found = store.raw(Selector(EPOCH.name), START, NOW)
        assert {points.source for points in found if points.values[-1] == 1} >= {"b", "cache2", "main2"}


def test_nothing_is_known_of_an_empty_engine(tmp_path: Path, prometheus: Prometheus) -> None:
    """Before the first sample everything is empty and nothing fails."""
    settings = remote(prometheus.url, mode="instead", labels={"run": "none"})
    with closing(RemoteStore(settings, tmp_path, SeriesStore(tmp_path), print)) as store:
        assert not store.latest()
        assert not store.series()
        assert not store.raw(Selector("x"), NOW - 86400, NOW, 40.0)
        assert store.window(Selector("x"), NOW, 10, 3, Fold.AVG) == []
        assert store.health().newest is None
