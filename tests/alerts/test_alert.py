"""`trivet alert` beside `trivet collect`: a real Redis dies and somebody is told once; so when it comes back."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alerts.message import Message
from storage.deliveries import SENT, Deliveries
from storage.incidents import Incidents
from tests.alerts.receivers import Got, Receiver, receiving
from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]
WITHIN = 60.0
CONFIG = """
[store]
folder = "data"
[alerts]
group = "0s"
allow_networks = ["127.0.0.0/8"]
[[alert]]
rule = "source_up"
hold = "1s"
keep = "1s"
[[channel]]
kind = "webhook"
name = "hook"
url = "{hook}"
[[source]]
kind = "redis"
name = "cache"
host = "{redis.host}"
port = {redis.port}
interval = "1s"
"""


@contextmanager
def command(name: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / f"{name}.log").open("ab") as log:
        popen = subprocess.Popen(
            [sys.executable, "-m", "cli", name, "--config", "trivet.toml"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        yield popen
    finally:
        if popen.poll() is None:
            popen.send_signal(signal.SIGTERM)
            popen.wait(20)


def until(true: Callable[[], Any], folder: Path) -> None:
    end = time.monotonic() + WITHIN
    while not true():
        said = "\n".join(each.read_text() for each in folder.glob("*.log"))
        assert "Error:" not in said, said
        assert time.monotonic() < end, said
        time.sleep(0.05)


def alerts(got: Got) -> list[tuple[str, str, str]]:
    return [
        (each["status"], each["labels"]["alertname"], each["labels"]["source"])
        for each in json.loads(got.body)["alerts"]
    ]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, receiver: Receiver, new_redis: Callable[..., RedisServer]) -> Path:
    (tmp_path / "trivet.toml").write_text(CONFIG.format(hook=receiver.url, redis=new_redis()))
    return tmp_path


def test_a_server_that_dies_is_told_once_and_its_return_once(
    tmp_path: Path, receiver: Receiver, new_redis: Callable[..., RedisServer]
) -> None:
    server = new_redis()
    (tmp_path / "trivet.toml").write_text(CONFIG.format(hook=receiver.url, redis=server))
    incidents = Incidents(tmp_path / "data")
    with command("collect", tmp_path), command("alert", tmp_path) as first:
        until(lambda: any(mind.rule == "source_up" for mind in incidents.minds()), tmp_path)
        server.kill()
        (got,) = receiver.wait(1, WITHIN)
        assert alerts(got) == [("firing", "source_up", "cache")]
        # Whoever takes over knows what was told, once that is written; what was under way is sent again.
        until(lambda: Deliveries(tmp_path / "data").newest(1, SENT), tmp_path)
        first.kill()
        first.wait(20)
        with command("alert", tmp_path):
            server.start()
            receiver.wait(2, WITHIN)
            until(lambda: not incidents.open(), tmp_path)
            assert [alerts(got) for got in receiver.got] == [
                [("firing", "source_up", "cache")],
                [("resolved", "source_up", "cache")],
            ]
    (ended,) = incidents.past(10)
    assert ended.began < ended.fired < (ended.resolved or 0)
    assert [each.kind for each in Deliveries(tmp_path / "data").newest(10, SENT)] == ["resolved", "firing"]


def test_a_second_judge_waits_and_takes_over(folder: Path) -> None:
    with command("alert", folder) as first:
        until(lambda: "Judging 1 sources" in (folder / "alert.log").read_text(), folder)
        with command("alert", folder):
            until(lambda: "Another process judges" in (folder / "alert.log").read_text(), folder)
            first.send_signal(signal.SIGTERM)
            assert first.wait(20) == 0
            until(lambda: (folder / "alert.log").read_text().count("Judging 1 sources") == 2, folder)


def test_a_config_file_with_a_mistake_is_not_taken(folder: Path) -> None:
    config, log = folder / "trivet.toml", folder / "alert.log"
    with command("alert", folder) as judge:
        until(lambda: "Judging 1 sources" in log.read_text(), folder)
        whole = config.read_text()
        config.write_text(whole.replace('rule = "source_up"', 'rule = "source_upp"'))
        judge.send_signal(signal.SIGHUP)
        until(lambda: "not taken" in log.read_text(), folder)
        assert "source_up" in json.loads((folder / "data" / "alert.json").read_text())["config"]
        config.write_text(whole)
        judge.send_signal(signal.SIGHUP)
        until(lambda: "was read again" in log.read_text(), folder)
        assert json.loads((folder / "data" / "alert.json").read_text())["config"] == ""
        assert judge.poll() is None


def test_a_channel_that_is_new_in_the_config_file_sends_at_once(folder: Path, receiver: Receiver) -> None:
    config, log = folder / "trivet.toml", folder / "alert.log"
    with command("alert", folder) as judge:
        until(lambda: "Judging 1 sources" in log.read_text(), folder)
        more = f'[[channel]]\nkind = "webhook"\nname = "late"\nurl = "{receiver.url}"\n'
        config.write_text(config.read_text().replace("[[source]]", f"{more}[[source]]"))
        judge.send_signal(signal.SIGHUP)
        until(lambda: "was read again" in log.read_text(), folder)
        body = msgspec.json.encode(Message(kind="test", at=0.0, note="A test.")).decode()
        number = Deliveries(folder / "data").queue("late", "test", body, time.time())
        (got,) = receiver.wait(1, WITHIN)
        assert got.headers["Trivet-Delivery"] == number
