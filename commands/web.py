"""`trivet web`: serve the pages."""

import ctypes
import os
import signal
from functools import partial
from pathlib import Path
from types import FrameType

import click
from granian.constants import HTTPModes, Interfaces
from granian.server import MPServer

from commands import house

PR_SET_PDEATHSIG = 1
"""What prctl(2) calls the signal that a process gets when its parent ends."""


@click.command()
@house.config_option()
def web(config: Path) -> None:
    """Serve the pages of the config file's sources, on loopback."""
    settings = house.read(config)
    host, port = house.check_address(settings.web.listen)
    house.check_free(port)
    settings.folder.mkdir(parents=True, exist_ok=True)
    os.environ[house.CONFIG_VARIABLE] = str(config.absolute())
    os.register_at_fork(after_in_child=partial(_follow, os.getpid()))
    server(host, port).serve()


def _follow(granian: int) -> None:
    """A worker ends at once when told to while it still loads the pages, and with granian, also when that is killed."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != granian:
        # It was killed before the kernel was asked to tell.
        os.kill(os.getpid(), signal.SIGTERM)


class Server(MPServer):
    """granian, but that HUP ends it as it ends all else: a terminal that is closed leaves nothing behind."""

    def signal_handler_reload(self, number: int, frame: FrameType | None) -> None:
        """What granian does at HUP."""
        self.signal_handler_interrupt(number, frame)  # type: ignore[no-untyped-call]


def server(host: str, port: int) -> Server:
    """One worker that holds any number of connections.

    granian's defaults accept 1,024 connections and let all others hang in silence, and would start half as many
    threads: the limits are raised and the threads named. Few threads, since SQLite lets go of the GIL at each step.
    """
    return Server(
        "wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=1,
        blocking_threads=2,
        backlog=16384,
        backpressure=16384,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        log_access=False,
    )
