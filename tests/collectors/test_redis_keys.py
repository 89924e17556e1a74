"""Memory by prefix: close to the truth, bounded, and without a trace on any key."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from redis import Redis

from collectors.failed import Failed
from collectors.redis.keys import sample
from collectors.redis.source import RedisSource
from commands.keys import keys
from tests.servers import RedisServer

ACL = """
user default on >admin-password ~* &* +@all
user trivet on >trivet-password resetchannels resetkeys -@all +info
"""


@pytest.fixture
def server(new_redis: Callable[..., RedisServer]) -> RedisServer:
    made = new_redis()
    with closing(Redis(port=made.port, driver_info=None, protocol=2)) as client, client.pipeline() as pipeline:
        for number in range(2000):
            pipeline.set(f"session:{number}", "x" * 500)
            pipeline.set(f"user:{number}:name", "x" * 50)
        pipeline.set("counter", 1)
        pipeline.execute()
    return made


def test_a_whole_database_is_summed_by_prefix_and_no_key_is_touched(server: RedisServer) -> None:
    with closing(Redis(port=server.port, driver_info=None, protocol=2)) as client:
        before = client.info("stats")
        found = sample(RedisSource(name="cache", port=server.port), most=100_000, seconds=30, per_second=1e6)
        after, commands = client.info("stats"), client.info("commandstats")
        truth = sum(client.memory_usage(f"session:{number}") or 0 for number in range(2000))
    assert found.whole
    assert found.total == found.keys == 4001
    assert [(each.name, each.keys) for each in found.prefixes] == [
        ("session:", 2000),
        ("user:", 2000),
        ("(no prefix)", 1),
    ]
    assert found.prefixes[0].bytes == truth
    assert (before["keyspace_hits"], before["keyspace_misses"]) == (after["keyspace_hits"], after["keyspace_misses"])
    assert not {"cmdstat_keys", "cmdstat_type", "cmdstat_ttl", "cmdstat_get"} & {*commands}
    assert client.info("errorstats") == {}


def test_a_sample_ends_by_number_by_time_and_keeps_its_pace(server: RedisServer) -> None:
    source = RedisSource(name="cache", port=server.port)
    few = sample(source, most=100, seconds=30, per_second=1e6)
    assert 100 <= few.keys <= 200
    assert not few.whole
    begun = time.monotonic()
    short = sample(source, most=100_000, seconds=0.5, per_second=200)
    assert time.monotonic() - begun < 1.0
    assert short.keys <= 250


def test_who_may_not_is_told_the_line(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(acl=ACL)
    source = RedisSource(name="cache", port=server.port, user="trivet", password="trivet-password")
    with pytest.raises(Failed) as failed:
        sample(source, most=10, seconds=5, per_second=100)
    assert failed.value.failure.hint == "On Redis: ACL SETUSER trivet +scan +dbsize +memory|usage +select ~*"


def test_the_command_prints_a_table_or_json_and_refuses_others(server: RedisServer, tmp_path: Path) -> None:
    config = tmp_path / "trivet.toml"
    config.write_text(f'[[source]]\nkind = "redis"\nname = "cache"\nport = {server.port}\n')
    run = CliRunner().invoke
    shown = run(keys, ["cache", "--config", str(config), "--rate", "1000000"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.splitlines()[1].startswith("session: ")
    assert "4,001 of 4,001 keys, all" in shown.output
    told = run(keys, ["cache", "--config", str(config), "--json", "--sample", "50"])
    assert json.loads(told.stdout)["total"] == 4001
    wrong = run(keys, ["nothing", "--config", str(config)])
    assert wrong.exit_code == 2
    assert "there is cache" in wrong.output
