"""One question per protocol: does the server behind this loopback port answer? No login, no driver."""

import http.client
import socket
import struct

from stack.native.ports import LOOPBACK

PATIENCE = 1.0
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def postgres_answers(port: int) -> bool:
    """Whether a PostgreSQL or PgBouncer says if it would encrypt: the one question before any login."""
    return _ask(port, SSL_REQUEST)[:1] in {b"S", b"N"}


def redis_answers(port: int) -> bool:
    """Whether a Redis takes commands. One that wants a password does; one that still loads its file does not."""
    return _ask(port, b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))


def http_answers(port: int, path: str) -> bool:
    """Whether GET `path` is answered by 200."""
    asked = http.client.HTTPConnection(LOOPBACK, port, timeout=PATIENCE)
    try:
        asked.request("GET", path)
        return asked.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def _ask(port: int, question: bytes) -> bytes:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=PATIENCE) as asked:
            asked.sendall(question)
            return asked.recv(64)
    except OSError:
        return b""
