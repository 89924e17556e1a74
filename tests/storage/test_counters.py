"""A fall is a reset where the name of a series is a counter's, and nothing but a fall elsewhere."""

from contextlib import closing
from pathlib import Path

import pytest

from metrics.model import Kind, Sample
from metrics.poll import Poll, Tier
from storage.counters import Declared
from storage.plan import HOUR, RAW
from storage.series import SeriesStore

DAY = 86400.0
BUCKETS = (("wait_bucket", (("le", "1"),)), ("wait_bucket", (("le", "+Inf"),)))


def turns(folder: Path, names: list[tuple[str, tuple[tuple[str, str], ...]]], declared: Declared) -> int:
    """Of ten polls in which everything falls; the first of all is one in any case."""
    with closing(SeriesStore(folder, declared=declared)) as store:
        for i in range(10):
            samples = [Sample(name, labels, 100.0 - i) for name, labels in names]
            store.append(Poll(source="a", tier=Tier.FAST, at=10.0 * i, duration=0, up=True, samples=samples))
        found: int = store._writer.execute("select sum(turn) from hot").fetchone()[0]
    return found


@pytest.mark.parametrize(
    ("names", "declared", "counted"),
    [
        ([("table_count", ())], {}, False),
        ([("heap_sum", ()), ("other_count", ())], {}, False),
        ([("wait_count", ()), *BUCKETS], {}, True),
        ([("wait_sum", ()), ("wait", (("quantile", "0.5"),))], {}, True),
        ([("wait_sum", ()), ("wait_count", ())], {}, True),
        ([("wait_count", ())], {"wait": Kind.HISTOGRAM}, True),
        ([("wait_count", ()), ("wait_sum", ())], {"wait_count": Kind.GAUGE, "wait_sum": Kind.GAUGE}, False),
        ([("hits_total", ())], {}, True),
        ([("level", ())], {}, False),
    ],
)
def test_what_counts(
    tmp_path: Path, names: list[tuple[str, tuple[tuple[str, str], ...]]], declared: Declared, counted: bool
) -> None:
    assert turns(tmp_path, names, declared) == (10 if counted else 1)


def test_a_falling_gauge_does_not_make_its_rollups_as_large_as_raw(tmp_path: Path) -> None:
    """Every poll of a day was a turn, and every turn is kept in every rollup."""
    with closing(SeriesStore(tmp_path)) as store:
        polls = [
            Poll(source="a", tier=Tier.FAST, at=60.0 * i, duration=0, up=True, samples=[Sample("left_count", (), -i)])
            for i in range(1, 1441)
        ]
        store.append_many(polls)
        store.compact(2 * DAY)
        ticks = dict(store._writer.execute("select res, sum(ticks) from segment group by res"))
    assert ticks[RAW] == 1440
    assert ticks[HOUR] <= 26
