"""`trivet web`: serve the pages."""

import os
from pathlib import Path

import click
from granian.constants import HTTPModes, Interfaces
from granian.server import MPServer

from commands import house


@click.command()
@house.config_option()
def web(config: Path) -> None:
    """Serve the pages of the config file's sources, on loopback."""
    settings = house.read(config)
    host, port = house.check_address(settings.web.listen)
    settings.folder.mkdir(parents=True, exist_ok=True)
    os.environ[house.CONFIG_VARIABLE] = str(config.absolute())
    server(host, port).serve()


def server(host: str, port: int) -> MPServer:
    """One worker that holds any number of connections.

    granian's defaults accept 1,024 connections and let all others hang in silence, and would start half as many
    threads: the limits are raised and the threads named. Few threads, since SQLite lets go of the GIL at each step.
    """
    return MPServer(
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
