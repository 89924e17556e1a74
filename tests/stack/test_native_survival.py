"""What an earlier run left does not prevent the next, and nothing but our own process is ever touched."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as Client

from stack.native import process
from stack.native.ports import free_port
from stack.native.process import ExitedEarly, Mark, NotReady
from stack.native.redis import Redis
from stack.native.server import FolderInUse, PortTaken
from stack.native.tools import Toolbox
from tests.servers import TOOLS, PgBouncerServer, PostgresServer, RedisServer, Servers

ROOT = Path(__file__).parents[2]

RUN_A_REDIS = """
import sys, time
from pathlib import Path
from stack.native.redis import Redis
from stack.native.tools import Toolbox
server = Redis(Toolbox(Path(sys.argv[1])).need("redis-server"), Path(sys.argv[2]))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(own_servers: Servers) -> Path:
    return own_servers.folder / "server"


@contextlib.contextmanager
def another_process_with_a_redis(folder: Path, path: str | None = None) -> Iterator[tuple[int, Mark]]:
    """Its number, and the mark of the Redis that it started."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **({"PATH": path} if path else {})}
    words = [sys.executable, "-c", RUN_A_REDIS, str(TOOLS), str(folder)]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = Mark.of(int(parent.stdout.readline()))
        assert server is not None
        try:
            yield parent.pid, server
        finally:
            parent.kill()
            # Before its folder goes: a Redis that cannot save does not end.
            if path is None:
                server.wait(10)


def test_a_killed_postgres_starts_again_with_its_data(new_postgres: Callable[..., PostgresServer]) -> None:
    server = new_postgres()
    with server.connect() as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.kill()
    server.start()
    with server.connect() as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_killed_pgbouncer_starts_again(
    postgres: PostgresServer, new_pgbouncer: Callable[..., PgBouncerServer]
) -> None:
    server = new_pgbouncer(postgres)
    server.kill()
    server.start()
    assert server.is_ready()


def test_a_number_that_is_now_another_process_does_not_look_like_a_postgres(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    server = new_postgres()
    server.kill()
    left = server.data / "postmaster.pid"
    lines = left.read_text().splitlines()
    # Same account as the server, when nobody was dropped to: the case in which PostgreSQL itself is deceived.
    left.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    server.start()
    assert server.is_ready()


def test_a_server_ends_with_a_parent_that_was_killed(folder: Path, toolbox: Toolbox) -> None:
    toolbox.need("redis-server")
    with another_process_with_a_redis(folder) as (parent, server):
        os.kill(parent, signal.SIGKILL)
        assert server.wait(10)


def test_a_server_that_an_earlier_run_left_is_stopped_first(
    folder: Path, toolbox: Toolbox, own_servers: Servers, tmp_path: Path
) -> None:
    # Without setpriv nobody asks the kernel for the death signal.
    for name in ("unshare", "test"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    tool = toolbox.need("redis-server")
    with another_process_with_a_redis(folder, str(tmp_path)) as (parent, left):
        os.kill(parent, signal.SIGKILL)
    assert left.runs()
    said: list[str] = []
    with Redis(tool, folder, say=said.append) as server:
        assert not left.runs()
        assert server.is_ready()
    assert str(left.pid) in said[0]


def test_a_folder_belongs_to_one_living_process(folder: Path, toolbox: Toolbox) -> None:
    second = Redis(toolbox.need("redis-server"), folder)
    with another_process_with_a_redis(folder) as (_, server):
        with pytest.raises(FolderInUse, match=str(folder)):
            second.start()
        assert server.runs()


def test_a_server_outlives_the_thread_that_started_it(own_servers: Servers) -> None:
    started: list[RedisServer] = []
    thread = threading.Thread(target=lambda: started.append(own_servers.redis()))
    thread.start()
    thread.join()
    assert not threading.Event().wait(0.2)
    assert started[0].is_ready()


def test_stopping_one_server_touches_no_other(own_servers: Servers) -> None:
    one, other = own_servers.redis(), own_servers.redis()
    with subprocess.Popen(["sleep", "60"]) as bystander, Client.from_url(other.url) as client:
        client.set("kept", "1")
        one.kill()
        one.start()
        one.stop()
        assert client.get("kept") == b"1"
        assert bystander.poll() is None
        bystander.kill()


def test_the_terminal_s_interrupt_does_not_reach_a_server(redis: RedisServer) -> None:
    assert redis.pid is not None
    assert os.getsid(redis.pid) == redis.pid


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(own_servers: Servers) -> None:
    before = process.children(os.getpid())
    with pytest.raises(ExitedEarly, match="no_such_setting"):
        own_servers.postgres(no_such_setting="1")
    assert process.children(os.getpid()) == before


def test_a_taken_port_is_named(own_servers: Servers, redis: RedisServer, toolbox: Toolbox) -> None:
    second = Redis(toolbox.need("redis-server"), own_servers.folder / "second", port=redis.port)
    with pytest.raises(PortTaken, match=str(redis.port)):
        second.start()
    assert second.pid is None


def test_an_answer_from_another_server_is_not_taken_for_its_own(
    own_servers: Servers, redis: RedisServer, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody takes the port between the look at it and the start.
    monkeypatch.setattr("stack.native.server.is_free", lambda _port: True)
    second = Redis(toolbox.need("redis-server"), own_servers.folder / "second", port=redis.port)
    with pytest.raises(ExitedEarly, match="in use"):
        second.start()


def test_a_server_that_is_never_ready_is_ended(own_servers: Servers, toolbox: Toolbox) -> None:
    class Deaf(Redis):
        deadline = 0.3

        def is_ready(self) -> bool:
            return False

    before = process.children(os.getpid())
    server = Deaf(toolbox.need("redis-server"), own_servers.folder / "deaf", port=free_port())
    with pytest.raises(NotReady, match="after 0.3 s"):
        server.start()
    assert server.pid is None
    assert process.children(os.getpid()) == before


def test_a_damaged_record_is_no_obstacle(folder: Path, toolbox: Toolbox) -> None:
    folder.mkdir()
    (folder / "run.json").write_text("{")
    with Redis(toolbox.need("redis-server"), folder) as server:
        assert server.is_ready()


def test_a_record_of_another_process_touches_nobody(folder: Path, toolbox: Toolbox) -> None:
    folder.mkdir()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        mark = Mark.of(bystander.pid)
        assert mark is not None
        # Same number, earlier process.
        Mark(mark.pid, mark.started - 1, mark.boot).write(folder / "run.json")
        with Redis(toolbox.need("redis-server"), folder):
            assert bystander.poll() is None
        bystander.kill()
