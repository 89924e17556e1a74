"""A Prometheus exporter in front of one server: for tests and measurements that compare with it."""

import http.client
from collections.abc import Mapping, Sequence
from pathlib import Path

from stack.native import probe
from stack.native.server import Say, Server, ServerError, silent
from stack.native.tools import Tool

LISTEN = "web.listen-address"
METRICS = "/metrics"


class Exporter(Server):
    """`flags` are its command line, to which the listening address is added; what it must not show, the address and
    the credentials of the server it looks at, comes in `secrets`, variables of its own environment. No unix socket.
    """

    name = "exporter"

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        secrets: Mapping[str, str],
        flags: Sequence[str] = (),
        port: int | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.secrets = dict(secrets)
        self.flags = list(flags)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}{METRICS}"

    def page(self, patience: float = 30.0) -> str:
        """Its metrics as they are now: it asks its server when it is asked. Raises ServerError."""
        asked = http.client.HTTPConnection(self.host, self.port, timeout=patience)
        try:
            asked.request("GET", METRICS)
            answer = asked.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{self.tool.name} gave no page: {error}") from error
        finally:
            asked.close()
        if answer.status != http.HTTPStatus.OK:
            raise ServerError(f"{self.tool.name} answered {answer.status}: {text[:500]}")
        return text

    def is_ready(self) -> bool:
        """Whether it answers; the server that it looks at is not asked."""
        return probe.http_answers(self.port, "/")

    def _prepare(self) -> None:
        """It needs nothing written."""

    def _command(self) -> list[str]:
        return [str(self.tool.path), *self.flags, f"--{LISTEN}={self.host}:{self.port}"]

    def _env(self) -> Mapping[str, str]:
        return {**super()._env(), **self.secrets}

    def _socket_name(self) -> str:
        return "none"
