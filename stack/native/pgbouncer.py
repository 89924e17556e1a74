"""A PgBouncer in its own folder."""

import signal
from collections.abc import Mapping
from pathlib import Path

from stack.native import probe
from stack.native.ports import LOOPBACK
from stack.native.server import Say, Server, ServerError, silent
from stack.native.tools import Tool


class PgBouncer(Server):
    """`config` is the text of a pgbouncer.ini, with its [pgbouncer] section, and `userlist` that of its auth_file.

    Listening address, port, socket folder, auth_file and where it logs are ours and win over what `config` says.
    """

    name = "pgbouncer"

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        config: str,
        userlist: str = "",
        port: int | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.config = config
        self.userlist = userlist
        # Up to 1.22 TERM ends it at once; since 1.23 TERM waits for clients to leave, and QUIT ends it at once.
        self.stop_signal = signal.SIGTERM if tool.version() < (1, 23) else signal.SIGQUIT

    def is_ready(self) -> bool:
        """Whether it answers; the server behind it may not."""
        return probe.postgres_answers(self.port)

    def reload(self) -> None:
        """Writes `config` and `userlist` as they are now and has them read."""
        self._prepare()
        self._send(signal.SIGHUP)

    def _prepare(self) -> None:
        userlist = self._write("userlist.txt", self.userlist)
        ours = {
            "listen_addr": LOOPBACK,
            "listen_port": str(self.port),
            "unix_socket_dir": str(self.sockets),
            "auth_file": str(userlist),
            # To the log file that we hand over; no pid file, because one left behind prevents a start.
            "logfile": "",
            "pidfile": "",
            "user": "",
        }
        self._write("pgbouncer.ini", _with(self.config, ours))

    def _command(self) -> list[str]:
        return [str(self.tool.path), str(self.folder / "pgbouncer.ini")]

    def _socket_name(self) -> str:
        return f".s.PGSQL.{self.port}"


def _with(config: str, ours: Mapping[str, str]) -> str:
    """`config` with our settings at the end of its [pgbouncer] section, where they win.

    Not in a second [pgbouncer] section: its header would set everything in the first back to defaults.

    >>> print(_with("[pgbouncer]\\npool_mode = session\\n[users]\\n", {"listen_port": "6432"}), end="")
    [pgbouncer]
    pool_mode = session
    listen_port = 6432
    [users]
    """
    lines = config.splitlines()
    headers = [number for number, line in enumerate(lines) if line.strip().startswith("[")]
    opening = [number for number in headers if lines[number].strip() == "[pgbouncer]"]
    if len(opening) != 1:
        raise ServerError(f"The PgBouncer config has {len(opening)} [pgbouncer] sections; it needs one.")
    end = next((number for number in headers if number > opening[0]), len(lines))
    lines[end:end] = [f"{name} = {value}" for name, value in ours.items()]
    return "\n".join(lines) + "\n"
