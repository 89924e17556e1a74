"""The data that the stores are compared on: its mix, its times, and that a seed is a promise."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.generator import COUNTERS, GAUGES, LATE, MIX, RESET, Data, generate, mixed

STEP = 10.0
START = 1_750_000_000.0


@pytest.fixture(scope="module")
def data() -> Data:
    return generate(1000, 720, start=START, step=STEP, seed=7)


def test_a_hundred_series_of_each_source_have_the_mix(data: Data) -> None:
    assert len(data.feeds) == 10
    assert all(Counter(series.kind for series in feed.series) == MIX for feed in data.feeds)
    assert sum(MIX.values()) == 100


@pytest.mark.parametrize("count", [20, 25, 50, 137])
def test_other_numbers_come_close_to_the_mix(count: int) -> None:
    kinds = Counter(series.kind for series in mixed(count))
    assert sum(kinds.values()) == count
    assert all(abs(kinds[kind] - share * count / 100) <= 1 for kind, share in MIX.items())


def test_names_are_not_given_twice(data: Data) -> None:
    names = [(feed.source, series.item) for feed in data.feeds for series in feed.series]
    assert len(set(names)) == len(names) == 1000


def test_the_same_seed_gives_the_same_bits_at_any_time() -> None:
    one, two = (generate(120, 300, start=start, seed=3) for start in (START, START + 86400))
    other = generate(120, 300, start=START, seed=4)
    for left, right, strange in zip(one.feeds, two.feeds, other.feeds, strict=True):
        assert left.values.tobytes() == right.values.tobytes()
        assert np.array_equal(left.times + 86_400_000, right.times)
        assert left.values.tobytes() != strange.values.tobytes()


def test_scrapes_keep_their_tick_and_a_few_are_late(data: Data) -> None:
    late = 0
    for feed in data.feeds:
        offset = feed.times - round(START * 1000) - np.arange(720) * 10_000
        assert offset.min() > 0
        assert offset.max() < 10_000
        # Never on a whole second: servers disagree on whether a window has its first moment.
        assert (feed.times % 1000 != 0).all()
        late += int((offset > offset.min() + 1).sum())
    assert late / (720 * 10) == pytest.approx(LATE, rel=0.3)


def test_counters_rise_and_some_are_reset_once(data: Data) -> None:
    falls = [int((np.diff(feed.values[row]) < 0).sum()) for feed in data.feeds for row in feed.of(*COUNTERS)]
    assert max(falls) == 1
    assert np.mean(falls) == pytest.approx(RESET, abs=0.05)


def test_each_kind_is_what_it_says(data: Data) -> None:
    feed = data.feeds[0]
    for row in feed.of("fast", "bytes", "slow", "sticky", "noisy", "constant"):
        assert np.array_equal(feed.values[row], np.rint(feed.values[row]))
    for row in feed.of("ratio", "percent"):
        assert ((feed.values[row] >= 0) & (feed.values[row] <= 1)).all()
    for row in feed.of("percent"):
        assert np.allclose(feed.values[row] * 1e4, np.rint(feed.values[row] * 1e4), atol=1e-9)
    for row in feed.of("constant"):
        assert len(set(feed.values[row])) == 1
    for row in feed.of("sticky"):
        assert (np.diff(feed.values[row]) == 0).mean() > 0.8
    assert not np.isnan(np.concatenate([feed.values.ravel() for feed in data.feeds])).any()
    assert len(feed.of(*GAUGES)) == 40


def test_the_bound_is_that_of_the_measured_mix() -> None:
    assert generate(2000, 720, start=START).bound == pytest.approx(0.96, abs=0.03)


def test_polls_come_in_the_order_of_time_with_the_values_of_their_rows(data: Data) -> None:
    polls = list(data.polls(5, 7))
    assert [poll.source for poll in polls[:10]] == [feed.source for feed in data.feeds]
    first = data.feeds[0]
    assert polls[10].at == first.times[6] / 1000
    assert [sample.value for sample in polls[10].samples] == first.values[:, 6].tolist()
    assert polls[10].samples[0].labels == (("item", "fast-00"),)
