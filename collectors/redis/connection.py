"""One connection to Redis that leaves no trace: no HELLO, no CLIENT SETINFO, no PING, no retries."""

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence

from collectors.deadline import Late
from collectors.failed import Disconnected, Failed, late
from collectors.redis import tls
from collectors.redis.errors import FAULTS, failed, refused
from collectors.redis.resp import Refusal, Reply, Wire, packed
from collectors.redis.source import RedisSource
from collectors.source import secret
from metrics.poll import ErrorClass

LONGEST_CONNECT = 3.0
NAME = "trivet"
_PLAIN = "It hung up before an answer: see whether it wants tls = true."
_OVER_TLS = "It hung up before an answer: see whether it wants a certificate of ours: cert_file and key_file."


class RedisConnection:
    """Commands and their answers as text, each by its deadline."""

    def __init__(self, source: RedisSource, deadline: float) -> None:
        """Connect and log in. Raises Disconnected."""
        self._source = source
        self._password = ""
        self._packed: dict[tuple[str, ...], bytes] = {}
        with self._said(connecting=True):
            self._password = secret(source.password, source.password_file)
            sock = _socket(source, deadline)
        self._wire, self.own_address = Wire(sock), _address(sock)
        try:
            self._greet(deadline)
        except Disconnected as lost:
            self.close()
            if lost.failure.kind is ErrorClass.CONNECTION_LOST:
                raise lost.hinted(_OVER_TLS if source.tls else _PLAIN) from None
            raise
        except BaseException:
            self.close()
            raise

    def call(self, deadline: float, *command: str) -> Reply:
        """The answer to one command. Raises Failed."""
        (reply,) = self.ask(deadline, command)
        if isinstance(reply, Failed):
            raise reply
        return reply

    def ask(self, deadline: float, *commands: Sequence[str]) -> list[Reply | Failed]:
        """The answers to several, sent at once; what one was refused with is in its place. Raises Disconnected."""
        with self._said():
            replies = self._wire.ask(b"".join(map(self._pack, commands)), len(commands), deadline)
        return [self._refused(reply) if isinstance(reply, Refusal) else reply for reply in replies]

    def close(self) -> None:
        """Raises nothing."""
        self._wire.close()

    def _pack(self, command: Sequence[str]) -> bytes:
        key = tuple(command)
        if key not in self._packed:
            if len(self._packed) > 64:  # noqa: PLR2004 - room for what is asked again and again
                self._packed.clear()
            self._packed[key] = packed(*key)
        return self._packed[key]

    def _greet(self, deadline: float) -> None:
        if self._password:
            self.call(deadline, "AUTH", *filter(None, [self._source.user]), self._password)
            self._packed.clear()
        if not self._source.user:
            # Who has an account shows by that; to try and be refused would leave an error on the server.
            name = self.ask(deadline, ("CLIENT", "SETNAME", NAME))[0]
            if isinstance(name, Disconnected):
                raise name

    def _refused(self, refusal: Refusal) -> Failed:
        found = refused(str(refusal), self._source.user).without(self._password)
        if isinstance(found, Disconnected):
            raise found
        return found

    @contextlib.contextmanager
    def _said(self, *, connecting: bool = False) -> Iterator[None]:
        try:
            yield
        except Late:
            raise late() from None
        except FAULTS as error:
            raise failed(error, connecting=connecting).without(self._password) from None


def _socket(source: RedisSource, deadline: float) -> socket.socket:
    left = min(max(deadline - time.monotonic(), 0.01), LONGEST_CONNECT)
    if source.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(left)
        made.connect(source.socket)
        return made
    context = tls.context(source) if source.tls else None
    plain = socket.create_connection((source.host, source.port), timeout=left)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain if context is None else tls.encrypted(plain, context, source.host, deadline)


def _address(sock: socket.socket) -> str:
    """As CLIENT LIST shows it, where nothing in between changes it."""
    if sock.family == socket.AF_UNIX:
        return ""
    host, port, *_ = sock.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
