"""A port in front of Redis at which INFO says what it is told to, and of which connections go to servers by turns."""

import itertools
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from stack.native.ports import LOOPBACK

Change = Callable[[bytes], bytes]
_INFO = re.compile(rb"\$(\d+)\r\n(?=# Server)")


class Altering:
    """Passes everything on, both ways; of answers to INFO, what ``change`` makes of them."""

    def __init__(self, behind: Sequence[int], change: Change) -> None:
        self.change = change
        self._behind = itertools.cycle(behind)
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            _shut(each)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((LOOPBACK, next(self._behind)))
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server), daemon=True).start()
            threading.Thread(target=self._alter, args=(server, client), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while said := one.recv(65536):
                other.sendall(said)
        except OSError:
            pass
        _shut(other)

    def _alter(self, server: socket.socket, client: socket.socket) -> None:
        held = b""
        try:
            while said := server.recv(65536):
                held += said
                found = _INFO.search(held)
                if found is not None:
                    end = found.end() + int(found[1])
                    if len(held) < end + 2:
                        continue
                    body = self.change(held[found.end() : end])
                    held = held[: found.start()] + b"$%d\r\n%b" % (len(body), body) + held[end:]
                client.sendall(held)
                held = b""
        except OSError:
            pass
        _shut(client)


@contextmanager
def altering(*behind: int, change: Change = lambda text: text) -> Iterator[Altering]:
    made = Altering(behind, change)
    try:
        yield made
    finally:
        made.close()


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
