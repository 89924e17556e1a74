"""Being told to stop, in whatever state the signals were inherited."""

import contextlib
import os
import select
import signal
import threading
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopping(threading.Event):
    """Is set by INT, TERM and HUP. Waited for by the main thread only.

    It sleeps on a pipe that Python writes to whichever thread the kernel gave the signal to: to wait for a lock would
    mean to wake every second, as a signal that another thread got does not end that.
    """

    def __init__(self) -> None:
        """Set explicitly: a shell's background job inherits INT as ignored, and would never hear Ctrl-C."""
        super().__init__()
        self._read, write = os.pipe()
        for end in (self._read, write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        for number in STOPPING:
            signal.signal(number, self._heard)

    def wait(self, timeout: float | None = None) -> bool:
        """Returns when it is set, or after so many seconds; whether it is set."""
        if not self.is_set() and select.select([self._read], [], [], timeout)[0]:
            # What another signal wrote, such as a HUP to reload, must not end every further wait.
            with contextlib.suppress(BlockingIOError):
                os.read(self._read, 512)
        return self.is_set()

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self.set()
