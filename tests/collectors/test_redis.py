import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from redis import Redis

from collectors.redis import metrics
from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from collectors.round import LACKING
from metrics.poll import ErrorClass, Tier
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import Memory, poll, value, values
from tests.servers import Hole, RedisServer

MORE = "+slowlog|get +latency|latest +latency|histogram +client|list"
ACL = f"""
user default on >admin-password ~* &* +@all
user trivet on >trivet-password resetchannels resetkeys -@all +info +slowlog|len {MORE}
user narrow on >narrow-password resetchannels resetkeys -@all +info
user mute on >mute-password resetchannels resetkeys -@all +get
"""


@pytest.fixture
def collector(redis: RedisServer) -> Iterator[RedisCollector]:
    with closing(RedisCollector(RedisSource(name="cache", port=redis.port))) as made:
        yield made


@pytest.fixture
def client(redis: RedisServer) -> Iterator["Redis"]:
    with closing(Redis.from_url(redis.url)) as made:
        yield made


def look_up(client: "Redis", hits: int, misses: int) -> None:
    client.set("collectors:there", "1")
    for _ in range(hits):
        client.get("collectors:there")
    for _ in range(misses):
        client.get("collectors:missing")


def test_samples_equal_what_another_client_reads(collector: RedisCollector, client: "Redis") -> None:
    look_up(client, 7, 3)
    client.set("collectors:fleeting", "1", ex=1000)
    found, info = poll(collector), client.info()
    assert value(found, "redis_keyspace_hits_total") == info["keyspace_hits"]
    assert value(found, "redis_keyspace_misses_total") == info["keyspace_misses"]
    assert value(found, "redis_evicted_keys_total") == info["evicted_keys"]
    assert value(found, "redis_max_clients") == info["maxclients"]
    assert value(found, "redis_db_keys", db="0") == info["db0"]["keys"]
    assert value(found, "redis_db_expiring_keys", db="0") == info["db0"]["expires"] >= 1
    assert value(found, "redis_slowlog_length") == client.slowlog_len()
    assert value(found, "redis_rdb_last_save_ok") == 1
    assert found.epochs == {metrics.EPOCH: float(int(info["run_id"][:12], 16))}


def test_nothing_undeclared_is_emitted_and_nothing_of_this_version_is_missing(
    collector: RedisCollector, client: "Redis"
) -> None:
    client.set("collectors:there", "1")
    # emitted() asserts that no column was missed.
    assert emitted(collector) <= declared("redis")


def test_hit_rate_over_a_reset_is_that_of_what_is_known(collector: RedisCollector, client: "Redis") -> None:
    memory = Memory()
    memory.take(collector)
    look_up(client, 300, 100)
    memory.take(collector)
    client.config_resetstat()
    look_up(client, 5, 95)
    memory.take(collector)
    look_up(client, 200, 0)
    memory.take(collector)
    # The interval across the reset is dropped, whole: its 5 hits in 100 count nowhere.
    assert memory.value(metrics.hit_rate) == pytest.approx(500 / 600)
    assert memory.value(metrics.hit_rate, window=10.0) == 1.0


def test_hit_rate_over_a_restart_is_that_of_what_is_known(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    memory = Memory()
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        memory.take(collector)
        with closing(Redis.from_url(server.url)) as client:
            look_up(client, 50, 50)
        memory.take(collector)
        server.stop()
        server.start()
        with closing(Redis.from_url(server.url)) as client:
            # More than before: only the epoch tells that they were counted from zero.
            look_up(client, 900, 60)
        memory.take(collector)
        with closing(Redis.from_url(server.url)) as client:
            look_up(client, 100, 0)
        memory.take(collector)
    assert memory.value(metrics.hit_rate) == pytest.approx(150 / 200)


def test_few_lookups_are_no_verdict(collector: RedisCollector, client: "Redis") -> None:
    memory = Memory()
    memory.take(collector)
    look_up(client, 3, 1)
    memory.take(collector)
    verdict = memory.verdict(metrics.hit_rate)
    assert verdict.idle
    assert "too few" in verdict.reason


def test_a_poll_with_least_rights_leaves_no_trace(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(acl=ACL)
    source = RedisSource(name="cache", port=server.port, user="trivet", password="trivet-password")
    with closing(RedisCollector(source)) as collector, admin(server) as client:
        # The test's own wait for the server has left some.
        client.config_resetstat()
        for tier in (*collector.tiers, *collector.tiers):
            assert poll(collector, tier).partial == {}
        assert collector.probe(time.monotonic() + 5).role == "master"
        collector.close()
        assert poll(collector).up
        assert client.info("errorstats") == {}
        assert client.acl_log() == []
        commands = client.info("commandstats")
        unasked = ("client|set", "hello", "ping", "config|get", "acl|whoami", "command")
        assert {name for name in commands if any(word in name for word in unasked)} == set()


def test_what_is_forbidden_is_said_once_and_asked_once(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(acl=ACL)
    source = RedisSource(name="cache", port=server.port, user="narrow", password="narrow-password")
    with closing(RedisCollector(source)) as collector, admin(server) as client:
        first, second = poll(collector), poll(collector)
        failure = first.partial["SLOWLOG LEN"]
        assert failure.kind is ErrorClass.FORBIDDEN
        assert failure.hint == "On Redis: ACL SETUSER narrow +slowlog|len"
        assert [record.key for record in first.records if record.kind == LACKING] == ["SLOWLOG LEN"]
        assert first.up
        assert value(first, "redis_keyspace_hits_total") == 0
        assert second.partial == {}
        assert len(client.acl_log()) == 1
        client.acl_setuser("narrow", enabled=True, commands=["+slowlog|len"])
        collector.off.clear()
        mended = poll(collector)
        assert values(mended, "redis_slowlog_length") == {(): 0}
        assert [(record.kind, record.key, record.body) for record in mended.records] == [(LACKING, "SLOWLOG LEN", "")]


def admin(server: RedisServer) -> "closing[Redis]":
    return closing(Redis(port=server.port, password="admin-password", driver_info=None, protocol=2))


@pytest.mark.parametrize(
    ("user", "password", "kind"),
    [
        ("trivet", "wrong-password", ErrorClass.AUTH),
        ("nobody", "some-password", ErrorClass.AUTH),
        ("", "", ErrorClass.AUTH),
        ("mute", "mute-password", ErrorClass.FORBIDDEN),
    ],
)
def test_who_may_not_is_told_how(
    new_redis: Callable[..., RedisServer], user: str, password: str, kind: ErrorClass
) -> None:
    server = new_redis(acl=ACL)
    source = RedisSource(name="cache", port=server.port, user=user, password=password)
    with closing(RedisCollector(source)) as collector:
        found = poll(collector)
    assert found.error is not None
    assert found.error.kind is kind
    assert found.error.hint
    assert not password or password not in str(found)
    assert found.samples == ()


def test_a_full_server_is_told_apart_from_a_dead_one(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(maxclients="1")
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        with closing(Redis.from_url(server.url)) as client:
            client.get("x")
            full = poll(collector)
        server.stop()
        dead = poll(collector)
    assert full.error is not None
    assert full.error.kind is ErrorClass.REFUSED_BY_LIMIT
    assert dead.error is not None
    assert dead.error.kind is ErrorClass.UNREACHABLE


def test_silence_is_cut_at_the_deadline(hole: Hole) -> None:
    with closing(RedisCollector(RedisSource(name="cache", port=hole.port))) as collector:
        begun = time.monotonic()
        found = poll(collector, within=0.5)
    assert 0.4 < time.monotonic() - begun < 0.9
    assert found.error is not None
    assert found.error.kind is ErrorClass.TIMEOUT


def test_a_frozen_server_is_cut_at_the_deadline_and_polled_again_when_it_thaws(
    new_redis: Callable[..., RedisServer],
) -> None:
    server = new_redis()
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        assert poll(collector).up
        server.pause()
        begun = time.monotonic()
        frozen = poll(collector, within=0.5)
        took = time.monotonic() - begun
        server.resume()
        assert poll(collector).up
    assert took < 0.9
    assert frozen.error is not None
    assert frozen.error.kind is ErrorClass.TIMEOUT


def test_a_restart_between_two_polls_costs_no_gap(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        before = poll(collector)
        server.stop()
        server.start()
        after = poll(collector)
    assert after.up
    assert before.epochs != after.epochs


def test_a_unix_socket_will_do(redis: RedisServer) -> None:
    with closing(RedisCollector(RedisSource(name="cache", socket=str(redis.socket)))) as collector:
        assert poll(collector, Tier.FAST).up
