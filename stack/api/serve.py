"""The API's server command: granian with its two workers, in this process' place.

--backpressure limits accepted *connections* for each worker; at its default (1,024 / workers) 10,000 users are not
refused but hang, and the server looks healthy. --blocking-threads would then follow it (half of it): two are enough
for cached answers, and more only take the GIL from one another. The kill timeout is for clients that keep a connection
alive through a stop.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from stack.api.measures import FOLDER, PORT, STARTED

WORKERS = 2
CONNECTIONS = 16384


def command(host: str, port: int, stop_seconds: int = 10) -> list[str]:
    return [
        *(sys.executable, "-m", "granian", "stack.api.wsgi:api"),
        *("--interface", "wsgi", "--http", "1", "--no-ws"),
        *("--host", host, "--port", str(port)),
        *("--workers", str(WORKERS), "--blocking-threads", "2"),
        *("--backlog", str(CONNECTIONS), "--backpressure", str(CONNECTIONS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(stop_seconds)),
        *("--log-level", "warning"),
    ]


def environment(environ: Mapping[str, str], port: int) -> dict[str, str]:
    """A folder for the workers' numbers, emptied: they count from this start, which is told to all of them."""
    folder = Path(environ.get(FOLDER) or tempfile.mkdtemp(prefix="api-metrics-"))
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        file.unlink()
    return {**environ, FOLDER: str(folder), STARTED: str(time.time()), PORT: str(port)}


def main() -> None:
    host = os.environ.get("API_HOST", "127.0.0.1")
    port = int(os.environ.get(PORT, "8000"))
    line = command(host, port, int(os.environ.get("API_STOP_SECONDS", "10")))
    sys.stdout.flush()
    os.execve(line[0], line, environment(os.environ, port))  # noqa: S606 - our own interpreter
