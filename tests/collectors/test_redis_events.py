"""What happens to a Redis becomes an event, once."""

import json
import time
from collections.abc import Callable
from contextlib import closing

from redis import Redis

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from metrics.poll import EventKind, Poll, Tier
from tests.collectors.memory import poll, value, values
from tests.servers import RedisServer, Servers

QUICK = {"repl_diskless_sync_delay": "0", "repl_ping_replica_period": "1"}


def client(server: RedisServer) -> "closing[Redis]":
    return closing(Redis(port=server.port, driver_info=None, protocol=2, decode_responses=True))


def collector(server: RedisServer, **more: str) -> "closing[RedisCollector]":
    return closing(RedisCollector(RedisSource(name="cache", port=server.port, **more)))  # type: ignore[arg-type]


def told(found: Poll) -> list[tuple[EventKind, str]]:
    assert found.error is None
    return [(event.kind, event.text) for event in found.events]


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not met():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_restart_and_a_reset_are_told_apart(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with collector(server) as made:
        with client(server) as other:
            for _ in range(50):
                other.get("x")
            assert told(poll(made)) == []
            other.config_resetstat()
            assert told(poll(made)) == [(EventKind.RESET, "counters were reset (CONFIG RESETSTAT)")]
            assert told(poll(made)) == []
        server.stop()
        server.start()
        ((kind, text),) = told(poll(made))
        assert kind is EventKind.RESTART
        assert text.endswith("was started")
        assert told(poll(made)) == []


def test_changed_settings_are_told_and_secrets_are_never_read(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(masterauth="canary-secret")
    with collector(server) as made, client(server) as other:
        poll(made)
        first = poll(made, Tier.SLOW)
        assert value(first, "redis_databases") == 16
        assert [record.key for record in first.records] == ["all"]
        assert '"hz": "10"' in first.records[0].body
        assert "canary" not in str(first)
        assert not {"requirepass", "masterauth", "masteruser", "tls-key-file-pass"} & {
            *first.records[0].body.split('"')
        }
        other.config_set("maxmemory", "100mb")
        other.config_set("timeout", "77")
        other.config_set("masterauth", "another-canary")
        assert told(poll(made)) == [(EventKind.CONFIG, "maxmemory: 0 → 104857600")]
        second = poll(made, Tier.SLOW)
        assert told(second) == [(EventKind.CONFIG, "timeout: 0 → 77")]
        assert ("timeout", "77") in [(record.key, record.body) for record in second.records]
        assert "canary" not in str(second)


def test_settings_are_not_asked_for_by_an_account_made_by_hand_unless_it_says_so() -> None:
    made = {"name": "cache", "user": "trivet", "password": "x"}
    assert not RedisSource(**made).reads_config  # type: ignore[arg-type]
    assert RedisSource(**made, config="on").reads_config  # type: ignore[arg-type]
    assert not RedisSource(name="cache", config="off").reads_config


def test_every_setting_but_secrets_is_matched_by_a_pattern(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with collector(server) as made, client(server) as other:
        body = poll(made, Tier.SLOW).records[0].body
        missing = {name for name in other.config_get("*") if f'"{name}"' not in body}
    secrets = {"requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"}
    # Files of certificates and what goes with them begin like a secret.
    assert {name for name in missing if name and not name.startswith("tls-")} <= secrets


def test_replicas_are_measured_from_both_ends_and_a_failover_is_an_event(own_servers: Servers) -> None:
    master = own_servers.redis(**QUICK)
    replica = own_servers.redis(replicaof=f"{master.host} {master.port}", **QUICK)
    with collector(master) as above, collector(replica) as below, client(master) as writer, client(replica) as other:
        assert value(poll(below), "redis_replica_link_up") in (0, 1)
        until(lambda: values(poll(below), "redis_replica_link_up") == {(): 1})
        for number in range(100):
            writer.set(f"key:{number}", "x" * 100)
        until(lambda: max(values(poll(above), "redis_connected_replica_lag_bytes").values(), default=1) == 0)
        found = poll(above)
        ((labels, lag),) = values(found, "redis_connected_replica_lag_seconds").items()
        assert dict(labels) == {"ip": "127.0.0.1", "port": str(replica.port), "state": "online"}
        assert lag <= 2
        followed = poll(below)
        assert value(followed, "redis_master", master_host="127.0.0.1", master_port=str(master.port)) == 1
        assert value(followed, "redis_replica_offset_bytes") > 10_000
        assert values(found, "redis_replica_link_up") == {}
        replica.pause()
        writer.set("key:later", "x" * 5000)
        behind = poll(above)
        replica.resume()
        assert max(values(behind, "redis_connected_replica_lag_bytes").values()) >= 5000
        other.replicaof("NO", "ONE")
        assert told(poll(below)) == [(EventKind.FAILOVER, "role: slave → master")]


def test_a_replica_says_that_its_master_is_gone(own_servers: Servers) -> None:
    master = own_servers.redis(**QUICK)
    replica = own_servers.redis(replicaof=f"{master.host} {master.port}", **QUICK)
    with collector(replica) as below:
        until(lambda: values(poll(below), "redis_replica_link_up") == {(): 1})
        master.stop()
        until(lambda: values(poll(below), "redis_replica_link_up") == {(): 0})
        found = poll(below)
    assert value(found, "redis_replica_link_down_seconds") >= 0
    assert found.partial == {}


def test_a_node_of_a_cluster_is_asked_what_the_cluster_does(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(cluster_enabled="yes", appendonly="yes")
    with collector(server) as made, client(server) as other:
        assert value(poll(made, Tier.MEDIUM), "redis_cluster_state") == 0
        other.execute_command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")  # type: ignore[no-untyped-call]
        until(lambda: value(poll(made, Tier.MEDIUM), "redis_cluster_state") == 1)
        found = poll(made, Tier.MEDIUM)
        assert value(found, "redis_cluster_slots_ok") == 16384
        assert value(found, "redis_cluster_enabled") == 1
        assert value(found, "redis_aof_current_bytes") >= 0
        assert made.probe(time.monotonic() + 5).role == "master (cluster)"


def test_a_slow_log_that_began_anew_is_read_from_its_first_entry(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(slowlog_log_slower_than="0")
    with collector(server) as made:
        poll(made, Tier.MEDIUM)
        with client(server) as admin:
            admin.set("a", "b")
        before = poll(made, Tier.MEDIUM)
        server.stop()
        server.start()
        with client(server) as admin:
            admin.set("a", "b")
        after = poll(made, Tier.MEDIUM)
    (first, second) = (
        [record.key.split(":") for record in found.records if record.kind == "slowlog"] for found in (before, after)
    )
    assert {run for run, _ in first} != {run for run, _ in second}
    assert min(int(number) for _, number in second) == 0
    assert value(after, "redis_slow_commands_total") >= len(second)
    told = [
        json.loads(record.body)["command"] for record in (*before.records, *after.records) if record.kind == "slowlog"
    ]
    # What a server logs of our own asking, when it finds everything slow, is no record.
    assert "SET" in told
    assert not {"INFO", "SLOWLOG"} & set(told)


def test_a_slow_log_that_was_emptied_before_counts_from_the_first_look(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(slowlog_log_slower_than="0")
    with client(server) as admin, collector(server) as made:
        for _ in range(50):
            admin.set("a", "b")
        admin.config_set("slowlog-log-slower-than", 10_000_000)
        admin.slowlog_reset()
        first = poll(made, Tier.MEDIUM)
        admin.config_set("slowlog-log-slower-than", 0)
        for _ in range(3):
            admin.set("a", "b")
        admin.config_set("slowlog-log-slower-than", 10_000_000)
        second = poll(made, Tier.MEDIUM)
        admin.slowlog_reset()
        third = poll(made, Tier.MEDIUM)
    entries = [record for record in second.records if record.kind == "slowlog"]
    assert value(first, "redis_slow_commands_total") == 0
    assert value(second, "redis_slow_commands_total") == value(third, "redis_slow_commands_total") == len(entries) == 4


def test_of_very_many_databases_the_rest_is_summed(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(databases="100")
    with collector(server) as made:
        for number in range(80):
            with closing(Redis(port=server.port, db=number, driver_info=None, protocol=2)) as other:
                other.set("x", 1)
        found = poll(made)
    keys = values(found, "redis_db_keys")
    assert len(keys) == 65
    assert keys[(("db", "(rest)"),)] == 16
    assert found.left_out == 16
