"""What the tests of remote stores share: polls, settings, a receiver that answers as told, and its own decoder."""

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cramjam

from metrics.config import Remote
from metrics.model import Labels, Sample, labelled
from metrics.poll import Poll, Tier

Decoded = tuple[Labels, list[tuple[int, float]]]


def poll(at: float, values: dict[str, float], source: str = "cache", **more: Any) -> Poll:
    """A poll of unlabelled series, or of ``metric/label`` ones."""
    samples = []
    for name, value in values.items():
        metric, _, table = name.partition("/")
        samples.append(Sample(metric, labelled({"table": table} if table else {}), value))
    return Poll(source=source, tier=Tier.FAST, at=at, duration=0.01, up=True, samples=samples, **more)


def remote(url: str, **more: Any) -> Remote:
    """Settings for an engine whose writing and reading are below one URL."""
    given = {"name": "far", "write_url": f"{url}/api/v1/write", "read_url": url, "timeout": "5s", **more}
    return Remote(**given)


def soon(true: Callable[[], bool], within: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


class Receiver:
    """A real HTTP server that takes remote writes.

    answers   status, headers and text of the next requests; 204 when there are none left
    refuses   given the samples of a request, the status and text to refuse it with, or None
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.refuses: Callable[[Sequence[Decoded]], tuple[int, str] | None] = lambda series: None
        self.got: list[Sequence[Decoded]] = []
        self.asked: list[dict[str, str]] = []
        self.times: list[float] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers, text = receiver._answer(dict(self.headers.items()), body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], str]:
        self.asked.append(headers)
        self.times.append(time.monotonic())
        if self.answers:
            return self.answers.pop(0)
        series = list(decoded(body))
        refused = self.refuses(series)
        if refused is not None:
            return refused[0], {}, refused[1]
        self.got.append(series)
        return 204, {}, ""

    def samples(self, metric: str) -> list[tuple[int, float]]:
        """Everything taken of a metric, in the order in which it came."""
        return [
            sample
            for request in self.got
            for labels, samples in request
            if dict(labels)["__name__"] == metric
            for sample in samples
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def decoded(body: bytes) -> Iterator[Decoded]:
    """A second opinion on remote write: labels, and milliseconds with values, of each series."""
    for tag, series in _fields(bytes(cramjam.snappy.decompress_raw(body))):
        assert tag == 1
        labels, samples = {}, []
        for kind, content in _fields(series):
            inner = dict(_fields(content))
            if kind == 1:
                labels[inner[1].decode()] = inner[2].decode()
            else:
                samples.append((inner[2], struct.unpack("<d", inner[1])[0]))
        assert list(labels) == sorted(labels)
        yield labelled(labels), samples


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        size = 8
        if tag & 7 == 2:
            size, at = _varint(data, at)
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] > 127:
        value |= (data[at] & 127) << shift
        shift, at = shift + 7, at + 1
    return value | data[at] << shift, at + 1


def written(path: Path, text: str) -> Path:
    """A small file."""
    path.write_text(text, encoding="utf-8")
    return path
