"""A port in front of a server, at which a word can be set that is never passed on: the poll that says it is cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from stack.native.ports import LOOPBACK


class Between:
    """Passes everything on, both ways, but for what holds ``word``: the server never hears it and nobody answers.

    New connections go to the port ``behind``, which may become another.
    """

    def __init__(self, behind: int) -> None:
        self.word = b""
        self.held = 0
        self.behind = behind
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in self._open:
            # close() alone does not wake a thread that waits.
            _shut(each)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection((LOOPBACK, self.behind))
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, watched: bool) -> None:
        try:
            while said := one.recv(65536):
                if watched and self.word and self.word in said:
                    self.held += 1
                else:
                    other.sendall(said)
        except OSError:
            pass
        _shut(other)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was quicker.
        return


@contextmanager
def between(behind: int) -> Iterator[Between]:
    made = Between(behind)
    try:
        yield made
    finally:
        made.close()
