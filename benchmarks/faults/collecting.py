"""The real `trivet collect` over APIs that this process serves."""

import contextlib
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from benchmarks.faults.child import Child, ended
from metrics.model import Selector
from metrics.points import Points
from storage.reading import SeriesReader

PAGE = b"# TYPE http_requests_total counter\nhttp_requests_total 7\n"
START = 15.0
END = 1e11


class Answering(BaseHTTPRequestHandler):
    """Always the same page, over a connection that stays."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        with contextlib.suppress(ConnectionError):
            # A collector that was killed reads no more.
            self.end_headers()
            self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def api() -> Iterator[str]:
    """The URL of an API that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def hole() -> Iterator[str]:
    """The URL of one that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/metrics"


def config(folder: Path, urls: Sequence[str], every: str = "1s") -> Path:
    """A config file whose data folder is `data` beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = [
        f'[[source]]\nkind = "api"\nname = "s{i}"\nurl = "{url}"\ninterval = "{every}"\n' for i, url in enumerate(urls)
    ]
    path = folder / "trivet.toml"
    path.write_text('[store]\nfolder = "data"\n\n' + "\n".join(sources), encoding="utf-8")
    return path


def argv(path: Path) -> list[str]:
    """How `trivet collect` is started from a clone."""
    return [sys.executable, "-c", "import cli; cli.main()", "collect", "--config", str(path)]


@contextlib.contextmanager
def collecting(path: Path, env: dict[str, str] | None = None, before: Sequence[str] = ()) -> Iterator[Child]:
    """A collector that runs; killed at the end at the latest."""
    with ended(Child([*before, *argv(path)], env)) as child:
        child.until(lambda: begun(child), START)
        yield child


def begun(child: Child) -> bool:
    """Whether it said that it collects."""
    return any("Collecting from" in line for line in child.complaints)


def asked(folder: Path, metric: str) -> dict[str, Points]:
    """The points of a metric by source."""
    with closing(SeriesReader(folder)) as reader:
        return {points.source: points for points in reader.raw(Selector(metric), 0, END)}


def count(folder: Path, source: str = "s0") -> int:
    """How many polls of a source are there; a repeated time would be one."""
    points = asked(folder, "trivet_source_up").get(source)
    return 0 if points is None else len(points.times)


def sound(folder: Path) -> list[str]:
    """What is wrong with the numbers of an API that always says the same."""
    found = asked(folder, "http_requests_total")
    wrong = [f"{name}: a wrong value" for name, points in found.items() if (points.values != 7).any()]
    wrong += [f"{name}: times do not rise" for name, points in found.items() if (np.diff(points.times) <= 0).any()]
    with closing(SeriesReader(folder)) as reader:
        ill = reader.health().problem
    return [*wrong, ill] if ill else wrong
