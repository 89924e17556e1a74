"""A Redis (or Valkey) server in its own folder."""

from collections.abc import Mapping
from pathlib import Path

from stack.native import probe
from stack.native.ports import LOOPBACK
from stack.native.server import Say, Server, silent
from stack.native.tools import Tool


class Redis(Server):
    """`config` is a redis.conf to start from, `overrides` win over it, `acl` is the text of its aclfile.

    Listening address, port, data folder, socket and where it logs are ours. Values in `overrides` are written as
    they stand: quote what holds spaces.
    """

    name = "redis-server"

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        port: int | None = None,
        config: Path | None = None,
        overrides: Mapping[str, str] | None = None,
        acl: str | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.config = config
        self.overrides = dict(overrides or {})
        self.acl = acl

    def is_ready(self) -> bool:
        """Whether it answers and has loaded its data."""
        return probe.redis_answers(self.port)

    def _prepare(self) -> None:
        ours = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "dir": f'"{self.data}"',
            "unixsocket": f'"{self.socket}"',
            "unixsocketperm": "777",
            "daemonize": "no",
            "supervised": "no",
            "logfile": '""',
            "pidfile": '""',
        }
        if self.acl is not None:
            ours["aclfile"] = f'"{self._write("users.acl", self.acl)}"'
        lines = [] if self.config is None else [f"# From {self.config.name}:", self.config.read_text(), "# Ours:"]
        lines += [f"{name} {value}" for name, value in {**self.overrides, **ours}.items()]
        # Not as arguments: requirepass and masterauth are for the server only.
        self._write("redis.conf", "\n".join(lines) + "\n")

    def _command(self) -> list[str]:
        return [str(self.tool.path), str(self.folder / "redis.conf")]

    def _socket_name(self) -> str:
        return "redis.sock"
