"""The API as a child process: granian and its workers."""

import http.client
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from stack.api.measures import FOLDER, PORT
from stack.native import process
from stack.native.identity import Identity
from stack.native.ports import LOOPBACK
from stack.native.process import Child, Mark

ROOT = Path(__file__).parents[2]
DEADLINE_SECONDS = 30.0
GRACE_SECONDS = 3.0
# After the traffic only watchers are connected: nobody waits for an answer of more than a second.
DRAIN_SECONDS = 1


class ApiProcess:
    """`settings` are the API's own environment variables (settings.py)."""

    def __init__(self, folder: Path, *, port: int, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.host = LOOPBACK
        self.port = port
        self._settings = dict(settings)
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None and self._child.is_alive() else None

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start(self) -> None:
        """Returns when it answers with its database behind it. One that an earlier run left here is stopped first."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.end_leftover()
        self._child = process.start(
            "api",
            [sys.executable, "-m", "stack.api"],
            log=self.log,
            identity=Identity.ourselves(),
            env=self._environment(),
            cwd=ROOT,
        )
        mark = Mark.of(self._child.pid)
        if mark is not None:
            mark.write(self._record)
        try:
            self._child.wait_until(self.is_ready, DEADLINE_SECONDS)
        except process.ProcessError:
            self.stop()
            raise

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=3)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def stop(self) -> None:
        """Returns when granian and its workers are gone, kept-alive clients or not."""
        if self._child is None:
            return
        workers = process.children(self._child.pid)
        self._child.stop(GRACE_SECONDS)
        for worker in workers:
            worker.end(signal.SIGKILL, 1.0)
        self._child = None
        self._record.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        mark = Mark.read(self._record)
        if mark is not None and mark.runs():
            mark.end(signal.SIGTERM, GRACE_SECONDS)
        self._record.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        return self.folder / "run.json"

    def _environment(self) -> dict[str, str]:
        """Nothing of ours goes in but what is named: our own environment may hold secrets."""
        kept = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ}
        own = {PORT: str(self.port), FOLDER: str(self.folder / "metrics"), "API_STOP_SECONDS": str(DRAIN_SECONDS)}
        return {**kept, "LANG": "C.UTF-8", **self._settings, **own}
