"""Percentiles of commands are those of the window asked for, not those since the start."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from redis import Redis

from collectors.redis import histogram, metrics, metrics_commands
from collectors.redis.collector import RedisCollector
from collectors.redis.medium import Medium
from collectors.redis.source import RedisSource
from collectors.rest import Rest
from collectors.round import Off, Round
from metrics.model import Labels
from metrics.poll import Tier
from tests.collectors.memory import Memory, poll, value, values
from tests.servers import RedisServer


@pytest.fixture
def server(new_redis: Callable[..., RedisServer]) -> RedisServer:
    return new_redis(enable_debug_command="yes", latency_monitor_threshold="20")


@pytest.fixture
def client(server: RedisServer) -> Iterator[Redis]:
    with closing(Redis(port=server.port, driver_info=None, protocol=2)) as made:
        yield made


def sleep(client: Redis, seconds: float, times: int) -> None:
    for _ in range(times):
        client.execute_command("DEBUG", "SLEEP", seconds)  # type: ignore[no-untyped-call]


def test_a_percentile_is_that_of_the_window(server: RedisServer, client: Redis) -> None:
    memory = Memory()
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        sleep(client, 0.001, 1)
        memory.take(collector)
        sleep(client, 0.05, 10)
        memory.take(collector)
        slow = memory.value(metrics_commands.command_p99, cmd="debug")
        for _ in range(5):
            sleep(client, 0.001, 4)
            memory.take(collector)
        quick = memory.value(metrics_commands.command_p99, window=20.0, cmd="debug")
        both = memory.value(metrics_commands.command_mean, cmd="debug")
    assert 0.034 < slow <= 0.068
    # A busy machine sleeps longer than it was told to, and never a whole bucket of the slow ones.
    assert 0.001 < quick <= 0.017
    assert both == pytest.approx((10 * 0.05 + 20 * 0.001) / 30, rel=0.2)


def test_edges_are_those_that_redis_prints(server: RedisServer, client: Redis) -> None:
    for step in range(8):
        sleep(client, 0.0002 * 2**step, 1)
    told = client.execute_command("LATENCY", "HISTOGRAM")  # type: ignore[no-untyped-call]
    printed = {edge for command in told[1::2] for edge in command[3][::2]}
    assert len(printed) >= 6
    assert printed <= set(histogram.EDGES)


def test_spikes_are_told_with_their_time(server: RedisServer, client: Redis) -> None:
    sleep(client, 0.03, 1)
    with closing(RedisCollector(RedisSource(name="cache", port=server.port))) as collector:
        found = poll(collector, Tier.MEDIUM)
    (event,) = values(found, "redis_latency_event_seconds")
    assert dict(event) == {"event": "command"}
    assert 0.03 <= value(found, "redis_latency_event_max_seconds", event="command") < 0.1
    assert found.at - 60 < value(found, "redis_latency_event_last_seconds", event="command") <= found.at + 1


def test_of_many_commands_the_busiest_are_shown_and_the_others_are_a_counter(server: RedisServer) -> None:
    with (
        closing(Redis(port=server.port, driver_info=None, protocol=2)) as client,
        closing(RedisCollector(RedisSource(name="cache", port=server.port, max_series=200))) as collector,
    ):
        words = ["SET", "GET", "INCR", "APPEND", "STRLEN", "GETRANGE", "SETNX", "DECR", "INCRBY", "DECRBY", "GETSET"]
        words += ["EXISTS", "DEL", "TOUCH", "UNLINK"]
        arguments = {"SET": ["1"], "APPEND": ["1"], "GETRANGE": ["0", "1"], "SETNX": ["1"], "GETSET": ["1"]}

        def run() -> None:
            for word in words:
                for _ in range(10):
                    more = ["1"] if word in ("INCRBY", "DECRBY") else arguments.get(word, [])
                    client.execute_command(word, f"many:{word}", *more)  # type: ignore[no-untyped-call]

        run()
        first = poll(collector, Tier.MEDIUM)
        run()
        second = poll(collector, Tier.MEDIUM)
        fast = poll(collector)
        with closing(RedisCollector(collector.source)) as started_anew:
            poll(started_anew, Tier.MEDIUM)
            later = poll(started_anew)
    # What the others were given is forgotten at a start: a command of its own would jump by it.
    assert fast.epochs[metrics.EPOCH] != later.epochs[metrics.EPOCH]
    assert first.left_out > 0
    before, after = (values(each, "redis_commands_total") for each in (first, second))
    rest = (("cmd", "(rest)"),)
    assert rest in before
    assert len(before) == 11
    assert len(values(first, "redis_command_latency_seconds_count")) <= 6
    assert after[rest] >= before[rest] + 10
    risen = sum(after[key] - before[key] for key in before.keys() & after.keys())
    assert 100 <= risen <= 10 * len(words) + 20


def test_the_base_line_of_a_rest_is_the_last_look_without_one() -> None:
    few = Rest(("cmd",), ("calls",), ("calls",), 2)
    assert few.look([{"cmd": "a", "calls": 5}, {"cmd": "b", "calls": 7}]) == (
        [{"cmd": "a", "calls": 5}, {"cmd": "b", "calls": 7}],
        [],
        0,
    )
    shown, (rest,), left = few.look([{"cmd": "a", "calls": 6}, {"cmd": "b", "calls": 17}, {"cmd": "c", "calls": 30}])
    assert left == 1
    assert {row["cmd"] for row in shown} == {"b", "c"}
    _, (later,), _ = few.look([{"cmd": "a", "calls": 8}, {"cmd": "b", "calls": 18}, {"cmd": "c", "calls": 31}])
    assert later["calls"] - rest["calls"] == 2


def test_a_command_that_was_part_of_the_rest_has_its_own_mean_again() -> None:
    """Each call takes 8 µs, so sum and count of every series rise alike, whoever is shown."""
    medium, calls = Medium(0, arguments=False), dict.fromkeys("abcdefgh", 10)
    last: dict[Labels, tuple[float, float]] = {}
    back = set()
    for look, busy in enumerate(["", "fgh", "fgh", "abc", "abc", "fgh", "fgh"]):
        for cmd in calls:
            calls[cmd] += 1000 * 2**look if cmd in busy else 1
        medium._usec = {cmd: 8.0 * n for cmd, n in calls.items()}
        told = [each for cmd, n in calls.items() for each in (cmd, ["calls", n, "histogram_usec", [8, n]])]
        round_ = Round("cache", Tier.MEDIUM, Off())
        medium._histograms(round_, told)
        found = round_.poll()
        counts, sums = (values(found, f"redis_command_latency_seconds_{end}") for end in ("count", "sum"))
        assert counts.keys() == sums.keys()
        assert (("cmd", "(rest)"),) in counts
        for key, (count, total) in last.items():
            if key in counts:
                assert sums[key] - total == pytest.approx(8e-6 * (counts[key] - count), abs=1e-9)
                back.add(key)
        last |= {key: (counts[key], sums[key]) for key in counts}
    assert {(("cmd", cmd),) for cmd in ("a", "f", "(rest)")} <= back
