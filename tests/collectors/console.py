"""A console like PgBouncer's that answers SHOW with the rows it is given: for what a real one says once in a year."""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

INT8, TEXT = 20, 25
TLS, GSS = 80877103, 80877104
"""Codes by which a client asks for encryption."""

Rows = tuple[Sequence[str], Sequence[Sequence[object]]]

POOLS = (
    "database",
    "user",
    "cl_active",
    "cl_waiting",
    "cl_active_cancel_req",
    "cl_waiting_cancel_req",
    "sv_active",
    "sv_active_cancel",
    "sv_being_canceled",
    "sv_idle",
    "sv_used",
    "sv_tested",
    "sv_login",
    "maxwait",
    "maxwait_us",
    "pool_mode",
)
STATS = (
    "database",
    "xact_count",
    "query_count",
    "bytes_received",
    "bytes_sent",
    "xact_time",
    "query_time",
    "wait_time",
)
DATABASES = (
    "name",
    "host",
    "port",
    "database",
    "force_user",
    "pool_size",
    "min_pool_size",
    "reserve_pool",
    "pool_mode",
    "max_connections",
    "current_connections",
    "paused",
    "disabled",
)


def pool(database: object, user: object, **columns: int) -> list[object]:
    known = {"cl_active": 1, **columns}
    return [database, user, *(known.get(name, 0) for name in POOLS[2:-1]), "transaction"]


def stats(database: object, count: int = 0, wait: float = 0.0, **columns: float) -> list[object]:
    """Times in seconds."""
    known = {
        "xact_count": count,
        "query_count": count,
        "xact_time": int(columns.get("xact", 0) * 1e6),
        "wait_time": int(wait * 1e6),
    }
    return [database, *(known.get(name, 0) for name in STATS[1:])]


def database(name: object, size: int = 20, most: int = 0) -> list[object]:
    return [name, "127.0.0.1", 5432, name, None, size, 0, 10, "transaction", most, 0, 0, 0]


@dataclass
class Console:
    """What is said.

    shows  by statement, columns and rows; what is not there is an error. Texts may be bytes
    types  by statement the OIDs of its columns; of others what is a number in all rows is one
    """

    shows: dict[str, Rows] = field(default_factory=dict)
    types: dict[str, Sequence[int]] = field(default_factory=dict)
    port: int = 0
    asked: int = 0

    def say(self, **given: Sequence[Sequence[object]]) -> None:
        columns: Mapping[str, Sequence[str]] = {"pools": POOLS, "stats": STATS, "databases": DATABASES}
        statements = {"pools": "SHOW POOLS", "stats": "SHOW STATS_TOTALS", "databases": "SHOW DATABASES"}
        for name, rows in given.items():
            self.shows[statements[name]] = columns[name], rows


@contextmanager
def console(version: str = "PgBouncer 1.18.0") -> Iterator[Console]:
    said = Console()
    said.shows["SHOW VERSION"] = (["version"], [[version]])
    said.shows["SHOW LISTS"] = (["list", "items"], [["databases", 2], ["pools", 2], ["used_clients", 3]])
    said.shows["SHOW CONFIG"] = (["key", "value", "default", "changeable"], [["max_client_conn", "100", "100", "yes"]])
    said.say(pools=[], stats=[], databases=[])

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self._talk(self.request)
            except (ConnectionError, struct.error):
                return

        def _talk(self, sock: socket.socket) -> None:
            while True:
                (length,) = struct.unpack("!I", _exactly(sock, 4))
                (code,) = struct.unpack("!I", _exactly(sock, length - 4)[:4])
                if code not in (TLS, GSS):
                    break
                sock.sendall(b"N")
            hello = [_message(b"R", struct.pack("!I", 0))]
            for name, value in (
                ("server_version", "1.18.0/bouncer"),
                ("client_encoding", "UTF8"),
                ("server_encoding", "UTF8"),
                ("standard_conforming_strings", "on"),
                ("DateStyle", "ISO"),
            ):
                hello.append(_message(b"S", f"{name}\0{value}\0".encode()))
            sock.sendall(b"".join([*hello, _message(b"Z", b"I")]))
            while True:
                kind = _exactly(sock, 1)
                (length,) = struct.unpack("!I", _exactly(sock, 4))
                body = _exactly(sock, length - 4)
                if kind == b"X":
                    return
                if kind == b"Q":
                    said.asked += 1
                    sock.sendall(_answer(said, body.rstrip(b"\0").decode().strip().rstrip(";")) + _message(b"Z", b"I"))

    class Server(socketserver.ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    said.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield said
    finally:
        server.shutdown()
        server.server_close()


def _answer(said: Console, statement: str) -> bytes:
    if statement not in said.shows:
        return _message(b"E", b"SERROR\0C08P01\0Minvalid command\0\0")
    names, rows = said.shows[statement]
    numbers = [bool(rows) and all(isinstance(row[at], int) for row in rows) for at in range(len(names))]
    types = said.types.get(statement) or [INT8 if number else TEXT for number in numbers]
    columns = b"".join(
        name.encode() + b"\0" + struct.pack("!IhIhih", 0, 0, type_, -1, -1, 0)
        for name, type_ in zip(names, types, strict=True)
    )
    out = [_message(b"T", struct.pack("!h", len(names)) + columns)]
    for row in rows:
        cells = [None if cell is None else _raw(cell) for cell in row]
        out.append(
            _message(
                b"D",
                struct.pack("!h", len(cells))
                + b"".join(
                    struct.pack("!i", -1) if cell is None else struct.pack("!i", len(cell)) + cell for cell in cells
                ),
            )
        )
    return b"".join([*out, _message(b"C", b"SHOW\0")])


def _raw(cell: object) -> bytes:
    return cell if isinstance(cell, bytes) else str(cell).encode("utf-8", "surrogatepass")


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _exactly(sock: socket.socket, size: int) -> bytes:
    held = b""
    while len(held) < size:
        said = sock.recv(size - len(held))
        if not said:
            raise ConnectionResetError
        held += said
    return held
