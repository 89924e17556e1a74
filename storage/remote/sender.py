"""Gets batches into a remote: what it refuses is narrowed down, so that one bad sample does not take the good along."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from metrics.config import Remote
from storage.remote.batch import Batch, cut, halves, source_of
from storage.remote.door import Door
from storage.remote.faults import Refused
from storage.remote.wire import HEADERS, Wire

MOST_TRIES = 256
"""Refusals that the narrowing of one request may cost; what is left then is given up."""
SAY_EVERY = 60.0

Say = Callable[[str], None]
Clock = Callable[[], float]


@dataclass(slots=True)
class Outcome:
    """What a remote did not take, though it answered: samples by source and time, and how many had a wrong age."""

    refused: dict[tuple[str, int], str] = field(default_factory=dict)
    dropped: int = 0
    of_age: int = 0


class Sender:
    """Sends batches in order. Not for several threads."""

    def __init__(self, door: Door, remote: Remote, say: Say) -> None:
        """``say`` is told of samples that were given up, at most once a minute."""
        self._door = door
        self._url = remote.write_url
        self._name = remote.name
        self._wire = Wire(remote.labels)
        self._say = say
        self._silent_until: dict[bool, float] = {}

    def send(self, batch: Batch) -> Outcome:
        """Returns when all of it has arrived or was refused for good. Raises Waits: send all of it again later."""
        outcome = Outcome()
        for piece in cut(batch) if batch.samples else ():
            self._narrow(piece, outcome, [MOST_TRIES])
        return outcome

    def renewed(self) -> bool:
        """Whether the remote may have started anew, without any request having failed; told once."""
        was, self._door.renewed = self._door.renewed, False
        return was

    def close(self) -> None:
        """Close the connection."""
        self._door.close()

    def _narrow(self, batch: Batch, outcome: Outcome, left: list[int]) -> None:
        try:
            self._door.post(self._url, self._wire.body(batch), HEADERS)
        except Refused as error:
            # Old samples beside new ones are the usual thing after an outage: all the new ones have to be found.
            left[0] -= not error.of_age
            times, sources = len(batch.times()), len(batch.sources())
            alone = len(batch.series) == 1 or (error.of_age and sources == 1)
            if left[0] <= 0 or (times == 1 and alone):
                self._drop(batch, error, outcome)
                return
            # Older before newer: an engine that has the newer may take the older no more.
            for half in halves(batch):
                self._narrow(half, outcome, left)

    def _drop(self, batch: Batch, error: Refused, outcome: Outcome) -> None:
        outcome.dropped += batch.samples
        if error.of_age:
            outcome.of_age += batch.samples
        else:
            for key, (times, _) in batch.series.items():
                outcome.refused.update(((source_of(key), at), error.reason) for at in times)
        now = time.monotonic()
        if now < self._silent_until.get(error.of_age, 0.0):
            return
        self._silent_until[error.of_age] = now + SAY_EVERY * (60 if error.of_age else 1)
        why = " (it has them already, or takes none as late)" if error.of_age else ""
        self._say(f"remote {error}: {batch.samples} samples were given up{why}")
