"""The reference stack as a whole: its starts, its stop, and what it tells Trivet."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
import requests
from click.testing import CliRunner

from cli import main
from stack.api.process import ROOT
from stack.native.process import Mark
from stack.native.server import FolderInUse, hold
from stack.native.tools import Toolbox
from stack.reference import ReferenceStack
from stack.traffic.runner import Plan
from tests.stack.conftest import Reach


def test_the_config_reaches_all_four(reach: Reach) -> None:
    sources = reach.sources()
    assert set(sources) == {"postgres", "pgbouncer", "redis", "api"}
    assert all(source["tags"] == {"environment": "reference"} for source in sources.values())
    for kind in ("postgres", "pgbouncer"):
        source = sources[kind]
        with psycopg.connect(
            host=source["host"],
            port=source["port"],
            user=source["user"],
            password=Path(source["password_file"]).read_text(),
            dbname=source.get("database", kind),
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
        ) as connection:
            assert connection.execute("SHOW server_version" if kind == "postgres" else "SHOW VERSION").fetchone()
    own = sources["redis"]
    with redis.Redis(
        own["host"], own["port"], username=own["user"], password=Path(own["password_file"]).read_text()
    ) as client:
        assert client.ping()
    assert requests.get(sources["api"]["url"], timeout=5).status_code == 200


def test_nothing_is_lacking_of_what_the_collectors_ask_for(reach: Reach, tmp_path: Path) -> None:
    """Else `trivet check` would find fault with the stack that comes along."""
    config = tmp_path / "trivet.toml"
    config.write_text(reach.stack.config())
    checked = CliRunner().invoke(main, ["check", "--config", str(config)])
    assert checked.exit_code == 0, checked.output
    assert "Nothing is lacking." in checked.output, checked.output


def test_secrets_are_for_the_owner_only(reach: Reach) -> None:
    folder = reach.stack.folder / "secrets"
    assert {file.name for file in folder.iterdir()} == {"postgres", "app", "trivet", "demo"}
    assert {oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {"0o600"}
    assert len({file.read_text() for file in folder.iterdir()}) == 4


def test_no_secret_is_in_argv(reach: Reach) -> None:
    secrets = [file.read_bytes() for file in (reach.stack.folder / "secrets").iterdir()]
    for pids in reach.stack.pids().values():
        for pid in pids:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert not [secret for secret in secrets if secret in words]


def test_all_parts_say_that_they_are_ready(reach: Reach) -> None:
    assert {part.name: part.ready for part in reach.stack.status()} == dict.fromkeys(
        ("postgres", "pgbouncer", "redis", "api"), True
    )


def test_its_processes_are_known_with_their_children(reach: Reach) -> None:
    pids = reach.stack.pids()
    assert set(pids) == {"postgres", "pgbouncer", "redis", "api"}
    assert len(pids["api"]) >= 3
    assert len(pids["postgres"]) > 5


def test_a_second_stack_in_the_same_folder_is_refused(reach: Reach, toolbox: Toolbox) -> None:
    ports = (reach.stack.folder / "ports.json").read_text()
    second = ReferenceStack(reach.stack.folder.parent, lambda _line: None, tools=toolbox)
    with pytest.raises(FolderInUse):
        second.start()
    second.stop()
    assert (reach.stack.folder / "ports.json").read_text() == ports
    assert all(part.ready for part in reach.stack.status())


def test_who_lets_go_a_moment_later_is_waited_for(tmp_path: Path) -> None:
    """A child of a killed process that was just being started has its files until it is another program."""
    first = hold(tmp_path, "it")
    threading.Timer(0.2, first.close).start()
    hold(tmp_path, "it").close()


def test_a_killed_granian_takes_its_workers_with_it(restarted: ReferenceStack) -> None:
    restarted.start()
    granian, *workers = (Mark.of(pid) for pid in restarted.pids()["api"])
    assert granian is not None
    os.kill(granian.pid, signal.SIGKILL)
    assert workers
    assert all(worker is None or worker.wait(20) for worker in workers)
    assert {part.name for part in restarted.status() if not part.ready} == {"api"}


@pytest.fixture
def restarted(reach: Reach) -> Iterator[ReferenceStack]:
    """The worker's stack, stopped; it runs again afterwards."""
    reach.stack.stop()
    yield reach.stack
    reach.stack.stop()
    reach.stack.start()


def test_a_second_start_goes_on_with_the_same_data_and_ports(reach: Reach) -> None:
    body = {"user_id": 4995, "name": "still there", "provider": "aws"}
    row = requests.post(f"{reach.url}/api/blueprints", json=body, timeout=5).json()
    config, url, start = reach.stack.config(), reach.url, time.monotonic()
    reach.stack.stop()
    reach.stack.start()
    assert time.monotonic() - start < 15
    assert reach.stack.config() == config
    assert requests.get(f"{url}/api/blueprints/{row['id']}", timeout=5).json() == row


def test_it_stops_in_time_with_traffic_and_clients_and_leaves_no_process(
    restarted: ReferenceStack, toolbox: Toolbox
) -> None:
    busy = ReferenceStack(restarted.folder.parent, lambda _line: None, plan=Plan(rate=30), tools=toolbox)
    busy.start()
    reach = Reach(busy)
    connection = reach.postgres()
    connection.execute("BEGIN")
    with requests.Session() as client, contextlib.closing(connection):
        client.get(f"{reach.url}/api/blueprints", timeout=5)
        time.sleep(1)
        pids = [pid for tree in busy.pids().values() for pid in tree]
        assert len(pids) > 10
        start = time.monotonic()
        busy.stop()
        assert time.monotonic() - start < 10
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    busy.stop()


def test_a_taken_port_is_replaced_and_said(restarted: ReferenceStack, toolbox: Toolbox) -> None:
    said: list[str] = []
    other = ReferenceStack(restarted.folder.parent, said.append, traffic=False, tools=toolbox)
    port = other._ports.known("api")
    assert port is not None
    with socket.create_server(("127.0.0.1", port)):
        other.start()
    try:
        assert f"Port {port} of api is taken" in "\n".join(said)
        assert f":{port}/metrics" not in other.config()
    finally:
        other.stop()


def test_a_failed_start_leaves_nothing_running(
    restarted: ReferenceStack, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ReferenceStack(restarted.folder.parent, lambda _line: None, traffic=False, tools=toolbox)
    seen: list[int] = []

    def fail() -> None:
        seen.extend(pid for tree in broken.pids().values() for pid in tree)
        raise KeyboardInterrupt

    monkeypatch.setattr(broken, "_start_api", fail)
    with pytest.raises(KeyboardInterrupt):
        broken.start()
    assert len(seen) > 6
    assert [pid for pid in seen if Path(f"/proc/{pid}").exists()] == []


def test_a_start_that_is_called_off_starts_no_more(restarted: ReferenceStack) -> None:
    answers = iter([False, False, True, True, True])
    restarted.start(lambda: next(answers))
    assert [part.name for part in restarted.status()] == ["postgres", "pgbouncer"]


OTHER_PROCESS = """
import sys, time
from pathlib import Path
from stack.native.tools import Toolbox
from stack.reference import ReferenceStack
stack = ReferenceStack(Path(sys.argv[1]), lambda line: None, tools=Toolbox(Path(sys.argv[2])))
stack.start()
print(stack.pids()["api"][0], flush=True)
time.sleep(600)
"""


def test_a_killed_trivet_takes_the_stack_with_it_and_the_next_one_goes_on(
    restarted: ReferenceStack, toolbox: Toolbox
) -> None:
    words = [sys.executable, "-c", OTHER_PROCESS, str(restarted.folder.parent), str(toolbox.home)]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        api = int(other.stdout.readline())
        os.kill(other.pid, signal.SIGKILL)
    config = restarted.config()
    restarted.start()
    assert restarted.config() == config
    assert restarted.pids()["api"][0] != api
    assert Mark.of(api) is None
