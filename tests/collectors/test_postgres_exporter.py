"""Beside the real postgres_exporter, on one quiet server: its names, labels and values are on our page."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import collectors
from benchmarks.coverage import Comparison, Page, compare, page
from collectors.kinds import collector_of
from collectors.postgres.exporter import LEFT_OUT
from collectors.postgres.source import PostgresSource
from collectors.station import Station
from dashboards.watched import Watched
from metrics.catalog import discover
from metrics.target import Bounds
from stack.native.exporter import Exporter
from storage.series import SeriesStore
from tests.collectors.postgres_work import do
from tests.collectors.standby import SLOT, Standby
from tests.servers import MONITOR, PostgresServer, Servers
from webapp.app import create_app

MOVING = (
    # Each look of either moves these by some.
    "pg_stat_database_",
    "pg_stat_user_tables_",
    "pg_statio_user_tables_",
    "pg_stat_bgwriter_buffers_alloc_total",
    "pg_locks_count",
    "pg_stat_activity_",
    "pg_stat_replication_",
    "pg_replication_",
)
LITTLE = 3000
"""How much, and a fifth."""

DIFFERENT = {
    "pg_exporter_last_scrape_duration_seconds": "how long our poll took, and not theirs",
    "pg_scrape_collector_duration_seconds": "how long our poll took, and not theirs",
    "pg_stat_user_tables_size_bytes": "we take relpages and leave out free space maps: a size function opens each file",
    "pg_settings_extra_float_digits": "the exporter's driver sets it for itself",
    "pg_settings_transaction_read_only": "on a standby the server's setting, off, and not what recovery makes of it",
    "pg_stat_database_stats_reset": "0.11 says NaN for what never was",
}


@contextmanager
def beside(
    server: PostgresServer, exporter: Exporter, folder: Path, coarse: Sequence[str] = (), only: str = ""
) -> Iterator[Comparison]:
    """Theirs, of which ``only`` what begins so, then ours over a poll of each tier, the store and the web."""
    source = PostgresSource(name="db", port=server.port, user=MONITOR.name, password=MONITOR.password)
    with closing(collector_of(source)) as collector, closing(SeriesStore(folder)) as store:
        exporter.page()
        theirs = exporter.page()
        for poll in Station(collector).run(0.0):
            assert poll.error is None
            assert poll.partial == {}
            store.append(poll)
        app = create_app(
            store=store, catalog=discover(collectors), sources=[Watched("db", "postgres")], bounds=Bounds({})
        )
        ours = app.test_client().get("/metrics/postgres?source=db").text
        forget = ("server",) if coarse else ()
        found = compare(
            beginning(without_labels(page(theirs), forget), only),
            without_labels(page(ours), forget),
            close=close,
            coarse=coarse,
        )
        yield found


def without_labels(given: Page, names: Sequence[str]) -> Page:
    """0.11 has the label server on more families than 0.17, whose labels we give."""
    samples = {
        (name, tuple(pair for pair in labels if pair[0] not in names)): value
        for (name, labels), value in given.samples.items()
    }
    return Page(samples, given.types)


def beginning(given: Page, head: str) -> Page:
    return Page({series: value for series, value in given.samples.items() if series[0].startswith(head)}, given.types)


def close(name: str, theirs: float, ours: float) -> bool:
    if name.startswith("pg_settings_"):
        return theirs == pytest.approx(ours, rel=1e-6)
    if name.startswith(MOVING):
        return abs(theirs - ours) <= max(LITTLE, 0.2 * theirs)
    return theirs == pytest.approx(ours, abs=1e-6)


@contextmanager
def furnished(server: PostgresServer) -> Iterator[None]:
    with server.connect() as connection:
        do(
            connection,
            "CREATE TABLE orders (id int PRIMARY KEY, note text)",
            "INSERT INTO orders SELECT g, repeat('x', 3000) FROM generate_series(1, 500) AS g",
            "UPDATE orders SET note = 'y' WHERE id < 50",
            "SELECT note FROM orders WHERE id = 7",
            "CREATE TABLE empty (id int)",
        )
        # VACUUM leaves no dead rows for autovacuum to move between two looks.
        do(connection, "VACUUM ANALYZE orders")
        try:
            yield
        finally:
            connection.execute("DROP TABLE orders, empty")


def judge(found: Comparison) -> None:
    assert found.coverage >= 0.95, str(found)
    assert {*found.missing} <= {*LEFT_OUT}, str(found)
    assert {name for name, _ in found.differing} <= {*DIFFERENT}, str(found)
    assert found.types == {}, str(found)


@pytest.mark.parametrize("release", ["0.17", "0.11"])
def test_a_primary(
    each_postgres: PostgresServer, postgres_exporter: Callable[..., Exporter], tmp_path: Path, release: str
) -> None:
    coarse = ("pg_stat_activity_count", "pg_stat_activity_max_tx_duration") if release == "0.11" else ()
    exporter = postgres_exporter(each_postgres, release=release)
    with furnished(each_postgres), beside(each_postgres, exporter, tmp_path, coarse) as found:
        judge(found)
        names = {name for name, _ in found.shared}
    assert {"pg_up", "pg_static", "pg_settings_shared_buffers_bytes", "pg_database_size_bytes"} <= names


def test_a_primary_with_a_standby_and_the_standby(
    own_servers: Servers, postgres_exporter: Callable[..., Exporter], tmp_path: Path
) -> None:
    primary = own_servers.postgres()
    standby = Standby(primary, own_servers.folder / "standby")
    with standby, furnished(primary):
        with beside(primary, postgres_exporter(primary), tmp_path / "primary") as found:
            judge(found)
            of_standbys = {name for name, labels in found.shared if ("application_name", SLOT) in labels}
            assert len(of_standbys) == 3
            assert {name for name, labels in found.shared if ("slot_name", SLOT) in labels} >= {
                "pg_replication_slots_pg_wal_lsn_diff",
                "pg_replication_slot_slot_is_active",
                "pg_replication_slot_slot_confirmed_flush_lsn",
            }
        with beside(standby, postgres_exporter(standby), tmp_path / "standby") as found:
            judge(found)
            assert ("pg_replication_is_replica", ()) in found.shared
            assert ("pg_replication_is_replica", ()) not in found.differing
