"""On a server of each release: what is asked is known there, leaves no error, and is what another client reads."""

from collections.abc import Iterator
from contextlib import closing
from time import monotonic

import pytest
from redis import Redis, RedisError

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from collectors.round import UNKNOWN
from metrics.poll import Tier
from tests.collectors.declared import declared, emitted
from tests.collectors.memory import poll, value, values
from tests.servers import RedisServer


@pytest.fixture
def collector(each_redis: RedisServer) -> Iterator[RedisCollector]:
    with closing(RedisCollector(RedisSource(name="cache", port=each_redis.port))) as made:
        yield made


@pytest.fixture
def client(each_redis: RedisServer) -> Iterator[Redis]:
    with closing(Redis(port=each_redis.port, driver_info=None, protocol=2, decode_responses=True)) as made:
        yield made


def test_every_field_is_taken_or_left_for_a_reason(collector: RedisCollector, client: Redis) -> None:
    client.set("versions:there", "1")
    for tier in collector.tiers:
        found = poll(collector, tier)
        assert found.error is None
        assert found.partial == {}
        assert [(record.key, record.body) for record in found.records if record.kind == UNKNOWN] == []
    assert emitted(collector) <= declared("redis")


def test_connecting_and_polling_cause_no_error(collector: RedisCollector, client: Redis) -> None:
    before, denied = client.info("errorstats"), client.acl_log()
    for _ in range(2):
        collector.close()
        for tier in collector.tiers:
            assert poll(collector, tier).up
        collector.probe(monotonic() + 5)
    assert client.info("errorstats") == before
    assert client.acl_log() == denied
    own = [each for each in client.client_list() if each["name"] == "trivet"]
    assert len(own) == 1


def test_commands_are_counted_as_the_server_counts_them(collector: RedisCollector, client: Redis) -> None:
    client.set("versions:there", "1")
    for _ in range(5):
        client.get("versions:there")
    with pytest.raises(RedisError):
        client.lpush("versions:there", "x")
    found, stats = poll(collector, Tier.MEDIUM), client.info("commandstats")
    assert value(found, "redis_commands_total", cmd="get") == stats["cmdstat_get"]["calls"] >= 5
    seconds = value(found, "redis_commands_duration_seconds_total", cmd="get")
    assert seconds == pytest.approx(stats["cmdstat_get"]["usec"] / 1e6)
    assert value(found, "redis_commands_failed_calls_total", cmd="lpush") == stats["cmdstat_lpush"]["failed_calls"] >= 1
    errors = client.info("errorstats")
    assert value(found, "redis_errors_total", err="WRONGTYPE") == errors["errorstat_WRONGTYPE"]["count"]


def test_buckets_are_cumulative_and_end_at_the_number_of_calls(collector: RedisCollector, client: Redis) -> None:
    client.get("versions:missing")
    found = poll(collector, Tier.MEDIUM)
    version = tuple(int(part) for part in client.info("server")["redis_version"].split("."))
    buckets = [
        number
        for labels, number in values(found, "redis_command_latency_seconds_bucket").items()
        if ("cmd", "get") in labels
    ]
    if version < (7,):
        assert buckets == []
        return
    assert len(buckets) == 22
    assert buckets == sorted(buckets)
    assert buckets[-1] == value(found, "redis_command_latency_seconds_count", cmd="get")


def test_slow_commands_are_kept_once_and_without_what_they_were_given(collector: RedisCollector, client: Redis) -> None:
    poll(collector, Tier.MEDIUM)
    setting = client.config_get("slowlog-log-slower-than")
    client.config_set("slowlog-log-slower-than", 0)
    client.set("versions:canary-key", "canary-value")
    client.config_set("slowlog-log-slower-than", setting["slowlog-log-slower-than"] or 10000)
    found = poll(collector, Tier.MEDIUM)
    bodies = [record.body for record in found.records if record.kind == "slowlog"]
    assert any('"command": "SET", "arguments": 2, "sizes": [19, 12]' in body for body in bodies)
    assert "canary" not in str(found)
    assert value(found, "redis_slow_commands_total") >= 2
    assert [record for record in poll(collector, Tier.MEDIUM).records if record.kind == "slowlog"] == []


def test_a_database_that_loses_its_keys_has_none_and_is_not_unknown(
    collector: RedisCollector, each_redis: RedisServer
) -> None:
    with closing(Redis(port=each_redis.port, db=7, driver_info=None, protocol=2)) as other:
        other.set("versions:seventh", "1", ex=1000)
        full = poll(collector)
        other.flushdb()
    empty = poll(collector)
    assert value(full, "redis_db_keys", db="7") == value(full, "redis_db_expiring_keys", db="7") == 1
    # Redis says 0 until it has sampled some: that is no time to live.
    assert 0 not in values(full, "redis_db_avg_ttl_seconds").values()
    assert value(empty, "redis_db_keys", db="7") == 0
