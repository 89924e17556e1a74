"""Loopback ports: free ones, and ones that stay the same from run to run."""

import json
import os
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range that Linux gives to outgoing connections: nothing takes one by accident between here and bind().
LOWEST, HIGHEST = 20_000, 32_000
# The state of a listening socket in /proc/net/tcp.
LISTEN = "0A"


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port nobody listens on. It is not reserved: listen soon."""
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(LOWEST, HIGHEST)
        if is_free(port):
            return port


def listens(pid: int, port: int) -> bool:
    """Whether the process itself listens on this IPv4 port: an answer alone could be another server's.

    True as well when the system does not let us look.
    """
    try:
        table = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        opened = {_link(each) for each in Path(f"/proc/{pid}/fd").iterdir()}
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    rows = [line.split() for line in table]
    return any(row[3] == LISTEN and row[1].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in opened for row in rows)


def _link(file: Path) -> str:
    """Where a link leads; nowhere when it has gone since it was listed."""
    try:
        return os.readlink(file)
    except FileNotFoundError:
        return ""


class KeptPorts:
    """Ports by name, kept in a small JSON file, so that a second run is found where the first was.

    A kept port that somebody else has taken meanwhile is replaced. One process at a time may use a file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def port(self, name: str, wish: int | None = None) -> int:
        """The port kept for `name` when it is still free, else `wish` or a new one, which is kept."""
        kept = self._read()
        port = kept.get(name, wish)
        if port is None or not is_free(port):
            port = free_port()
        if port != kept.get(name):
            self._write(kept | {name: port})
        return port

    def known(self, name: str) -> int | None:
        """The port kept for `name`, free or not."""
        return self._read().get(name)

    def _read(self) -> dict[str, int]:
        try:
            kept = json.loads(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(kept, dict):
            return {}
        return {str(name): port for name, port in kept.items() if isinstance(port, int)}

    def _write(self, kept: dict[str, int]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        written = self._file.with_suffix(".new")
        written.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
        written.replace(self._file)
