"""Being told to stop, in whatever state the signals were inherited."""

import signal
import threading
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_event() -> threading.Event:
    """An event that INT, TERM and HUP set.

    Set explicitly: a shell's background job inherits INT as ignored, and would never hear Ctrl-C. Main thread only.
    """
    stopping = threading.Event()

    def heard(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in STOPPING:
        signal.signal(number, heard)
    return stopping
