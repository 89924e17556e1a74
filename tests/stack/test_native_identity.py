"""Servers that refuse root run all the same: as root, as somebody else, and below folders that only root may enter."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from stack.native.identity import Identity, Way, choose
from stack.native.postgres import Postgres
from stack.native.redis import Redis
from stack.native.tools import Toolbox
from tests.servers import TOOLS, PgBouncerServer, PostgresServer, Servers

SERVERS: dict[str, type[Postgres] | type[Redis]] = {"postgres": Postgres, "redis-server": Redis}
ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")

START_THE_THREE = """
import os, sys
from pathlib import Path
from stack.native.tools import Toolbox
from tests.servers import servers
assert os.geteuid() != 0
with servers(Toolbox(Path(sys.argv[1]))) as made:
    pooled = made.pgbouncer(made.postgres())
    print(pooled._identity.way.name, pooled.is_ready(), made.redis().is_ready())
"""


@pytest.fixture
def closed_folder() -> Iterator[Path]:
    """Only its owner may enter, as with /root and `mktemp -d`."""
    folder = Path(tempfile.mkdtemp(prefix="trivet-closed-"))
    yield folder
    shutil.rmtree(folder)


def small(toolbox: Toolbox, folder: Path) -> Postgres:
    settings = {"shared_buffers": "1MB"}
    return Postgres(toolbox.need("postgres"), folder, password="pw", settings=settings, durable=False)


def greet(server: Postgres) -> None:
    with psycopg.connect(host=str(server.sockets), port=server.port, user="postgres", password="pw") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_child_whose_parent_was_killed_at_once_does_not_begin() -> None:
    """The kernel sends no death signal that is asked for after the death."""
    words = Identity.ourselves().command(["echo", "begun"], death=signal.SIGTERM)
    assert subprocess.run(words, capture_output=True, check=True).stdout == b"begun\n"
    adopted = subprocess.run(["sh", "-c", '"$@"; exit $?', "sh", *words], capture_output=True, check=False)
    assert (adopted.returncode, adopted.stdout) == (1, b"")


@as_root
def test_root_becomes_an_account_that_can_enter(postgres: PostgresServer, pgbouncer: PgBouncerServer) -> None:
    reachable = choose(postgres.folder.parent, postgres.data, [postgres.tool.path, pgbouncer.tool.path])
    if reachable.way is Way.DROP:
        assert postgres.data.stat().st_uid == reachable.uid != 0
        assert Path(f"/proc/{pgbouncer.pid}").stat().st_uid != 0


def test_a_server_lives_below_a_folder_that_only_we_may_enter(toolbox: Toolbox, closed_folder: Path) -> None:
    server = small(toolbox, closed_folder / "clone" / "pg")
    with server:
        greet(server)
    with server:
        greet(server)
    assert server.folder == closed_folder / "clone" / "pg"
    assert server.data.stat().st_uid == os.geteuid()


@as_root
@pytest.mark.parametrize("kind", ["postgres", "redis-server"])
def test_without_namespaces_the_server_lives_elsewhere_and_says_so(
    kind: str, toolbox: Toolbox, closed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = toolbox.need(kind)
    if tool.root is not None:
        tool = tool.copied(closed_folder / "tools" / kind)
    said: list[str] = []
    server = SERVERS[kind](tool, closed_folder / kind, say=said.append)
    for name in ("setpriv", "test", "locale"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        for _ in range(2):
            with server:
                assert server.is_ready()
        assert closed_folder not in server.folder.parents
        assert f"lives in {server.folder}" in "".join(said)
    finally:
        if closed_folder not in server.folder.parents:
            shutil.rmtree(server.folder)


def test_a_deep_folder_gets_its_socket_in_a_short_one(toolbox: Toolbox, own_servers: Servers) -> None:
    deep = own_servers.folder.joinpath(*["a-rather-long-name"] * 8)
    deep.mkdir(parents=True)
    server = small(toolbox, deep / "pg")
    with server:
        assert len(str(server.socket)) <= 107
        greet(server)
    assert not server.sockets.exists()


@as_root
def test_another_account_than_root_starts_them_all(toolbox: Toolbox, tmp_path: Path) -> None:
    for name in ("postgres", "pgbouncer", "redis-server"):
        toolbox.need(name)
    somebody = choose(ROOT, ROOT, [Path(sys.executable), toolbox.need("postgres").path])
    words = somebody.command([sys.executable, "-c", START_THE_THREE, str(TOOLS)])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.split()) == (0, ["SELF", "True", "True"]), done.stderr


@as_root
def test_data_made_in_a_namespace_can_be_used_after_the_folder_was_opened(
    toolbox: Toolbox, closed_folder: Path
) -> None:
    server = small(toolbox, closed_folder / "pg")
    with server:
        greet(server)
    closed_folder.chmod(0o711)
    with server:
        greet(server)
    closed_folder.chmod(0o700)
    with server:
        greet(server)
