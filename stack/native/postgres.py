"""A PostgreSQL server in its own folder."""

import secrets
import signal
from collections.abc import Mapping
from pathlib import Path

from stack.native import probe, process
from stack.native.ports import LOOPBACK
from stack.native.process import Mark
from stack.native.server import Say, Server, retried, silent
from stack.native.tools import Tool

# What a killed postmaster's last children make the next one say, until they have noticed.
STILL_IN_USE = "shared memory block"


class Postgres(Server):
    """A cluster of its own: UTF-8, C.UTF-8, SCRAM for every connection, a superuser with a password.

    `config` is a postgresql.conf to start from, `settings` win over it; listening address, port and socket folder
    are ours. `durable=False` gives up fsync for speed: for tests only. The cluster is made at the first start, and
    `superuser` and `password` are those of that first start.
    """

    name = "postgres"
    # Fast shutdown: SIGTERM would wait for every client to leave.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        port: int | None = None,
        superuser: str = "postgres",
        password: str | None = None,
        config: Path | None = None,
        settings: Mapping[str, str] | None = None,
        durable: bool = True,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.superuser = superuser
        self.password = password if password is not None else secrets.token_urlsafe(18)
        self.config = config
        self.settings = dict(settings or {})
        self.durable = durable

    def is_ready(self) -> bool:
        """Whether it answers and is past recovery: postmaster.pid's last line says so."""
        return self._status() == "ready" and probe.postgres_answers(self.port)

    def _status(self) -> str:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()[7].strip()
        except (FileNotFoundError, IndexError):
            return ""

    def _prepare(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._initdb()
        self._end_unrecorded()
        self._write("postgresql.conf", self._rendered())

    def _launch(self) -> None:
        retried(super()._launch, STILL_IN_USE, self.log)

    def _command(self) -> list[str]:
        own = self.folder / "postgresql.conf"
        return [str(self.tool.path), "-D", str(self.data), "-c", f"config_file={own}"]

    def _socket_name(self) -> str:
        return f".s.PGSQL.{self.port}"

    def _initdb(self) -> None:
        self.say("Making a PostgreSQL cluster …")
        for half_made in self.data.iterdir():
            raise process.ProcessError(f"{self.data} holds {half_made.name} but is no PostgreSQL cluster; remove it.")
        password = self._write("password", self.password + "\n")
        try:
            process.run(
                "initdb",
                self._initdb_command(password),
                log=self.log,
                identity=self._identity,
                env=self._env(),
            )
        finally:
            password.unlink()

    def _initdb_command(self, password: Path) -> list[str]:
        words = [str(self.tool.path.with_name("initdb")), "--pgdata", str(self.data), "--username", self.superuser]
        words += ["--pwfile", str(password), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        return words if self.durable else [*words, "--no-sync"]

    def _end_unrecorded(self) -> None:
        """Deals with a postmaster.pid that our own record does not know.

        A server that somebody started here by hand is stopped. The number of a dead one may meanwhile be another
        process (the first numbers after a restart of a container are always the same), which PostgreSQL would take
        for a running server: then the file is removed.
        """
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return
        mark = Mark.of(pid)
        if mark is not None and self._is_ours(pid):
            self.say(f"Stopping postgres (process {pid}), which runs on the same data …")
            mark.end(self.stop_signal, self.grace)
        elif mark is not None:
            file.unlink()

    def _is_ours(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            return False
        return bytes(self.data) in words

    def _rendered(self) -> str:
        lines = []
        if self.config is not None:
            lines += [f"# From {self.config.name}:", self.config.read_text(), "# Ours:"]
        # Commits stay synchronous: a killed process loses none, only a power cut does.
        unsafe = {} if self.durable else {"fsync": "off", "full_page_writes": "off"}
        ours = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": str(self.sockets),
            # To the log file that we hand over.
            "logging_collector": "off",
            "log_destination": "stderr",
        }
        lines += [f"{name} = {_quoted(value)}" for name, value in {**unsafe, **self.settings, **ours}.items()]
        return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """
    >>> _quoted("it's 1 kB")
    "'it''s 1 kB'"
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
