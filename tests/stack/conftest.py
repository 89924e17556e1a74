"""One reference stack for all tests of a worker, below pytest's folder that only root may enter: the hardest place."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
import redis
import requests

from stack.api.settings import Settings
from stack.native.server import Server
from stack.native.tools import Toolbox
from stack.reference import ReferenceStack


@dataclass(frozen=True)
class Reach:
    """How to get at the parts of a running stack."""

    stack: ReferenceStack

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port('api')}"

    def port(self, name: str) -> int:
        ports = {part.name: part.port for part in self.stack.status()}
        port = ports[name]
        assert port is not None
        return port

    def server(self, name: str) -> Server:
        """To restart it."""
        server = self.stack._parts[name]
        assert isinstance(server, Server)
        return server

    def secret(self, name: str) -> str:
        return (self.stack.folder / "secrets" / name).read_text()

    def sources(self) -> dict[str, dict[str, Any]]:
        return {source["kind"]: source for source in tomllib.loads(self.stack.config())["source"]}

    def postgres(self, user: str = "postgres", database: str = "iac_db") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port("postgres"),
            user=user,
            password=self.secret(user),
            dbname=database,
            autocommit=True,
        )

    def console(self, user: str = "trivet") -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port("pgbouncer"),
            user=user,
            password=self.secret(user),
            dbname="pgbouncer",
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
        )

    def redis(self, user: str) -> "redis.Redis":
        return redis.Redis(port=self.port("redis"), username=user, password=self.secret(user), decode_responses=True)

    def settings(self, **changed: Any) -> Settings:
        """The API's, for an app in this process."""
        own = {
            "database_port": self.port("pgbouncer"),
            "redis_port": self.port("redis"),
            "database_password": self.secret("app"),
            "redis_password": self.secret("app"),
        }
        return Settings(**{**own, **changed})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "reach" in getattr(item, "fixturenames", ()):
            # All on one pytest worker: a second stack would take ten seconds and a quarter of a GB.
            item.add_marker(pytest.mark.xdist_group("reference"))


@pytest.fixture(scope="session")
def reach(tmp_path_factory: pytest.TempPathFactory, toolbox: Toolbox) -> Iterator[Reach]:
    stack = ReferenceStack(tmp_path_factory.mktemp("reference"), lambda _line: None, traffic=False, tools=toolbox)
    stack.start()
    yield Reach(stack)
    stack.stop()


@pytest.fixture
def ask(reach: Reach) -> Iterator[Callable[..., requests.Response]]:
    """`ask("GET", "/api/blueprints/7")`"""
    with requests.Session() as session:
        yield lambda method, path, **more: session.request(method, reach.url + path, timeout=15, **more)


@pytest.fixture
def made(ask: Callable[..., requests.Response]) -> dict[str, Any]:
    """A blueprint of this test alone, of a user whom no other test asks about."""
    body = {"user_id": 4999, "name": "tests own blueprint", "provider": "gcp", "definition": {"nodes": 1}}
    row: dict[str, Any] = ask("POST", "/api/blueprints", json=body).json()
    return row
