"""What happens to a PgBouncer, as events and records of its polls."""

import json
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.pgbouncer.collector import PgBouncerCollector
from collectors.pgbouncer.settings import DIFFERENCES
from collectors.pgbouncer.source import PgBouncerSource
from metrics.poll import EventKind, Poll, Tier
from tests.collectors.cutting import between
from tests.collectors.memory import poll, value, values
from tests.collectors.test_pgbouncer import NARROW, command, load, source, waiting
from tests.servers import APP, STATS, PgBouncerServer, PostgresServer, Servers

HUSH = "hush-canary"


@pytest.fixture(params=["1.18", "1.24"])
def server(request: pytest.FixtureRequest, own_servers: Servers, postgres: PostgresServer) -> PgBouncerServer:
    config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction")
    return own_servers.pgbouncer(postgres, config, release=request.param)


@pytest.fixture
def collector(server: PgBouncerServer) -> Iterator[PgBouncerCollector]:
    with closing(PgBouncerCollector(source(server))) as made:
        yield made


def texts(found: Poll) -> list[str]:
    assert found.error is None
    return [f"{event.kind}: {event.text}" for event in found.events]


def newest(collector: PgBouncerCollector) -> Poll:
    poll(collector)
    return poll(collector, Tier.MEDIUM)


def test_a_restart_is_an_event_and_a_new_epoch_and_a_lost_connection_is_neither(
    server: PgBouncerServer, collector: PgBouncerCollector
) -> None:
    first = [poll(collector) for _ in range(5)][-1]
    collector.close()
    again = poll(collector)
    assert again.events == []
    assert again.epochs == first.epochs
    server.stop()
    server.start()
    restarted = poll(collector)
    assert [event.kind for event in restarted.events] == [EventKind.RESTART]
    assert restarted.epochs != first.epochs
    after = poll(collector)
    assert after.events == []
    assert after.epochs == restarted.epochs


def test_a_counter_that_falls_because_a_database_is_killed_is_no_restart(
    server: PgBouncerServer, collector: PgBouncerCollector
) -> None:
    load(server, clients=2, times=2)
    poll(collector)
    command(server, "KILL postgres")
    command(server, "RESUME postgres")
    assert poll(collector).events == []


def test_reload_tells_what_changed(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    load(server, clients=1, times=1)
    assert texts(newest(collector)) == []
    assert texts(newest(collector)) == []
    server.config = server.config.replace("default_pool_size = 2", "default_pool_size = 7") + (
        f"auth_query = select usename, passwd from hidden('{HUSH}', $1)\nquery_wait_timeout = 30\n"
    )
    server.reload()
    time.sleep(0.3)
    found = newest(collector)
    assert texts(found)[0] == "config: database postgres, pool_size: 2 → 7"
    auth_query, *others = texts(found)[1:]
    assert auth_query.startswith("config: auth_query: ")
    assert others == ["config: default_pool_size: 2 → 7", "config: query_wait_timeout: 120 → 30"]
    assert HUSH not in str(found)
    told = {record.key: record.body for record in found.records if record.kind == DIFFERENCES}
    assert json.loads(told["default_pool_size"]) == {"value": "7", "default": "20"}
    assert value(found, "pgbouncer_config_query_wait_timeout_seconds") == 30
    assert texts(newest(collector)) == []


def test_what_appears_and_what_goes_is_told_as_empty(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    newest(collector)
    line = "ignore_startup_parameters = extra_float_digits"
    server.config += f"{line}\n"
    server.reload()
    time.sleep(0.3)
    assert texts(newest(collector)) == ["config: ignore_startup_parameters: (empty) → extra_float_digits"]
    server.config = server.config.replace(line, "")
    server.reload()
    time.sleep(0.3)
    assert texts(newest(collector)) == ["config: ignore_startup_parameters: extra_float_digits → (empty)"]


def test_what_a_cut_poll_had_seen_is_told_by_the_next(server: PgBouncerServer) -> None:
    # By its name: one that is made by * goes by itself when it is paused.
    server.config = server.config.replace("* = ", "postgres = ")
    server.reload()
    time.sleep(0.3)
    with between(server.port) as gate:
        made = PgBouncerSource(name="pooler", port=gate.port, user=STATS.name, password=STATS.password)
        with closing(PgBouncerCollector(made)) as collector:
            newest(collector)
            server.config = server.config.replace("default_pool_size = 2", "default_pool_size = 3")
            server.reload()
            time.sleep(0.3)
            command(server, "PAUSE postgres")
            gate.word = b"SHOW SERVERS"
            cut = poll(collector, Tier.MEDIUM, within=1.0)
            assert (cut.up, cut.events, gate.held) == (False, (), 1)
            gate.word = b""
            found = newest(collector)
    assert texts(found) == [
        "config: database postgres paused",
        "config: database postgres, pool_size: 2 → 3",
        "config: default_pool_size: 2 → 3",
    ]
    assert "default_pool_size" in {record.key for record in found.records if record.kind == DIFFERENCES}


def test_only_real_differences_from_the_defaults_are_told(collector: PgBouncerCollector) -> None:
    found = newest(collector)
    told = {record.key: json.loads(record.body) for record in found.records if record.kind == DIFFERENCES}
    assert told["pool_mode"] == {"value": "transaction", "default": "session"}
    # 511 is 0777, and the places of files have no default.
    assert not {"unix_socket_mode", "conffile", "auth_file", "max_db_connections"} & told.keys()
    assert value(found, "pgbouncer_settings_differing") == len(told)
    assert [record for record in newest(collector).records if record.kind == DIFFERENCES] == []


def test_a_paused_and_a_disabled_database_are_events_and_gauges(
    server: PgBouncerServer, collector: PgBouncerCollector
) -> None:
    load(server, clients=1, times=1)
    newest(collector)
    for words, text, metric, level in (
        ("PAUSE postgres", "paused", "paused", 1),
        ("RESUME postgres", "resumed", "paused", 0),
        ("DISABLE postgres", "disabled", "disabled", 1),
        ("ENABLE postgres", "enabled", "disabled", 0),
    ):
        command(server, words)
        found = newest(collector)
        assert texts(found) == [f"config: database postgres {text}"]
        assert value(found, f"pgbouncer_databases_{metric}", database="postgres") == level


def test_a_pause_of_all_is_an_event_where_the_version_tells(
    server: PgBouncerServer, collector: PgBouncerCollector
) -> None:
    newest(collector)
    command(server, "PAUSE")
    paused = newest(collector)
    command(server, "RESUME")
    resumed = newest(collector)
    if collector.version >= (1, 19):
        assert texts(paused) == ["config: PgBouncer was paused"]
        assert value(paused, "pgbouncer_state", state="paused") == 1
        assert texts(resumed) == ["config: PgBouncer was resumed"]
    else:
        assert texts(paused) == texts(resumed) == []


def test_who_waits_is_told_by_application(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    load(server, clients=1, times=1)
    command(server, "PAUSE")
    with waiting(server):
        time.sleep(0.2)
        found = newest(collector)
        command(server, "RESUME")
    who = {"database": "postgres", "user": APP.name, "application": ""}
    assert value(found, "pgbouncer_clients_connections", **who, state="waiting") == 1
    assert 0.2 <= value(found, "pgbouncer_clients_longest_wait_seconds", **who) < 10


def test_connections_that_were_opened_are_counted(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    load(server, clients=1, times=1)
    assert value(newest(collector), "pgbouncer_servers_opened_total", database="postgres") == 0
    command(server, "RECONNECT postgres")
    time.sleep(0.5)
    load(server, clients=1, times=1)
    assert value(newest(collector), "pgbouncer_servers_opened_total", database="postgres") == 1
    assert value(newest(collector), "pgbouncer_servers_opened_total", database="postgres") == 1


def test_two_sources_are_two(own_servers: Servers, postgres: PostgresServer) -> None:
    """Two poolers side by side, as one for each core: each has its own counters, connections and events."""
    one, other = (own_servers.pgbouncer(postgres, release=release) for release in ("1.18", "1.24"))
    load(one, clients=1, times=3)
    load(other, clients=1, times=5)
    found = []
    for name, server in (("one", one), ("other", other)):
        made = PgBouncerSource(name=name, port=server.port, user=STATS.name, password=STATS.password)
        with closing(PgBouncerCollector(made)) as collector:
            found.append(poll(collector))
    assert [each.source for each in found] == ["one", "other"]
    counted = [value(each, "pgbouncer_stats_transactions_total", database="postgres") for each in found]
    assert counted == [3, 5]


def test_processes_that_share_a_port_are_told(own_servers: Servers, postgres: PostgresServer) -> None:
    config = NARROW.format(host=postgres.host, port=postgres.port, mode="transaction") + "so_reuseport = 1\n"
    server = own_servers.pgbouncer(postgres, config)
    with closing(PgBouncerCollector(source(server))) as collector:
        lacking = collector.probe(time.monotonic() + 5).lacking
    assert [lack.what for lack in lacking] == ["so_reuseport = 1"]


def test_one_connection_with_a_name_and_nothing_changed(server: PgBouncerServer, collector: PgBouncerCollector) -> None:
    with psycopg.connect(
        server.console_dsn(), autocommit=True, prepare_threshold=None, cursor_factory=psycopg.ClientCursor
    ) as console:
        for tier in collector.tiers:
            poll(collector, tier)
        cursor = console.execute("SHOW CLIENTS")
        at = [column.name for column in cursor.description or ()].index("application_name")
        names = [row[at] for row in cursor]
        cursor = console.execute("SHOW CONFIG")
        config = {row[0]: row[1] for row in cursor}
    assert names.count("trivet") == 1
    assert config["default_pool_size"] == "2"
    assert not values(poll(collector, Tier.MEDIUM), "pgbouncer_clients_connections")
