import math

import pytest

from benchmarks.coverage import compare, page

THEIRS = """
# HELP pg_stat_xact Transactions.
# TYPE pg_stat_xact counter
pg_stat_xact{datname="a"} 10
pg_stat_xact{datname="b \\"x\\""} 4
# TYPE pg_static untyped
pg_static{version="15"} 1
# TYPE pg_activity gauge
pg_activity{state="active"} 3
go_threads 7
pg_scrape_seconds 0.1
"""
OURS = """
# TYPE pg_stat_xact gauge
pg_stat_xact{datname="a"} 11
# TYPE pg_activity gauge
pg_activity{state="active",user="app"} 2
pg_activity{state="active",user="web"} 1
# TYPE trivet_up gauge
trivet_up 1
"""


def test_what_is_missing_differs_and_is_of_another_type_is_named() -> None:
    found = compare(page(THEIRS), page(OURS), without=("pg_scrape_",))
    assert found.coverage == pytest.approx(1 / 4)
    assert set(found.missing) == {"pg_stat_xact", "pg_static", "pg_activity"}
    assert found.missing["pg_stat_xact"] == [(("datname", 'b "x"'),)]
    assert found.partly == {"pg_stat_xact"}
    assert found.differing == {("pg_stat_xact", (("datname", "a"),)): (10.0, 11.0)}
    assert found.types == {"pg_stat_xact": ("counter", "gauge")}
    for word in ("25.0%", "pg_static", "in part", "10 there, 11 here", "counter there"):
        assert word in str(found)


def test_finer_series_of_ours_are_summed_where_that_is_asked_for() -> None:
    found = compare(page(THEIRS), page(OURS), coarse=["pg_activity"])
    assert ("pg_activity", (("state", "active"),)) in found.shared
    assert ("pg_activity", (("state", "active"),)) not in found.differing


def test_closeness_is_the_callers() -> None:
    found = compare(page(THEIRS), page(OURS), close=lambda name, theirs, ours: abs(theirs - ours) <= 1)
    assert found.differing == {}


def test_nothing_covers_nothing() -> None:
    assert math.isnan(compare(page("go_threads 1\n"), page(OURS)).coverage)
    assert compare(page("x NaN\n"), page("x NaN\n")).differing == {}
