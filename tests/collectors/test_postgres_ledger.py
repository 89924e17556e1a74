"""Entries of pg_stat_statements come, grow, are evicted and come back: sums only grow, by what was done."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.frame import Frame
from collectors.postgres.fingerprint import fingerprint, shape
from collectors.postgres.ledger import ENTRY, KEPT, Ledger
from collectors.postgres.sql import MARK

TEXTS = {
    1: "SELECT a FROM t WHERE b IN ($1)",
    2: "SELECT a FROM t WHERE b IN ($1, $2)",
    3: "SELECT a FROM t",
    4: "VACUUM t",
    5: f"SELECT {MARK} a FROM t",
}
NAMED = {1: 1, 2: 1, 3: 3}
entries = st.dictionaries(st.sampled_from(sorted(TEXTS)), st.integers(0, 20), max_size=len(TEXTS))
"""By query id the calls that were added; one that is missing was evicted."""


def _frame(calls: dict[int, int]) -> Frame:
    keys = [("shop", "app", queryid, 10, 5, None) for queryid in calls]
    return Frame(
        ENTRY, keys, ("calls",), np.array([[count] for count in calls.values()], dtype=np.float64).reshape(-1, 1)
    )


@settings(deadline=None, max_examples=300)
@given(st.lists(entries, min_size=1, max_size=10))
def test_sums_only_grow_and_by_what_was_done(looks: list[dict[int, int]]) -> None:
    ledger = Ledger(["calls"])
    calls: dict[int, int] = {}
    done = 0
    before: dict[int, float] = {}
    for number, look in enumerate(looks):
        present = {queryid: calls.get(queryid, 0) + more for queryid, more in look.items()}
        counted = {queryid: count for queryid, count in present.items() if queryid in NAMED}
        if number:
            done += sum(count - calls.get(queryid, 0) for queryid, count in counted.items())
        calls = present
        frame = _frame(present)
        ledger.judge((queryid, TEXTS[queryid]) for queryid in ledger.strangers(frame))
        found = ledger.look(frame)
        groups = {key[2]: value for key, value in zip(found.keys, found.numbers[:, 0].tolist(), strict=True)}
        assert all(groups[name] >= before[name] for name in groups.keys() & before.keys())
        assert len(groups) == len({NAMED[queryid] for queryid in counted})
        before = groups
    assert sum(total["calls"] for total in ledger.totals()) == done  # type: ignore[misc]


def test_an_entry_that_came_back_higher_is_known_by_when_it_began() -> None:
    ledger = Ledger(["calls"])
    ledger.judge([(3, TEXTS[3])])
    for since, calls in ((1.0, 10), (1.0, 12), (2.0, 15)):
        ledger.look(Frame(ENTRY, [("shop", "app", 3, 10, 5, since)], ("calls",), np.array([[calls]], dtype=np.float64)))
    assert ledger.totals() == [{"datname": "shop", "calls": 17.0}]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("SELECT 1 FROM t WHERE a IN ($1, $2)", "SELECT 1 FROM t WHERE a IN ($1, $2, $3)", True),
        ("SELECT 1 FROM t WHERE a in ($1) AND b = $2", "SELECT 1 FROM t WHERE a in ($1, $2) AND b = $3", True),
        ("SELECT 1 FROM t WHERE a IN ($1::int, $2::int)", "SELECT 1 FROM t WHERE a IN ($1::int)", True),
        ("SELECT 1 FROM t WHERE a = ANY (ARRAY[$1, $2])", "SELECT 1 FROM t WHERE a = ANY (ARRAY[$1])", True),
        ("SELECT 1 FROM t WHERE a IN ($1 /*, ... */)", "SELECT 1 FROM t WHERE a IN ($1, $2)", True),
        ("INSERT INTO t VALUES ($1, $2), ($3, $4)", "INSERT INTO t VALUES ($1, $2)", True),
        ("INSERT INTO t VALUES ($1, $2)", "INSERT INTO t VALUES ($1, $2, $3)", False),
        ("SELECT f($1)", "SELECT f($1, $2)", False),
        ("SELECT 1 FROM t WHERE a IN (SELECT b FROM u)", "SELECT 1 FROM t WHERE a IN (SELECT c FROM u)", False),
    ],
)
def test_what_is_the_same_statement(one: str, other: str, same: bool) -> None:
    assert (fingerprint(one, 1) == fingerprint(other, 2)) is same, (shape(one), shape(other))


def test_a_text_that_was_cut_stands_for_itself() -> None:
    long = "SELECT " + "a, " * 2000
    assert fingerprint(long[:4000], 1) != fingerprint(long[:4000], 2)


def test_sums_of_databases_that_are_gone_are_forgotten_after_an_hour() -> None:
    ledger = Ledger(["calls"])

    def look(*databases: str) -> set[object]:
        keys = [(name, "app", 3, 10, 5, 1.0) for name in databases]
        ledger.look(Frame(ENTRY, keys, ("calls",), np.full((len(keys), 1), 5.0)))
        return {total["datname"] for total in ledger.totals()}

    for number in range(1000):
        found = look("shop", f"ci_{number}")
    assert len(found) == KEPT + 2
    assert {"shop", "ci_999"} <= found
    for _ in range(KEPT + 1):
        found = look("shop")
    assert found == {"shop"}
