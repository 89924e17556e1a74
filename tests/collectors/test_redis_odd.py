"""Values of INFO that cannot be, and one address that answers for two servers."""

import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from collectors.probe import probe
from collectors.redis import metrics
from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from metrics.poll import Event, Tier
from tests.collectors.altering import altering
from tests.collectors.memory import Memory, poll, value, values
from tests.servers import RedisServer


def says(**fields: str) -> Callable[[bytes], bytes]:
    """INFO with other values of some fields."""

    def change(text: bytes) -> bytes:
        for name, given in fields.items():
            text, count = re.subn(rb"(?m)^(%b:)[^\r\n]*" % name.encode(), rb"\g<1>" + given.encode(), text)
            assert count, name
        return text

    return change


@contextmanager
def collecting(port: int) -> Iterator[RedisCollector]:
    with closing(RedisCollector(RedisSource(name="cache", port=port))) as made:
        yield made


@pytest.mark.parametrize(
    ("field", "given", "metric", "tier"),
    [
        ("used_memory_dataset", "18446744073709551616", "redis_memory_used_dataset_bytes", Tier.MEDIUM),
        ("used_memory_dataset", "999999999999", "redis_memory_used_dataset_bytes", Tier.MEDIUM),
        ("used_memory_dataset", "-5", "redis_memory_used_dataset_bytes", Tier.MEDIUM),
        ("used_memory", "18446744073709551000", "redis_memory_used_bytes", Tier.FAST),
        ("connected_clients", "-3", "redis_connected_clients", Tier.FAST),
        ("connected_clients", "nan", "redis_connected_clients", Tier.FAST),
        ("total_commands_processed", "1e400", "redis_commands_processed_total", Tier.FAST),
        ("keyspace_hits", "18446744073709551615", "redis_keyspace_hits_total", Tier.FAST),
        ("used_cpu_sys", "-1.5", "redis_cpu_system_seconds_total", Tier.FAST),
    ],
)
def test_a_value_that_cannot_be_is_unknown_and_costs_nothing_else(
    redis: RedisServer, field: str, given: str, metric: str, tier: Tier
) -> None:
    with altering(redis.port, change=says(**{field: given})) as door, collecting(door.port) as collector:
        poll(collector)
        found = poll(collector, tier)
        assert found.up
        assert values(found, metric) == {}
        assert len(found.samples) > 20
        assert f"impossible:{metric}" in {finding.key for finding in collector.findings.all()}
        assert collector.sieve.refused["impossible"] >= 1


@pytest.mark.parametrize("ttl", ["-1", "3100000000000000"])
def test_a_mean_time_to_live_that_cannot_be_is_unknown(new_redis: Callable[..., RedisServer], ttl: str) -> None:
    server = new_redis()

    def change(text: bytes) -> bytes:
        return text.rstrip() + f"\r\ndb0:keys=5,expires=2,avg_ttl={ttl}\r\n".encode()

    with altering(server.port, change=change) as door, collecting(door.port) as collector:
        found = poll(collector)
    assert value(found, "redis_db_keys", db="0") == 5
    assert [metric for metric in {s.metric for s in found.samples} if "ttl" in metric] == []


def test_two_servers_behind_one_address_are_one_finding_and_no_hit_rate(
    new_redis: Callable[..., RedisServer],
) -> None:
    """Whether connections alternate, or answers of one connection do."""
    one, two = new_redis(), new_redis()
    two_ids = iter([b"a" * 40, b"b" * 40] * 100)

    def change(text: bytes) -> bytes:
        run = next(two_ids)
        text = re.sub(rb"run_id:\w+", b"run_id:" + run, text)
        return re.sub(rb"role:\w+", b"role:master" if run[0:1] == b"a" else b"role:slave", text)

    for door, anew in ((altering(one.port, two.port), True), (altering(one.port, change=change), False)):
        with door as made, collecting(made.port) as collector:
            memory = Memory()
            events: list[Event] = []
            for _ in range(8):
                if anew:
                    collector.close()
                memory.now += 10
                found = poll(collector)
                events += found.events
                memory.keep(found)
            (finding,) = [each for each in collector.findings.all() if each.key == "several_servers"]
            assert len(re.findall(r"\b[0-9a-f]{40}\b", finding.text)) == 2
            assert "[[source]] of its own" in finding.hint
            assert len(events) <= 2
            assert found.up
            assert values(found, "redis_keyspace_hits_total") == {}
            assert [verdict.value for verdict in memory.verdicts(metrics.hit_rate) if verdict.value is not None] == []


def test_check_finds_several_servers_by_itself(new_redis: Callable[..., RedisServer]) -> None:
    one, two = new_redis(), new_redis()
    with altering(one.port, two.port) as door:
        (report,) = probe([RedisSource(name="cache", port=door.port)])
    assert "several_servers" in {finding.key for finding in report.findings}


def test_a_restart_is_no_second_server(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    with collecting(server.port) as collector:
        for _ in range(3):
            poll(collector)
            server.stop()
            server.start()
        found = poll(collector)
        assert collector.findings.all() == []
        assert values(found, "redis_keyspace_hits_total")
