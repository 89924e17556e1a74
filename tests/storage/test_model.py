"""The store against a model that keeps everything in a dict, whatever is appended, in whatever order, and compacted."""

import math
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.increase import falls, over
from metrics.model import Labels, Sample, Selector, labelled
from metrics.points import Column, Points
from metrics.poll import Poll, Tier
from storage.compaction import Retention
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold

HOUR = 3600.0
BEGIN = 1_700_006_400.0  # A day's first second.


@dataclass
class Model:
    """Values by series and time: what every answer has to be."""

    values: dict[tuple[str, Labels], dict[float, float]]
    polls: dict[tuple[str, float], set[tuple[str, Labels]]]

    def take(self, poll: Poll) -> None:
        """A second poll of one source and time replaces the first."""
        for key in self.polls.pop((poll.source, poll.at), set()):
            self.values[key].pop(poll.at)
        mine = set()
        for sample in poll.samples:
            key = (sample.metric, labelled({**dict(sample.labels), "source": poll.source}))
            self.values.setdefault(key, {})[poll.at] = sample.value
            mine.add(key)
        self.polls[poll.source, poll.at] = mine

    def raw(self, metric: str, start: float, end: float) -> dict[Labels, list[tuple[float, float]]]:
        """Like Store.raw."""
        found = {}
        for (name, labels), values in self.values.items():
            inside = sorted((at, value) for at, value in values.items() if start <= at <= end)
            if name == metric and inside:
                found[labels] = inside
        return found


def as_dict(series: list[Points]) -> dict[Labels, list[tuple[float, float]]]:
    """Points in the model's shape."""
    return {
        labelled(p.labels): list(zip(p.times.tolist(), p.values.tolist(), strict=True)) for p in series if len(p.times)
    }


values = st.one_of(st.integers(0, 50).map(float), st.floats(-1e6, 1e6), st.sampled_from([math.inf, -0.0, 1e300]))


@st.composite
def histories(draw: st.DrawFn) -> list[Poll]:
    """Polls of two sources over some days: mostly in order, some late, some twice, series that come and go."""
    polls = []
    at = BEGIN
    for _ in range(draw(st.integers(1, 60))):
        at += draw(st.sampled_from([1.0, 10.0, 600.0, 2 * HOUR, 9 * HOUR]))
        late = draw(st.sampled_from([0.0, 0.0, 0.0, 0.0, 5.0, 3 * HOUR, 30 * HOUR]))
        tables = draw(st.sets(st.sampled_from("abc"), max_size=3))
        samples = [Sample("rows", (("table", table),), draw(values)) for table in sorted(tables)]
        samples.append(Sample("n_total", (), draw(st.integers(0, 100).map(float))))
        source = draw(st.sampled_from(["x", "y"]))
        polls.append(
            Poll(source=source, tier=Tier.FAST, at=max(BEGIN, at - late), duration=0.0, up=True, samples=samples)
        )
    return polls


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(history=histories(), every=st.integers(1, 20), data=st.data())
def test_every_answer_is_the_models(
    tmp_path_factory: pytest.TempPathFactory, history: list[Poll], every: int, data: st.DataObject
) -> None:
    """Raw values, folds and increases, before and after compaction, from the writer and from a fresh reader."""
    folder = tmp_path_factory.mktemp("model")
    model = Model({}, {})
    with closing(SeriesStore(folder)) as store:
        for i, poll in enumerate(history):
            store.append(poll)
            model.take(poll)
            if i % every == 0:
                store.compact(poll.at + data.draw(st.sampled_from([0.0, 3 * HOUR, 60 * HOUR])))
        fresh = SeriesReader(folder)
        low = min(poll.at for poll in history)
        high = max(poll.at for poll in history)
        for reader in (store, fresh):
            for metric in ("rows", "n_total"):
                assert as_dict(reader.raw(Selector(metric), low, high)) == model.raw(metric, low, high)
                middle = (low + high) // 2
                assert as_dict(reader.raw(Selector(metric), middle, high)) == model.raw(metric, middle, high)
            check_folds(reader, model, low, high)
            check_increases(reader, model, low, high)
        fresh.close()


def check_folds(reader: SeriesReader, model: Model, low: float, high: float) -> None:
    """Least, most, mean, count and last of steps, where raw values answer."""
    step = max(10.0, min(599.0, math.ceil((high - low) / 50)))
    t0 = low + step
    n = int((high - low) // step) + 1
    for fold in (Fold.MIN, Fold.MAX, Fold.AVG, Fold.COUNT, Fold.LAST):
        for grid in reader.window(Selector("rows"), t0, step, n, fold):
            series = model.values["rows", grid.labels]
            want = [expected(series, t0 + i * step - step, t0 + i * step, fold) for i in range(n)]
            np.testing.assert_allclose(grid.values, want, rtol=1e-12)


def expected(series: dict[float, float], after: float, until: float, fold: Fold) -> float:
    """One step by hand."""
    inside = [value for at, value in sorted(series.items()) if after < at <= until]
    if fold is Fold.COUNT:
        return float(len(inside))
    if not inside:
        return math.nan
    if fold is Fold.AVG:
        return float(np.mean(inside)) if np.isfinite(inside).all() else sum(inside) / len(inside)
    if fold is Fold.LAST:
        return inside[-1]
    return min(inside) if fold is Fold.MIN else max(inside)


def check_increases(reader: SeriesReader, model: Model, low: float, high: float) -> None:
    """Thinned reads at every resolution give the same increases between multiples of the step as all values do."""
    for step in (60.0, 600.0, 3600.0):
        ends: Column = np.arange(math.ceil(low / step) * step, high + step, step)
        if len(ends) > 400:
            continue
        for points in reader.raw(Selector("n_total"), low, high, step):
            found = over(points, ends[:1].repeat(len(ends)) - step, ends, falls([points], ()).get((), ()))
            series = model.values["n_total", labelled(points.labels)]
            whole = Points(points.labels, np.array(sorted(series)), np.array([series[at] for at in sorted(series)]))
            want = over(whole, ends[:1].repeat(len(ends)) - step, ends, falls([whole], ()).get((), ()))
            np.testing.assert_allclose(np.nan_to_num(found.increase), np.nan_to_num(want.increase))


def day_of_polls(store: SeriesStore, days: int, every: float = 60.0) -> Points:
    """Some days of one counter with a reset and one gauge, compacted as a collector does."""
    rng = np.random.default_rng(3)
    at, count, all_at, all_counts = BEGIN, 0.0, [], []
    while at < BEGIN + days * 24 * HOUR:
        at += every
        count = 0.0 if rng.random() < 0.0005 else count + float(rng.integers(0, 9))
        gauge = float(rng.integers(0, 100))
        samples = [Sample("n_total", (), count), Sample("g", (), gauge)]
        store.append(Poll(source="x", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples))
        all_at.append(at)
        all_counts.append(count)
    store.compact(at + 24 * HOUR)
    return Points({"source": "x"}, np.array(all_at), np.array(all_counts))


def test_rollups_answer_when_raw_values_are_gone(tmp_path: Path) -> None:
    """Increases stay the same to the digit; least, most, mean and count of an hour too."""
    with closing(SeriesStore(tmp_path)) as store:
        whole = day_of_polls(store, 3)
        end = float(whole.times[-1])
        ends: Column = np.arange(BEGIN + HOUR, end + 1, HOUR)
        before = {fold: store.window(Selector("g"), ends[0], HOUR, len(ends), fold)[0].values for fold in Fold}
        store.compact(end + 24 * HOUR, Retention(raw=0))
        (left,) = store.raw(Selector("n_total"), BEGIN, end)
        assert len(left.times) < len(whole.times) / 5
        for step in (600.0, HOUR):
            (points,) = store.raw(Selector("n_total"), BEGIN, end, step)
            want = over(whole, ends - HOUR, ends, falls([whole], ()).get((), ()))
            found = over(points, ends - HOUR, ends, falls([points], ()).get((), ()))
            np.testing.assert_allclose(found.increase[1:], want.increase[1:])
        for fold in (Fold.MIN, Fold.MAX, Fold.AVG, Fold.COUNT, Fold.LAST):
            after = store.window(Selector("g"), ends[0], HOUR, len(ends), fold)[0].values
            np.testing.assert_allclose(after, before[fold], err_msg=str(fold))


def test_a_year_does_not_read_raw_values(tmp_path: Path) -> None:
    """Long ranges are answered by rollups alone."""
    with closing(SeriesStore(tmp_path)) as store:
        whole = day_of_polls(store, 2)
        touched: list[int] = []
        head = store._cold.head
        store._cold.head = lambda db, segment: touched.append(segment) or head(db, segment)  # type: ignore[method-assign,func-returns-value]
        store.window(Selector("g"), float(whole.times[-1]), 86400.0, 1, Fold.AVG)
        with store._view() as db:
            found = {
                db.execute("select res from segment where id = ?", (segment,)).fetchone()[0] for segment in touched
            }
        assert found == {3600}


def test_the_file_may_not_grow_beyond_its_limit(tmp_path: Path) -> None:
    """The oldest raw segments go first, rollups stay."""
    with closing(SeriesStore(tmp_path)) as store:
        whole = day_of_polls(store, 4)
        store.compact(float(whole.times[-1]) + 24 * HOUR, Retention(most_bytes=12_000))
        health = store.health()
        assert health.oldest is not None
        assert health.oldest > BEGIN + 24 * HOUR
        assert store.window(Selector("g"), BEGIN + 6 * HOUR, HOUR, 1, Fold.MAX)[0].values[0] > 0


def test_a_damaged_series_does_not_take_its_segment_along(tmp_path: Path) -> None:
    """A merge keeps what is good of a damaged segment, and says what is not."""
    with closing(SeriesStore(tmp_path)) as store:
        for i in range(1, 1000):
            samples = [Sample("good_total", (), i * 7.0), Sample("bad_total", (), float(i * i % 97))]
            store.append(Poll(source="x", tier=Tier.FAST, at=BEGIN + i * 10, duration=0, up=True, samples=samples))
        store.compact(BEGIN + 5 * HOUR)
        (segment, data) = store._writer.execute("select id, data from segment order by start limit 1").fetchone()
        store._writer.execute("update segment set data = ? where id = ?", (data[:-2] + b"\x00\x00", segment))
        report = store.compact(BEGIN + 60 * HOUR)
        assert len(report.damaged) == 1
        found = {
            points.labels["source"]: len(points.times)
            for points in store.raw(Selector("good_total"), BEGIN, BEGIN + 1e5)
        }
        assert found == {"x": 999}
        (bad,) = store.raw(Selector("bad_total"), BEGIN, BEGIN + 1e5)
        assert len(bad.times) == 999 - 720
