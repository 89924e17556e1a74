"""An Alertmanager in its own folder, alone: it takes alerts and says which it has."""

import json
from collections.abc import Mapping
from urllib.request import urlopen

from stack.native import probe
from stack.native.ports import LOOPBACK
from stack.native.server import Server

PATIENCE = 10.0
CONFIG = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}


class Alertmanager(Server):
    """It tells nobody. It has no unix socket."""

    name = "alertmanager"

    @property
    def url(self) -> str:
        """Its address, without /api/v2."""
        return f"http://{self.host}:{self.port}"

    def active(self) -> list[Mapping[str, str]]:
        """The labels of the alerts that fire."""
        with urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=PATIENCE) as answer:  # noqa: S310 - our own address
            return [alert["labels"] for alert in json.load(answer)]

    def is_ready(self) -> bool:
        """Whether it takes alerts."""
        return probe.http_answers(self.port, "/-/ready")

    def _prepare(self) -> None:
        # JSON is YAML.
        self._write("alertmanager.yml", json.dumps(CONFIG))

    def _command(self) -> list[str]:
        flags = {
            "config.file": str(self.folder / "alertmanager.yml"),
            "storage.path": str(self.data),
            "web.listen-address": f"{LOOPBACK}:{self.port}",
            # No others to gossip with.
            "cluster.listen-address": "",
        }
        return [*self._seeing(), str(self.tool.path), *(f"--{name}={value}" for name, value in flags.items())]

    def _seeing(self) -> list[str]:
        """Debian's looks for its templates below /usr/share, wherever it was unpacked: there it sees its own."""
        if self.tool.root is None:
            return []
        apart = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        return [*apart, 'mount --rbind "$0" /usr/share && exec "$@"', str(self.tool.root / "usr/share")]

    def _socket_name(self) -> str:
        return "none"
