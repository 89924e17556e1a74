"""What Redis calls -1 is nothing: there is no sample of it."""

from collections.abc import Callable
from contextlib import closing

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from collectors.round import UNKNOWN
from metrics.poll import Poll, Tier
from stack.native.ports import free_port
from tests.collectors.memory import poll, value, values
from tests.collectors.test_redis_events import QUICK, client, collector, until
from tests.servers import RedisServer

PERHAPS = (
    "redis_rdb_last_bgsave_seconds",
    "redis_rdb_current_bgsave_seconds",
    "redis_aof_last_rewrite_seconds",
    "redis_aof_current_rewrite_seconds",
    "redis_second_repl_offset",
    "redis_replica_last_io_seconds",
    "redis_replica_link_down_seconds",
    "redis_replica_sync_bytes",
    "redis_replica_sync_left_bytes",
)


def told(*polls: Poll) -> dict[str, float]:
    """The values of PERHAPS; every poll is whole."""
    for found in polls:
        assert found.error is None
        assert found.partial == {}
        assert [record for record in found.records if record.kind == UNKNOWN] == []
    return {sample.metric: sample.value for found in polls for sample in found.samples if sample.metric in PERHAPS}


def test_what_never_was_has_no_time_and_what_was_has_one(each_redis: RedisServer) -> None:
    with closing(RedisCollector(RedisSource(name="cache", port=each_redis.port))) as made:
        found = told(*(poll(made, tier) for tier in made.tiers))
    assert min(found.values(), default=0) >= 0


def test_a_snapshot_and_a_rewrite_are_timed_while_they_run_and_after(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(rdb_key_save_delay="10000", appendonly="yes")
    with collector(server) as made, client(server) as other:
        for number in range(100):
            other.set(f"key:{number}", "x")
        assert told(poll(made), poll(made, Tier.MEDIUM)) == {}
        other.bgsave()
        assert told(poll(made, Tier.MEDIUM)).keys() == {"redis_rdb_current_bgsave_seconds"}
        until(lambda: told(poll(made, Tier.MEDIUM)).keys() == {"redis_rdb_last_bgsave_seconds"})
        other.config_set("rdb-key-save-delay", 0)
        other.bgrewriteaof()
        until(lambda: len(found := told(poll(made, Tier.MEDIUM))) == 2 and "redis_aof_last_rewrite_seconds" in found)
        assert 1 <= value(poll(made, Tier.MEDIUM), "redis_rdb_last_bgsave_seconds") < 10


def test_a_replica_that_never_saw_its_master_knows_no_times(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(replicaof=f"127.0.0.1 {free_port()}")
    with collector(server) as made:
        found = poll(made)
        assert told(found, poll(made, Tier.MEDIUM)) == {}
    assert value(found, "redis_replica_link_up") == 0


def test_a_replica_times_its_link_while_it_stands_and_since_it_fell(new_redis: Callable[..., RedisServer]) -> None:
    master = new_redis(**QUICK)
    replica = new_redis(replicaof=f"{master.host} {master.port}", **QUICK)
    with collector(replica) as made:
        until(lambda: values(poll(made), "redis_replica_link_up") == {(): 1})
        assert told(poll(made), poll(made, Tier.MEDIUM)).keys() == {"redis_replica_last_io_seconds"}
        master.stop()
        until(lambda: values(poll(made), "redis_replica_link_up") == {(): 0})
        assert told(poll(made), poll(made, Tier.MEDIUM)).keys() == {"redis_replica_link_down_seconds"}


def test_a_promoted_replica_knows_up_to_where_it_serves_the_old_stream(new_redis: Callable[..., RedisServer]) -> None:
    master = new_redis(**QUICK)
    replica = new_redis(replicaof=f"{master.host} {master.port}", **QUICK)
    with collector(replica) as made, client(replica) as other:
        until(lambda: values(poll(made), "redis_replica_link_up") == {(): 1})
        other.replicaof("NO", "ONE")
        found = told(poll(made), poll(made, Tier.MEDIUM))
    assert found.keys() == {"redis_second_repl_offset"}
    assert found["redis_second_repl_offset"] > 0
