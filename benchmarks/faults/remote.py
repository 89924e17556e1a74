"""Fault 21: a remote store that is away for five minutes of polls, whose times are simulated."""

import contextlib
import struct
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Literal

import cramjam

from benchmarks.faults import polls
from benchmarks.faults.fault import Outcome
from metrics.config import Remote
from metrics.poll import Poll
from storage.remote.beside import BesideStore
from storage.remote.instead import RemoteStore
from storage.series import SeriesStore

ROUNDS, DOWN = 90, range(30, 60)
PACE = 10.0
PAUSE = 0.05
Mode = Literal["beside", "instead"]
MODES: tuple[Mode, ...] = ("beside", "instead")
Got = list[tuple[int, float]]


def away(ground: Path, times: int) -> Outcome:
    """Beside and instead of the local store: refused connections, errors, and our own restart in between."""
    outcome = Outcome()
    for i in range(times):
        for mode in MODES:
            for restart in (False, True):
                lines = _outage(ground / f"{mode}{restart}{i}", mode, restart)
                outcome.count(lines, f"{mode}{' with a restart' if restart else ''}")
    outcome.note = f"{len(DOWN) * PACE / 60:.0f} minutes of polls, at simulated times"
    return outcome


def _outage(folder: Path, mode: Mode, restart: bool) -> list[str]:
    start = time.time() // PACE * PACE - 1800
    with receiver() as remote:
        settings = Remote(name="far", write_url=f"{remote.url}/w", read_url=remote.url, mode=mode, backfill="1h")
        store = _opened(folder, settings)
        try:
            _feed(store, start, range(DOWN.start))
            lines = _settled(store, "before")
            remote.up = False
            _feed(store, start, DOWN)
            if restart:
                store.close()
                store = _opened(folder, settings)
            remote.up = True
            _feed(store, start, range(DOWN.stop, ROUNDS))
            lines += _settled(store, "after")
        finally:
            store.close()
    return [*lines, *_complete(remote.got, start)]


def _opened(folder: Path, settings: Remote) -> BesideStore | RemoteStore:
    local = SeriesStore(folder)
    if settings.mode == "beside":
        return BesideStore(local, [settings], folder, lambda line: None, pause=PAUSE)
    return RemoteStore(settings, folder, local, lambda line: None, pause=PAUSE)


def _feed(store: BesideStore | RemoteStore, start: float, rounds: range) -> None:
    for number in rounds:
        made = polls.poll(number)
        store.append(
            Poll(source="a", tier=made.tier, at=start + PACE * number, duration=0, up=True, samples=made.samples)
        )


def _settled(store: BesideStore | RemoteStore, when: str) -> list[str]:
    end = time.monotonic() + 20
    while not store.idle():
        if time.monotonic() > end:
            return [f"it still sends 20 s {when}"]
        time.sleep(0.02)
    return []


def _complete(got: Got, start: float) -> list[str]:
    """Each sample came with its value, and for the first time in the order of time."""
    first = list(dict.fromkeys(got))
    wanted = [(round((start + PACE * number) * 1000), number * 3.0) for number in range(ROUNDS)]
    lines = [f"{len(set(wanted) - set(first))} samples are lost"] if set(wanted) - set(first) else []
    return lines or (["not in the order of time"] if [pair for pair in first if pair in set(wanted)] != wanted else [])


class Receiving:
    """A server that takes remote writes when it is up, and keeps the samples of series 0."""

    def __init__(self) -> None:
        """Up, on a port of its own."""
        self.up, self.got = True, Got()
        ours = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """A write."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if ours.up:
                    ours.got += samples(bytes(cramjam.snappy.decompress_raw(body)))
                self.send_response(204 if ours.up else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextlib.contextmanager
def receiver() -> Iterator[Receiving]:
    """One that is there for a while."""
    made = Receiving()
    threading.Thread(target=made.server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()


def samples(body: bytes) -> Iterator[tuple[int, float]]:
    """Milliseconds and values of the series whose item is 0, of a remote write."""
    for _, series in _fields(body):
        parts = list(_fields(series))
        labels = [dict(_fields(part)) for tag, part in parts if tag == 1]
        if {1: b"__name__", 2: b"work_total"} in labels and {1: b"item", 2: b"0"} in labels:
            for sample in (dict(_fields(part)) for tag, part in parts if tag == 2):
                yield int.from_bytes(sample[2], "little"), float(struct.unpack("<d", sample.get(1, bytes(8)))[0])


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and contents of the fields of a protobuf message; numbers as eight bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            number, at = _varint(data, at)
            yield tag >> 3, number.to_bytes(8, "little")
            continue
        length, at = (8, at) if tag & 7 == 1 else _varint(data, at)
        yield tag >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number, at, shift = number | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return number, at
