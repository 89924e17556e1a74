"""When to ask a server again that did not answer."""

from dataclasses import dataclass, field
from random import Random

from metrics.poll import ErrorClass

FIRST = 1.0
LONGEST = 60.0
JITTER = 0.2
PATIENT = (ErrorClass.AUTH, ErrorClass.REFUSED_BY_LIMIT)
"""Asking often makes these worse: logs fill, accounts are locked, the last free slot is taken."""
AT_ONCE = (ErrorClass.NOT_READY, ErrorClass.MISSING, ErrorClass.FORBIDDEN, ErrorClass.BAD_REPLY)
"""The server did answer: that costs it no connection and us no time."""


@dataclass(slots=True)
class Backoff:
    """1, 2, 4 … 60 seconds, with jitter so that a hundred sources do not come back at once."""

    dice: Random = field(default_factory=Random)
    _step: float = 0.0
    _until: float = float("-inf")

    def failed(self, kind: ErrorClass, now: float) -> None:
        """Wait longer than the last time."""
        if kind in AT_ONCE:
            return
        self._step = min(max(self._step * 2, FIRST), LONGEST)
        wait = LONGEST if kind in PATIENT else self._step
        self._until = now + wait * self.dice.uniform(1 if kind in PATIENT else 1 - JITTER, 1 + JITTER)

    def answered(self) -> None:
        """Begin anew."""
        self._step, self._until = 0.0, float("-inf")

    def waits(self, now: float) -> bool:
        """Whether it is too early to ask again."""
        return now < self._until
