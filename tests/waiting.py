"""Tests wait for what they wait for, and never for a time: a busy machine only makes them slower."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds within which what has to come about does, also when a machine has ten times as much to do as it can."""


def until(true: Callable[[], T], within: float = PATIENCE, every: float = 0.02) -> T:
    """Asks until the answer is true, which is returned. Fails after `within` seconds, with the last answer."""
    end, pause = soon(within), threading.Event()
    while not (answer := true()):
        assert time.monotonic() < end, f"not within {within:g} s; in the end it was {answer!r}"
        pause.wait(every)
    return answer


def soon(within: float = PATIENCE) -> float:
    """A deadline, of the monotonic clock, for what is not to be cut short by it."""
    return time.monotonic() + within
