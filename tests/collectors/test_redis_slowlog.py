"""A slow command is told once, also when the poll that read of it was cut."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from redis import Redis

from collectors.redis.collector import RedisCollector
from collectors.redis.source import RedisSource
from metrics.poll import ErrorClass, Poll, Tier
from tests.collectors.cutting import Between, between
from tests.collectors.memory import poll, value
from tests.servers import RedisServer, Servers


@pytest.fixture
def server(own_servers: Servers) -> RedisServer:
    """Valkey alone is asked for more after the entries of the slow log: for those of large commands."""
    return own_servers.redis(release="valkey-9")


@pytest.fixture
def gate(server: RedisServer) -> Iterator[Between]:
    with between(server.port) as made:
        yield made


@pytest.fixture
def collector(gate: Between) -> Iterator[RedisCollector]:
    with closing(RedisCollector(RedisSource(name="cache", port=gate.port))) as made:
        yield made


def entries(found: Poll, kind: str = "slowlog") -> list[str]:
    assert found.error is None
    return [record.key for record in found.records if record.kind == kind]


@pytest.mark.rare
@pytest.mark.matrix
def test_what_a_cut_poll_had_read_is_told_by_the_next(
    server: RedisServer, gate: Between, collector: RedisCollector
) -> None:
    assert entries(poll(collector, Tier.MEDIUM)) == []
    with closing(Redis(port=server.port, driver_info=None, protocol=2)) as client:
        client.config_set("commandlog-request-larger-than", 1000)
        client.config_set("slowlog-log-slower-than", 0)
        for number in range(5):
            client.set(f"key:{number}", "x" * 2000)
        client.config_set("slowlog-log-slower-than", 10_000_000)
    # More than one: by then the entries of the slow log have been read.
    gate.word = b"COMMANDLOG\r\n$3\r\nGET\r\n$2\r\n"
    cut = poll(collector, Tier.MEDIUM, within=1.0)
    assert cut.error is not None
    assert cut.error.kind is ErrorClass.TIMEOUT
    assert gate.held == 1
    gate.word = b""
    found = poll(collector, Tier.MEDIUM)
    assert len(entries(found)) == 6
    assert len(entries(found, "large_request")) == 5
    assert value(found, "redis_slow_commands_total") == 6
    assert entries(poll(collector, Tier.MEDIUM)) == []
