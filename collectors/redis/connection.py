"""One connection to Redis that leaves no trace: no HELLO, no CLIENT SETINFO, no PING, no retries."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import connection as driver
from redis.backoff import NoBackoff
from redis.exceptions import InvalidResponse
from redis.retry import Retry

from collectors.deadline import WATCHDOG, Cut
from collectors.failed import late
from collectors.redis.errors import FAULTS, failed
from collectors.redis.source import RedisSource
from collectors.source import secret

MOST_BYTES = 16 * 1024 * 1024
LONGEST_CONNECT = 3.0


# redis-py annotates these only in part.
_TCP: Any = driver.Connection
_TLS: Any = driver.SSLConnection
_UNIX: Any = driver.UnixDomainSocketConnection


class _Counted:
    """A socket that gives up once it has received too much for one command."""

    def __init__(self, inner: socket.socket) -> None:
        self._inner = inner
        self.received = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def recv_into(self, *arguments: Any) -> int:
        return self._count(self._inner.recv_into(*arguments))

    def recv(self, *arguments: Any) -> bytes:
        data = self._inner.recv(*arguments)
        self._count(len(data))
        return data

    def _count(self, size: int) -> int:
        self.received += size
        if self.received > MOST_BYTES:
            raise InvalidResponse(f"an answer of more than {MOST_BYTES // 1024 // 1024} MiB")
        return size


class RedisConnection:
    """Commands and their answers as text, each by its deadline."""

    def __init__(self, source: RedisSource, deadline: float) -> None:
        """Connect and log in. Raises Disconnected."""
        self._source = source
        self._counted: _Counted | None = None
        self._cut: Cut | None = None
        self._deadline = deadline
        left = max(deadline - time.monotonic(), 0.01)
        with self._said(connecting=True):
            self._password = secret(source.password, source.password_file)
            self._connection = _made(source, self._password, left, self._greet)
            self._connection.connect()

    def call(self, deadline: float, *command: str) -> Any:
        """The answer to one command. Raises Failed."""
        self._deadline = deadline
        with self._said():
            self._arm()
            self._connection.send_command(*command, check_health=False)
            return self._connection.read_response()

    def close(self) -> None:
        """Raises nothing."""
        self._connection.disconnect()

    def _greet(self, connection: Any) -> None:
        """redis-py's hook: the socket is there, nothing has been said yet."""
        self._counted = _Counted(connection._sock)
        connection._sock = self._counted
        self._arm()
        connection.on_connect_check_health(check_health=False)

    def _arm(self) -> None:
        if self._counted is None or self._counted.fileno() < 0:
            raise ConnectionResetError("the connection is closed")
        self._counted.received = 0
        self._cut = WATCHDOG.arm(self._counted.fileno(), self._deadline)

    @contextmanager
    def _said(self, *, connecting: bool = False) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            if self._cut is not None and self._cut.fired:
                raise late() from None
            raise failed(error, self._source.user, connecting=connecting).without(self._secret()) from None
        finally:
            if self._cut is not None:
                WATCHDOG.disarm(self._cut)
                self._cut = None

    def _secret(self) -> str:
        return getattr(self, "_password", "")


def _made(source: RedisSource, password: str, left: float, greet: Any) -> Any:
    common: dict[str, Any] = {
        "username": source.user or None,
        "password": password or None,
        "socket_timeout": left,
        "protocol": 2,
        "driver_info": None,
        "retry": Retry(NoBackoff(), 0),
        "health_check_interval": 0,
        "encoding_errors": "replace",
        "decode_responses": True,
        "redis_connect_func": greet,
    }
    if source.socket:
        return _UNIX(source.socket, **common)
    address = {"host": source.host, "port": source.port, "socket_connect_timeout": min(left, LONGEST_CONNECT)}
    if not source.tls:
        return _TCP(**address, **common)
    return _TLS(
        ssl_ca_certs=source.ca_file or None,
        ssl_certfile=source.cert_file or None,
        ssl_keyfile=source.key_file or None,
        **address,
        **common,
    )
