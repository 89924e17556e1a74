"""For a WSGI server: `stack.api.wsgi:api`. `python -m stack.api` starts granian with it, and with the right options."""

import ctypes
import multiprocessing
import os
import signal
import sys

from flask import Flask

from stack.api.app import create_app
from stack.api.measures import STARTED
from stack.api.settings import Settings

PR_SET_PDEATHSIG = 1


def __getattr__(name: str) -> Flask:
    """`api`, made when a server asks for it: reading this module needs no settings."""
    if name != "api":
        raise AttributeError(name)
    _end_with_parent()
    return create_app(Settings.from_environ(os.environ))


def _end_with_parent() -> None:
    """A killed granian leaves its workers listening for ever, on the port that the next one wants."""
    if sys.platform == "linux" and STARTED in os.environ:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        parent = multiprocessing.parent_process()
        if parent is not None and os.getppid() != parent.pid:
            # It died before the kernel was asked to tell.
            os.kill(os.getpid(), signal.SIGKILL)
