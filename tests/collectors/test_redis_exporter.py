"""Beside the real redis_exporter, on one server: its names, labels and values are on our page."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest
from redis import Redis

import collectors
from benchmarks.coverage import Comparison, compare, page
from collectors.redis.collector import RedisCollector
from collectors.redis.exporter import LEFT_OUT
from collectors.redis.source import RedisSource
from collectors.station import Station
from metrics.alias import aliased
from metrics.catalog import discover
from metrics.exposition import families, written
from stack.native.exporter import Exporter
from stack.native.ports import free_port
from tests.servers import RedisServer, Servers

RELEASES = ("1.45", "1.69")

MOVING = (
    "redis_commands_",
    "redis_latency_percentiles_usec",
    "redis_connected_clients",
    "redis_connections_received_total",
    "redis_cpu_",
    "redis_memory_used_",
    "redis_mem_",
    "redis_allocator_",
    "redis_net_",
    "redis_total_reads_processed",
    "redis_total_writes_processed",
    "redis_client_recent_max",
    "redis_db_avg_ttl_seconds",
    "redis_uptime_in_seconds",
    "redis_reply_buffer_",
    "redis_io_threaded_",
    "redis_start_time_seconds",
    "redis_expire_cycle_cpu_time_ms_total",
    "redis_expired_stale_percentage",
    "redis_errors_total",
    "redis_total_error_replies",
)
"""What two observers, who come one after the other, move by looking; the time by itself. The exporter's LATENCY
HISTOGRAM is an error on Redis 6.2 at each of its looks."""


NONE = (
    "redis_rdb_last_bgsave_duration_sec",
    "redis_rdb_current_bgsave_duration_sec",
    "redis_aof_last_rewrite_duration_sec",
    "redis_aof_current_rewrite_duration_sec",
    "redis_second_repl_offset",
)
LAST_IO = "redis_master_last_io_seconds_ago"


@contextmanager
def beside(server: RedisServer, exporter: Exporter) -> Iterator[Comparison]:
    catalog = discover(collectors)
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        exporter.page()
        station = Station(collector)
        list(station.run(0.0))
        theirs = page(exporter.page())
        latest = {}
        for poll in Station(collector).run(0.0):
            latest.update({(metric, labels): value for metric, labels, value in poll.samples})
        found = [(metric, labels, value) for (metric, labels), value in latest.items()]
        aliases = list(aliased(catalog.aliases["redis"], found))
        taken = {family.name for family in aliases}
        own = [family for family in families(catalog.metrics, found) if family.name not in taken]
        ours = page("".join(written([*own, *aliases])))
        yield compare(theirs, ours, without=("redis_exporter_", "redis_target_scrape_"))


@pytest.mark.parametrize("release", RELEASES)
def test_a_master_with_keys(each_redis: RedisServer, redis_exporter: Callable[..., Exporter], release: str) -> None:
    with closing(Redis(port=each_redis.port, driver_info=None, protocol=2)) as client:
        for number in range(20):
            client.set(f"exporter:{number}", "x", ex=1000)
            client.get(f"exporter:{number}")
    with beside(each_redis, redis_exporter(each_redis, release=release)) as found:
        assert found.coverage >= 0.95, str(found)
        assert {*found.missing} <= {*LEFT_OUT}, str(found)
        assert [key for key in found.differing if not key[0].startswith(MOVING)] == [], str(found)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("role", ["replica", "orphan", "cluster"])
def test_a_replica_and_a_node_of_a_cluster(
    new_redis: Callable[..., RedisServer], redis_exporter: Callable[..., Exporter], release: str, role: str
) -> None:
    master = new_redis(repl_diskless_sync_delay="0")
    about = {
        "replica": {"replicaof": f"{master.host} {master.port}"},
        "orphan": {"replicaof": f"{master.host} {free_port()}"},
        "cluster": {"cluster_enabled": "yes", "cluster_port": str(free_port()), "appendonly": "yes"},
    }
    server = new_redis(**about[role])
    if role == "replica":
        linked(server)
    with beside(server, redis_exporter(server, release=release)) as found:
        assert found.coverage >= 0.95, str(found)
        assert {*found.missing} <= {*LEFT_OUT}, str(found)
        assert none_is_equal(found) == {*NONE} | ({LAST_IO} if role != "cluster" else set()), str(found)


@pytest.mark.rare
@pytest.mark.matrix
@pytest.mark.parametrize("release", RELEASES)
def test_a_node_of_a_cluster_of_valkey(
    own_servers: Servers, redis_exporter: Callable[..., Exporter], release: str
) -> None:
    server = own_servers.redis(release="valkey-9", cluster_enabled="yes", cluster_port=str(free_port()))
    with beside(server, redis_exporter(server, release=release)) as found:
        assert {*found.missing} <= {*LEFT_OUT}, str(found)
        of_the_bus = {name for name, _ in found.shared if name.startswith("redis_cluster_stats_")}
        assert len(of_the_bus) == 6, str(found)
        assert not of_the_bus & {name for name, _ in found.differing}


def linked(replica: RedisServer) -> None:
    with closing(Redis(port=replica.port, driver_info=None, protocol=2)) as client:
        end = time.monotonic() + 15
        while client.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < end
            time.sleep(0.1)


def none_is_equal(found: Comparison) -> set[str]:
    """Which of the names that say -1 there for none have the same value on both pages."""
    differing = {name for name, _ in found.differing}
    return {name for name, _ in found.shared if name in {*NONE, LAST_IO}} - differing


def test_values_of_one_moment_are_equal(redis: RedisServer, redis_exporter: Callable[..., Exporter]) -> None:
    with closing(Redis(port=redis.port, driver_info=None, protocol=2)) as client:
        for number in range(50):
            client.get(f"exporter:none:{number}")
    with beside(redis, redis_exporter(redis)) as found:
        assert ("redis_up", ()) in found.shared
        quiet = {"redis_keyspace_misses_total", "redis_evicted_keys_total", "redis_db_keys"}
        assert quiet <= {name for name, _ in found.shared}
        assert not quiet & {name for name, _ in found.differing}
        get = (("cmd", "get"),)
        for name in (
            "redis_commands_total",
            "redis_commands_duration_seconds_total",
            "redis_commands_latencies_usec_count",
        ):
            assert (name, get) in found.shared
            assert (name, get) not in found.differing
