"""Values of any kind, and what every poll has to hold whatever it was given."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from metrics.model import SOURCE, Labels, labelled
from metrics.poll import Poll
from storage.series import SeriesStore

AWKWARD: Sequence[Any] = (
    None,
    True,
    0,
    -1,
    -0.0,
    2**31,
    2**63 - 1,
    2**63,
    2**64,
    -(2**70),
    10**400,
    1e-320,
    1.5,
    1e300,
    math.nan,
    math.inf,
    -math.inf,
    Decimal("1e500"),
    Decimal("nan"),
    "",
    "nan",
    "-inf",
    "1e400",
    "12.5%",
    "many",
    "\x00",
    "\ud800",
    "x" * 5000,
    b"",
    b"7",
    b"caf\xe9",
    b"caf\xe8",
    [1],
    {"a": 1},
    datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
    datetime.timedelta(days=-1),
)
"""One of each kind that was ever seen or feared."""

ANYTHING = st.one_of(
    st.sampled_from(AWKWARD),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.binary(max_size=8),
    st.text(st.characters(codec=None), max_size=8),  # surrogates too
)

Series = tuple[str, Labels]


def series(found: Poll) -> dict[Series, float]:
    """The samples of a poll, of which no two are of one series and each is a number."""
    told = {(sample.metric, sample.labels): sample.value for sample in found.samples}
    assert len(told) == len(found.samples), "a poll never holds two samples of one series"
    assert all(map(math.isfinite, told.values()))
    return told


def kept(store: SeriesStore, found: Poll, source: str) -> None:
    """Store a poll under a name of its own, and find it again."""
    store.append(replace(found, source=source))
    have = {(metric, labels): value for metric, labels, _, value in store.latest() if (SOURCE, source) in labels}
    for (metric, labels), value in series(found).items():
        assert have[metric, labelled({**dict(labels), SOURCE: source})] == value


def steady(one: Mapping[Series, float], other: Mapping[Series, float]) -> dict[Series, float]:
    """What two polls have in common."""
    return {key: value for key, value in one.items() if other.get(key) == value}
