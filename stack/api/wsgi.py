"""For a WSGI server: `stack.api.wsgi:api`. `python -m stack.api` starts granian with it, and with the right options."""

import ctypes
import os
import signal
import sys

from stack.api.app import create_app
from stack.api.measures import STARTED
from stack.api.settings import Settings

PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    """A killed granian leaves its workers listening for ever, on the port that the next one wants."""
    if sys.platform == "linux" and STARTED in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


_end_with_parent()
api = create_app(Settings.from_environ(os.environ))
