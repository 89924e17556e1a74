"""Every release of PgBouncer that can be had, by its real console."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from collectors.pgbouncer.collector import PgBouncerCollector
from metrics.poll import Poll, Tier
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import poll, value, values
from tests.collectors.test_pgbouncer import load, show, source
from tests.servers import APP, PgBouncerServer

SINCE = {
    (1, 19): {"pgbouncer_peers", "pgbouncer_peer_pools", "pgbouncer_state"},
    (1, 21): {
        "pgbouncer_clients_prepared_statements",
        "pgbouncer_servers_prepared_statements",
        "pgbouncer_config_max_prepared_statements",
    },
    (1, 23): {
        "pgbouncer_stats_server_assignments_total",
        "pgbouncer_databases_server_lifetime_seconds",
        "pgbouncer_users_current_connections",
        "pgbouncer_users_max_connections",
    },
    (1, 24): {
        "pgbouncer_stats_client_parses_total",
        "pgbouncer_stats_server_parses_total",
        "pgbouncer_stats_binds_total",
        "pgbouncer_databases_current_client_connections",
        "pgbouncer_databases_max_client_connections",
        "pgbouncer_users_current_client_connections",
        "pgbouncer_users_max_client_connections",
    },
    (1, 26): {"pgbouncer_stats_client_logins_total"},
}
# Of users' own pool sizes there are none here, and peers are in test_pgbouncer_peers.py.
UNSET = {
    "pgbouncer_peers_pool_size",
    "pgbouncer_peers_client_cancel_connections",
    "pgbouncer_peers_client_waiting_cancel_connections",
    "pgbouncer_peers_server_cancel_connections",
    "pgbouncer_peers_server_login_connections",
    "pgbouncer_users_pool_size",
    "pgbouncer_users_reserve_size",
}


@pytest.fixture
def collector(each_pgbouncer: PgBouncerServer) -> Iterator[PgBouncerCollector]:
    load(each_pgbouncer, clients=1, times=1)
    with closing(PgBouncerCollector(source(each_pgbouncer))) as made:
        yield made


def tiers(collector: PgBouncerCollector) -> dict[Tier, Poll]:
    return {tier: poll(collector, tier) for tier in collector.tiers}


def test_nothing_undeclared_is_emitted_and_nothing_declared_is_missing(
    collector: PgBouncerCollector, each_pgbouncer: PgBouncerServer
) -> None:
    with psycopg.connect(each_pgbouncer.dsn(), autocommit=True, prepare_threshold=None) as client:
        client.execute("SELECT 1")
        found = emitted(collector)
    later = {name for version, names in SINCE.items() if collector.version < version for name in names}
    assert not found & later
    assert declared("pgbouncer") - found == later | UNSET


def test_every_column_is_taken_or_left_for_a_reason(collector: PgBouncerCollector) -> None:
    for found in tiers(collector).values():
        assert found.partial == {}
        assert [record for record in found.records if record.kind == "unknown"] == []


def test_numbers_are_those_that_another_client_reads(
    collector: PgBouncerCollector, each_pgbouncer: PgBouncerServer
) -> None:
    found = tiers(collector)
    lists = {str(row["list"]): float(str(row["items"])) for row in show(each_pgbouncer, "LISTS")}
    assert value(found[Tier.FAST], "pgbouncer_databases") == lists["databases"]
    assert value(found[Tier.FAST], "pgbouncer_used_servers") == lists["used_servers"]
    memory = {str(row["name"]): float(str(row["memtotal"])) for row in show(each_pgbouncer, "MEM")}
    assert {labels[0][1]: size for labels, size in values(found[Tier.SLOW], "pgbouncer_memory_bytes").items()} == memory
    config = {str(row["key"]): row["value"] for row in show(each_pgbouncer, "CONFIG")}
    settings = {labels[0][1]: size for labels, size in values(found[Tier.SLOW], "pgbouncer_setting").items()}
    assert settings["server_lifetime"] == float(str(config["server_lifetime"]))
    assert "pool_mode" not in settings
    assert values(found[Tier.SLOW], "pgbouncer_version_info") == {
        (("version", str(show(each_pgbouncer, "VERSION")[0]["version"])),): 1
    }


def test_clients_are_counted_by_application_and_the_console_is_not(
    collector: PgBouncerCollector, each_pgbouncer: PgBouncerServer
) -> None:
    who = {"database": "postgres", "user": APP.name, "application": "shop"}
    with psycopg.connect(
        each_pgbouncer.dsn(), autocommit=True, prepare_threshold=None, application_name="shop"
    ) as client:
        client.execute("SELECT 1")
        found = tiers(collector)[Tier.MEDIUM]
    assert value(found, "pgbouncer_clients_connections", **who, state="active") == 1
    assert value(found, "pgbouncer_clients_longest_wait_seconds", **who) == 0
    assert value(found, "pgbouncer_clients_unencrypted_connections", database="postgres") == 1
    assert 0 <= value(found, "pgbouncer_clients_mean_age_seconds", database="postgres") < 60
    assert 0 <= value(found, "pgbouncer_servers_oldest_age_seconds", database="postgres") < 3600
    for sample in found.samples:
        assert ("database", "pgbouncer") not in sample.labels
        assert ("application", "trivet") not in sample.labels


def test_a_command_of_a_newer_version_is_not_put_to_an_older_one(collector: PgBouncerCollector) -> None:
    found = tiers(collector)
    assert bool(values(found[Tier.MEDIUM], "pgbouncer_state")) == (collector.version >= (1, 19))
    assert found[Tier.MEDIUM].partial == {}
