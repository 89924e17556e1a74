"""RESP2 over a socket, with one hard deadline for each batch of commands.

redis-py does more than is wanted (handshakes that leave errors on the server, retries) and costs a multiple of it.
"""

import socket
import time

from collectors.deadline import PATIENCE, WATCHDOG, Late

MOST_BYTES = 16 * 1024 * 1024
MOST_ITEMS = 1_000_000
DEEPEST = 8
COLON = ord(":")
CHUNK = 65536


class Refusal(Exception):  # noqa: N818 - an answer of the server
    """An answer that begins with a minus: the server's words."""


class BadReply(Exception):  # noqa: N818
    """What came is no RESP, or too much."""


Reply = str | int | list["Reply"] | Refusal | None


def packed(*command: str) -> bytes:
    r"""A command as it is sent.

    >>> packed("SLOWLOG", "LEN")
    b'*2\r\n$7\r\nSLOWLOG\r\n$3\r\nLEN\r\n'
    """
    parts = [f"*{len(command)}\r\n".encode()]
    for word in command:
        data = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


class Wire:
    """Sends commands and reads their answers. One thread at a time; after an error it is of no more use."""

    def __init__(self, sock: socket.socket) -> None:
        """Owns the socket."""
        self._socket = sock
        self._buffer = b""
        self._at = 0
        self._deadline = 0.0
        self._received = 0
        self._items = 0

    def ask(self, commands: bytes, count: int, deadline: float) -> list[Reply]:
        """The answers to so many packed commands. Raises Late, BadReply, OSError; refusals are among the answers."""
        self._deadline, self._received, self._items = deadline, 0, 0
        self._socket.settimeout(self._left())
        try:
            self._send(commands)
            return [self._reply(0) for _ in range(count)]
        except TimeoutError:
            raise Late from None

    def close(self) -> None:
        """Raises nothing."""
        self._socket.close()

    def _send(self, commands: bytes) -> None:
        try:
            self._socket.sendall(commands)
        except BrokenPipeError:
            # A server that turns us away says why before it hangs up: that is still to be read.
            return

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Late
        return left

    def _fill(self, wanted: int) -> None:
        """Until the buffer holds so many bytes beyond where reading is."""
        have = len(self._buffer) - self._at
        if have >= wanted:
            return
        parts = [self._buffer[self._at :]]
        while have < wanted:
            data = self._receive(max(CHUNK, wanted - have))
            parts.append(data)
            have += len(data)
        self._buffer, self._at = b"".join(parts), 0

    def _receive(self, most: int) -> bytes:
        self._socket.settimeout(min(PATIENCE, self._left()))
        try:
            data = self._socket.recv(most)
        except TimeoutError:
            left = self._left()
            # So that a collector that is told to stop need not wait for a server that does not answer.
            with WATCHDOG.over(self._socket.fileno(), self._deadline) as cut:
                self._socket.settimeout(left)
                try:
                    data = self._socket.recv(most)
                except OSError:
                    if cut.fired:
                        raise Late from None
                    raise
            if cut.fired:
                raise Late from None
        if not data:
            raise ConnectionResetError("Connection closed by server.")
        self._received += len(data)
        if self._received > MOST_BYTES:
            raise BadReply(f"an answer of more than {MOST_BYTES // 1024 // 1024} MiB")
        return data

    def _line(self) -> bytes:
        end = self._buffer.find(b"\r\n", self._at)
        while end < 0:
            if len(self._buffer) - self._at > CHUNK:
                raise BadReply("a line without an end: this is no Redis")
            self._fill(len(self._buffer) - self._at + 1)
            end = self._buffer.find(b"\r\n", self._at)
        line = self._buffer[self._at : end]
        self._at = end + 2
        return line

    def _reply(self, depth: int) -> Reply:
        line = self._line()
        mark, rest = line[:1], line[1:]
        if mark == b":":
            return self._whole(rest)
        if mark == b"$":
            return self._bulk(self._whole(rest))
        if mark == b"*":
            return self._list(self._whole(rest), depth)
        text = rest.decode(errors="replace")
        if mark == b"+":
            return text
        if mark == b"-":
            return Refusal(text)
        raise BadReply(f"Protocol Error: {line[:80].decode(errors='replace')!r}")

    def _list(self, size: int, depth: int) -> Reply:
        if size < 0:
            return None
        self._items += size
        if depth > DEEPEST or self._items > MOST_ITEMS:
            raise BadReply("an answer with too many parts")
        found: list[Reply] = []
        for _ in range(size):
            end = self._buffer.find(b"\r\n", self._at)
            # Most parts of long answers are numbers: without a call they cost a third.
            if end > 0 and self._buffer[self._at] == COLON:
                found.append(self._whole(self._buffer[self._at + 1 : end]))
                self._at = end + 2
            else:
                found.append(self._reply(depth + 1))
        return found

    def _bulk(self, size: int) -> str | None:
        if size < 0:
            return None
        if size > MOST_BYTES:
            raise BadReply(f"an answer of more than {MOST_BYTES // 1024 // 1024} MiB")
        self._fill(size + 2)
        data = self._buffer[self._at : self._at + size]
        self._at += size + 2
        return data.decode(errors="replace")

    def _whole(self, digits: bytes) -> int:
        try:
            return int(digits)
        except ValueError:
            raise BadReply(f"Protocol Error: {digits[:80].decode(errors='replace')!r} is no number") from None
