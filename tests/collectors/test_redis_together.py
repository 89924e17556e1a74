"""Several real servers that belong together: a replica under Sentinel, and a cluster. Failovers are brought about."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from redis import Redis

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from collectors.round import UNKNOWN
from metrics.poll import EventKind, Poll, Tier
from stack.native.ports import free_port
from tests.collectors.memory import poll, value, values
from tests.collectors.test_redis_events import QUICK, client, collector, told, until
from tests.servers import RedisServer, Servers

RELEASES = [
    pytest.param(release, marks=[pytest.mark.matrix, *marks])
    for release, marks in (("7.0", []), ("8.0", []), ("6.2", [pytest.mark.rare]), ("valkey-9", [pytest.mark.rare]))
]
SENTINEL = """
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor shop 127.0.0.1 {master} 1
sentinel down-after-milliseconds shop 500
sentinel failover-timeout shop 2000
"""


@contextmanager
def sentinel(master: RedisServer, folder: Path) -> Iterator[int]:
    """A Sentinel of the same release; the port that it listens on."""
    port = free_port()
    config = folder / "sentinel.conf"
    config.write_text(SENTINEL.format(port=port, folder=folder, master=master.port))
    words = [str(master.tool.path), str(config), "--sentinel"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env={**master.tool.env})
    try:
        yield port
    finally:
        process.terminate()
        process.wait(10)


def clean(*polls: Poll) -> None:
    for found in polls:
        assert found.error is None
        assert found.partial == {}
        assert [record for record in found.records if record.kind == UNKNOWN] == []


def test_a_sentinel_has_no_keys_to_speak_of(redis: RedisServer, tmp_path: Path) -> None:
    with sentinel(redis, tmp_path) as port:
        made = RedisCollector(RedisSource(name="watcher", port=port))
        with closing(made), closing(Redis(port=port, driver_info=None, protocol=2)) as other:
            until(lambda: poll(made).up)
            found, by_minute = poll(made), poll(made, Tier.MEDIUM)
            assert poll(made, Tier.SLOW).up
            assert made.probe(time.monotonic() + 5).role == "sentinel"
            errors = other.info("errorstats")
    assert value(found, "redis_sentinel_masters") == 1
    assert value(found, "redis_sentinel_master_ok", master="shop", address=f"127.0.0.1:{redis.port}") == 1
    unknown = ("redis_keyspace_hits_total", "redis_memory_used_bytes", "redis_slowlog_length", "redis_db_keys")
    assert not {sample.metric for sample in (*found.samples, *by_minute.samples)} & {*unknown}
    clean(found, by_minute)
    assert errors == {}


@pytest.mark.parametrize("release", RELEASES)
def test_a_sentinel_and_the_replica_that_it_makes_a_master(own_servers: Servers, tmp_path: Path, release: str) -> None:
    master = own_servers.redis(release=release, **QUICK)
    replica = own_servers.redis(release=release, replicaof=f"{master.host} {master.port}", **QUICK)
    with ExitStack() as stack:
        port = stack.enter_context(sentinel(master, tmp_path))
        watcher = stack.enter_context(closing(RedisCollector(RedisSource(name="watcher", port=port))))
        below = stack.enter_context(collector(replica))
        other = stack.enter_context(closing(Redis(port=port, driver_info=None, protocol=2)))
        until(lambda: poll(watcher).up)
        of_shop = {"master": "shop", "address": f"127.0.0.1:{master.port}"}
        until(lambda: value(poll(watcher), "redis_sentinel_master_slaves", **of_shop) == 1)
        until(lambda: values(poll(below), "redis_replica_link_up") == {(): 1})
        for tier in watcher.tiers:
            clean(poll(watcher, tier))
        assert watcher.probe(time.monotonic() + 5).role == "sentinel"
        assert value(poll(watcher), "redis_sentinel_masters") == 1
        assert value(poll(watcher), "redis_sentinel_master_ok", **of_shop) == 1
        assert value(poll(watcher), "redis_sentinel_master_sentinels", **of_shop) == 1
        assert other.info("errorstats") == {}
        events = stack.enter_context(gathered(below, watcher))
        master.kill()
        until(lambda: len(events()) == 2)
        assert {text for _, text in events()} == {
            "role: slave → master",
            f"master shop: 127.0.0.1:{master.port} → 127.0.0.1:{replica.port}",
        }
        assert {kind for kind, _ in events()} == {EventKind.FAILOVER}


@contextmanager
def gathered(*collectors: RedisCollector) -> Iterator[Callable[[], Sequence[tuple[EventKind, str]]]]:
    """What each call's polls told, and all that those before did."""
    found: list[tuple[EventKind, str]] = []

    def look() -> Sequence[tuple[EventKind, str]]:
        found.extend(event for made in collectors for event in told(poll(made)))
        return found

    yield look


class Cluster:
    """Three masters with a third of the slots each, and a replica of the first."""

    def __init__(self, own_servers: Servers, release: str) -> None:
        self._buses: dict[int, int] = {}
        self.nodes = [self._node(own_servers, release) for _ in range(4)]
        first, *others = self.nodes
        for number, node in enumerate(self.nodes[:3]):
            slots = range(number * 16384 // 3, (number + 1) * 16384 // 3)
            self.ask(node, "CLUSTER", "ADDSLOTS", *map(str, slots))
        for node in others:
            self.ask(node, "CLUSTER", "MEET", first.host, str(first.port), str(self._buses[first.port]))
        self.replica = self.nodes[3]
        identity = self.ask(first, "CLUSTER", "MYID")
        until(lambda: str(identity) in str(self.ask(self.replica, "CLUSTER", "NODES")))
        self.ask(self.replica, "CLUSTER", "REPLICATE", str(identity))

    def ask(self, node: RedisServer, *words: str) -> object:
        with client(node) as asked:
            return asked.execute_command(*words)  # type: ignore[no-untyped-call]

    def _node(self, own_servers: Servers, release: str) -> RedisServer:
        # 10,000 above the port, where the bus is otherwise, is where outgoing connections are.
        bus = free_port()
        about = {"cluster_enabled": "yes", "cluster_port": str(bus), "cluster_node_timeout": "2000"}
        node = own_servers.redis(release=release, **about, **QUICK)
        self._buses[node.port] = bus
        return node


def serves(node: RedisCollector) -> bool:
    found = poll(node, Tier.MEDIUM)
    return value(found, "redis_cluster_state") == 1 and value(found, "redis_cluster_known_nodes") == 4


@pytest.mark.parametrize("release", [each for each in RELEASES if each.values != ("6.2",)])
def test_every_node_tells_of_the_cluster_and_of_a_failover(own_servers: Servers, release: str) -> None:
    cluster = Cluster(own_servers, release)
    with ExitStack() as stack:
        made = [stack.enter_context(collector(node)) for node in cluster.nodes]
        for each in made:
            until(partial(serves, each))
            clean(*(poll(each, tier) for tier in each.tiers))
        found = poll(made[0], Tier.MEDIUM)
        assert value(found, "redis_cluster_slots_assigned") == value(found, "redis_cluster_slots_ok") == 16384
        assert value(found, "redis_cluster_size") == 3
        assert value(found, "redis_cluster_messages_sent_total") > 0
        if release.startswith("valkey"):
            assert value(found, "redis_cluster_bytes_sent_total") > 0
        assert [each.probe(time.monotonic() + 5).role for each in made] == [
            *["master (cluster)"] * 3,
            "slave (cluster)",
        ]
        until(lambda: values(poll(made[3]), "redis_replica_link_up") == {(): 1})
        epoch = value(found, "redis_cluster_current_epoch")
        events = stack.enter_context(gathered(*made))
        assert events() == []
        cluster.ask(cluster.replica, "CLUSTER", "FAILOVER")
        until(lambda: len(events()) == 2)
        assert {text for _, text in events()} == {"role: slave → master", "role: master → slave"}
        until(lambda: value(poll(made[0], Tier.MEDIUM), "redis_cluster_current_epoch") > epoch)


@pytest.mark.parametrize("release", RELEASES)
def test_a_replica_of_a_replica_is_told_by_both(own_servers: Servers, release: str) -> None:
    first = own_servers.redis(release=release, **QUICK)
    second = own_servers.redis(release=release, replicaof=f"{first.host} {first.port}", **QUICK)
    third = own_servers.redis(release=release, replicaof=f"{second.host} {second.port}", **QUICK)
    with collector(second) as middle, collector(third) as last, client(first) as writer:
        until(lambda: values(poll(last), "redis_replica_link_up") == {(): 1})
        writer.set("key", "x" * 1000)
        until(lambda: value(poll(last), "redis_replica_offset_bytes") > 1000)
        for made in (middle, last):
            clean(*(poll(made, tier) for tier in made.tiers))
        found = poll(middle)
        assert value(found, "redis_connected_replicas") == 1
        assert value(found, "redis_master", master_host="127.0.0.1", master_port=str(first.port)) == 1
        ((labels, _),) = values(found, "redis_connected_replica_lag_bytes").items()
        assert dict(labels)["port"] == str(third.port)
