"""A VictoriaMetrics server in its own folder: for tests that compare with it."""

from collections.abc import Mapping
from pathlib import Path

from stack.native import probe
from stack.native.ports import LOOPBACK
from stack.native.server import Say, Server, silent
from stack.native.tools import Tool

# Answers include the newest sample, and samples of any year are kept.
FLAGS = {"search.latencyOffset": "0s", "retentionPeriod": "100y"}


class VictoriaMetrics(Server):
    """`flags` win over FLAGS; listening address and data folder are ours. It has no unix socket."""

    name = "victoria-metrics"

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        port: int | None = None,
        flags: Mapping[str, str] | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.flags = FLAGS | dict(flags or {})

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def is_ready(self) -> bool:
        return probe.http_answers(self.port, "/health")

    def _prepare(self) -> None:
        """It needs nothing written."""

    def _command(self) -> list[str]:
        ours = {"storageDataPath": str(self.data), "httpListenAddr": f"{LOOPBACK}:{self.port}"}
        return [str(self.tool.path), *(f"-{name}={value}" for name, value in {**self.flags, **ours}.items())]

    def _socket_name(self) -> str:
        return "none"
