"""The reference stack: what Trivet watches when it is given nothing else.

PostgreSQL with a platform's data, PgBouncer, Redis, the served API and its traffic, as child processes on loopback
ports. All it knows lies below one folder: ports.json, secrets/, traffic.json and a folder for each process.
"""

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from stack.api.process import ApiProcess
from stack.database import setup
from stack.native import process
from stack.native.ports import LOOPBACK, KeptPorts, is_free
from stack.native.postgres import Postgres
from stack.native.server import hold
from stack.native.tools import Toolbox, ToolMissing
from stack.pgbouncer.server import ReferencePgBouncer
from stack.redis.server import ReferenceRedis
from stack.traffic.runner import Plan, Traffic

Say = Callable[[str], None]
CONFIG = Path(__file__).parent
# Together under the 10 s in which a stop has to be over.
GRACE_SECONDS = {"postgres": 4.0, "pgbouncer": 1.0, "redis": 1.0}
# How long to wait for a port that an earlier run's dying process may still hold.
PATIENCE_SECONDS = 5.0


class Part(Protocol):
    @property
    def pid(self) -> int | None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class PartStatus:
    """`ready` means that it answers; for traffic, that it runs."""

    name: str
    pid: int | None
    port: int | None
    ready: bool


class ReferenceStack:
    """`home` is the data folder: the stack lives in home/stack, fetched programs in home/tools.

    start() returns when all parts are healthy and leaves nothing running when it raises; the first one fills the
    database. stop() ends what start() began, in reverse order, in less than 10 s, and nothing else; it may be called
    at any time, also twice. A second stack in the same folder is refused (FolderInUse). One thread at a time.
    """

    def __init__(
        self, home: Path, say: Say, traffic: bool = True, *, plan: Plan | None = None, tools: Toolbox | None = None
    ) -> None:
        self.folder = home.absolute() / "stack"
        self._say = say
        self._with_traffic = traffic
        self._plan = plan
        self._tools = tools or Toolbox(home / "tools", say)
        self._ports = KeptPorts(self.folder / "ports.json")
        self._parts: dict[str, Part] = {}
        self._userlist = ""
        self._lock: IO[bytes] | None = None

    def start(self, stopping: Callable[[], bool] = bool) -> None:
        """`stopping` is asked before each step; when it says yes, the rest is not started, and stop() is next."""
        if self._lock is not None:
            return
        self._hold()
        steps = (self._start_postgres, self._start_pgbouncer, self._start_redis, self._start_api, self._start_traffic)
        try:
            for step in steps:
                if not stopping():
                    step()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        # Backwards, and to the end even if one of them fails.
        with contextlib.ExitStack() as ends:
            if self._lock is not None:
                ends.callback(self._lock.close)
            for part in self._parts.values():
                ends.callback(part.stop)
            self._parts, self._lock = {}, None

    def status(self) -> tuple[PartStatus, ...]:
        return tuple(self._status(name, part) for name, part in self._parts.items())

    def pids(self) -> dict[str, list[int]]:
        """All processes of each part, the first its main one: whose CPU time is the part's."""
        trees = {name: _tree(part.pid) for name, part in self._parts.items() if part.pid is not None}
        return {name: tree for name, tree in trees.items() if tree}

    def config(self) -> str:
        """The four sources as trivet.toml has them. Right from the first start on; ports may change at a start."""
        return "\n".join(
            [
                self._source("postgres", user="trivet", database=setup.NAME),
                self._source("pgbouncer", user="trivet"),
                self._source("redis", user="trivet"),
                self._source("api"),
            ]
        )

    def _start_postgres(self) -> None:
        self._say("Starting PostgreSQL …")
        postgres = Postgres(
            self._tools.need("postgres"),
            self.folder / "postgres",
            port=self._port("postgres"),
            password=self._secret("postgres"),
            config=CONFIG / "postgres" / "postgresql.conf",
            say=self._say,
        )
        postgres.grace = GRACE_SECONDS["postgres"]
        self._parts["postgres"] = postgres
        postgres.start()
        passwords = setup.Passwords(self._secret("app"), self._secret("trivet"), self._secret("demo"))
        self._userlist = setup.set_up(postgres, passwords, self._say)

    def _start_pgbouncer(self) -> None:
        self._say("Starting PgBouncer …")
        pgbouncer = ReferencePgBouncer(
            self._tools.need("pgbouncer"),
            self.folder / "pgbouncer",
            port=self._port("pgbouncer"),
            database=setup.NAME,
            database_port=self._known("postgres"),
            say=self._say,
        )
        pgbouncer.userlist = self._userlist
        pgbouncer.grace = GRACE_SECONDS["pgbouncer"]
        self._parts["pgbouncer"] = pgbouncer
        pgbouncer.start()

    def _start_redis(self) -> None:
        self._say("Starting Redis …")
        redis = ReferenceRedis(
            self._tools.need("redis-server"),
            self.folder / "redis",
            port=self._port("redis"),
            app_password=self._secret("app"),
            trivet_password=self._secret("trivet"),
            say=self._say,
        )
        redis.grace = GRACE_SECONDS["redis"]
        self._parts["redis"] = redis
        redis.start()

    def _start_api(self) -> None:
        self._say("Starting the API …")
        secret = str(self._secret_file("app"))
        settings = {
            "API_DATABASE_PORT": str(self._known("pgbouncer")),
            "API_REDIS_PORT": str(self._known("redis")),
            "API_DATABASE_PASSWORD_FILE": secret,
            "API_REDIS_PASSWORD_FILE": secret,
        }
        api = ApiProcess(self.folder / "api", port=self._port("api"), settings=settings)
        self._parts["api"] = api
        api.start()

    def _start_traffic(self) -> None:
        if not self._with_traffic:
            return self._say("No traffic: rates stay unknown until somebody asks the API something.")
        try:
            tool = self._tools.need("k6")
        except ToolMissing as missing:
            return self._say(f"No traffic: {missing}")
        traffic = Traffic(
            tool,
            self.folder / "traffic",
            self.folder / "traffic.json",
            base_url=self._api_url(),
            demo_password=self._secret("demo"),
            say=self._say,
            plan=self._plan,
        )
        self._parts["traffic"] = traffic
        traffic.start()
        return self._say("The reference stack runs, with its traffic.")

    def _status(self, name: str, part: Part) -> PartStatus:
        ready = part.pid is not None
        if ready and isinstance(part, Postgres | ReferencePgBouncer | ReferenceRedis | ApiProcess):
            ready = part.is_ready()
        return PartStatus(name, part.pid, self._ports.known(name), ready)

    def _source(self, kind: str, user: str | None = None, database: str | None = None) -> str:
        lines = ["[[source]]", f'name = "reference-{kind}"', f'kind = "{kind}"']
        if kind == "api":
            lines.append(f'url = "{self._api_url()}/metrics"')
        else:
            lines += [f'host = "{LOOPBACK}"', f"port = {self._known(kind)}", f'user = "{user}"']
            lines.append(f"password_file = {_toml(str(self._secret_file('trivet')))}")
        if database is not None:
            lines.append(f'database = "{database}"')
        return "\n".join([*lines, 'tags = { environment = "reference" }', ""])

    def _api_url(self) -> str:
        return f"http://{LOOPBACK}:{self._known('api')}"

    def _known(self, name: str) -> int:
        port = self._ports.known(name)
        return self._port(name) if port is None else port

    def _port(self, name: str) -> int:
        known = self._ports.known(name)
        end = time.monotonic() + PATIENCE_SECONDS
        while known is not None and not is_free(known) and time.monotonic() < end:
            time.sleep(0.05)
        port = self._ports.port(name)
        if known not in (None, port):
            self._say(f"Port {known} of {name} is taken; it has {port} from now on.")
        return port

    def _secret(self, name: str) -> str:
        file = self._secret_file(name)
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = file.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(24), encoding="utf-8")
            fresh.replace(file)
        return file.read_text(encoding="utf-8")

    def _secret_file(self, name: str) -> Path:
        return self.folder / "secrets" / name

    def _hold(self) -> None:
        """Before anything is read: a second stack would take the first one's ports for taken and choose others."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._lock = hold(self.folder, "a reference stack")


def _tree(pid: int | None) -> list[int]:
    if pid is None:
        return []
    return [pid, *(below for child in process.children(pid) for below in _tree(child.pid))]


def _toml(text: str) -> str:
    r"""
    >>> print(_toml('a "b"'))
    "a \"b\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
