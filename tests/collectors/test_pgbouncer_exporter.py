"""Beside the real pgbouncer_exporter, on the same PgBouncer."""

import time
from collections.abc import Callable
from contextlib import closing

import pytest

import collectors
from benchmarks.coverage import compare, page
from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.exporter import LEFT_OUT
from metrics.alias import Found, aliased
from metrics.catalog import discover
from metrics.exposition import families, written
from metrics.watch import UP
from stack.native.exporter import Exporter
from tests.collectors.memory import poll
from tests.collectors.test_pgbouncer import load, source
from tests.servers import PostgresServer, Servers

CATALOG = discover(collectors)
# Looks at the console move these: theirs and ours at different moments.
MOVED = ("pgbouncer_stats_queries_pooled_total", "pgbouncer_stats_sql_transactions_pooled_total")
LOOKERS = ("pgbouncer_used_clients", "pgbouncer_free_clients", "pgbouncer_pools_client_active_connections")


def our_page(collector: PgBouncerCollector) -> str:
    """As /metrics/pgbouncer?source=… gives it."""
    latest: list[Found] = [(UP.name, (), 1.0)]
    for tier in collector.tiers:
        latest += [(sample.metric, sample.labels, sample.value) for sample in poll(collector, tier).samples]
    theirs = list(aliased(CATALOG.aliases["pgbouncer"], latest))
    taken = {family.name for family in theirs}
    ours = [family for family in families(CATALOG.metrics, latest) if family.name not in taken]
    return "".join(written([*ours, *theirs]))


@pytest.mark.parametrize("release", ["1.18", "1.24"])
def test_what_dashboards_for_the_exporter_show_is_on_our_page(
    release: str,
    postgres: PostgresServer,
    own_servers: Servers,
    pgbouncer_exporter: Callable[..., Exporter],
) -> None:
    server = own_servers.pgbouncer(postgres, release=release)
    load(server, clients=3, times=3)
    exporter = pgbouncer_exporter(server)
    with closing(PgBouncerCollector(source(server))) as collector:
        poll(collector)
        time.sleep(0.3)
        both = compare(page(exporter.page()), page(our_page(collector)))
    differing = {series for series in both.differing if series[0] not in LOOKERS}
    assert {name for name, _ in differing} <= {*MOVED}, str(both)
    assert all(("database", "pgbouncer") in labels for _, labels in differing), str(both)
    assert both.types == {}
    assert set(both.missing) == set(LEFT_OUT), str(both)
    assert both.coverage >= 0.98


def test_their_longest_wait_is_theirs_and_ours_is_right() -> None:
    labels = (("database", "shop"), ("user", "app"))
    found = {
        family.name: family.samples
        for family in aliased(
            CATALOG.aliases["pgbouncer"], [("pgbouncer_pools_client_longest_wait_seconds", labels, 2.75)]
        )
    }
    name = "pgbouncer_pools_client_maxwait_seconds"
    assert found == {name: [(name, labels, 2.0)]}
