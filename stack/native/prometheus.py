"""A Prometheus server in its own folder: it takes remote writes, scrapes what it is told to, and answers questions."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from stack.native import probe
from stack.native.ports import LOOPBACK
from stack.native.server import Say, Server, silent
from stack.native.tools import Tool

# Samples of any year are kept. It never cleans up while a test looks.
FLAGS = {"storage.tsdb.retention.time": "100y", "log.level": "warn"}


class Prometheus(Server):
    """`flags` win over FLAGS; address, config file and data folder are ours. It has no unix socket.

    scrape  URLs of the pages that it scrapes every 5 s, each a job called by its place in the list
    late   how old a sample may be beside newer ones of its series, as Prometheus writes a time; by default not at all
    """

    name = "prometheus"

    def __init__(
        self,
        tool: Tool,
        folder: Path,
        *,
        port: int | None = None,
        late: str = "0s",
        scrape: Sequence[str] = (),
        flags: Mapping[str, str] | None = None,
        say: Say = silent,
    ) -> None:
        super().__init__(tool, folder, port=port, say=say)
        self.late = late
        self.scrape = list(scrape)
        self.flags = FLAGS | dict(flags or {})

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def is_ready(self) -> bool:
        return probe.http_answers(self.port, "/-/ready")

    def _prepare(self) -> None:
        jobs = [_job(str(number), url) for number, url in enumerate(self.scrape)]
        config = {
            "global": {"scrape_interval": "5s"},
            "storage": {"tsdb": {"out_of_order_time_window": self.late}},
            "scrape_configs": jobs,
        }
        # JSON is YAML.
        self._write("prometheus.yml", json.dumps(config))

    def _command(self) -> list[str]:
        ours = {
            "config.file": str(self.folder / "prometheus.yml"),
            "storage.tsdb.path": str(self.data),
            "web.listen-address": f"{LOOPBACK}:{self.port}",
        }
        flags = (f"--{name}={value}" for name, value in {**self.flags, **ours}.items())
        return [str(self.tool.path), "--web.enable-remote-write-receiver", *flags]

    def _socket_name(self) -> str:
        return "none"


def _job(name: str, url: str) -> dict[str, object]:
    place = urlsplit(url)
    return {"job_name": name, "metrics_path": place.path, "static_configs": [{"targets": [place.netloc]}]}
