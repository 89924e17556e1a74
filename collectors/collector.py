"""What every collector does, whatever it asks: keep one connection, poll it, say what went wrong.

A collector leaves no trace on its server but its connection: it changes nothing, resets nothing, and does not ask
again at every poll for what it was refused.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from collectors.failed import MALFORMED, Disconnected, Failed
from collectors.findings import Findings
from collectors.identity import Identity, Who
from collectors.round import Off, Round, malformed
from collectors.sieve import Sieve, limits_of
from collectors.source import Source
from metrics.poll import ErrorClass, Event, Poll, Tier

RECYCLE = 1800.0
"""Seconds that a connection is kept. A changed password is seen at a new one only, and better soon than at night."""

LOOKS = 5
"""Fresh connections that are made when another server answers than before: of two by chance both are met then."""

S = TypeVar("S", bound=Source)


@dataclass(frozen=True, slots=True)
class Lack:
    """Something that a server does not allow or does not have: what, why it matters, and the line that mends it."""

    what: str
    why: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server is and what can be had of it."""

    version: str
    role: str = ""
    epochs: Mapping[str, float]
    lacking: tuple[Lack, ...] = ()


class Collector(ABC, Generic[S]):
    """One source's connection. One thread at a time; ``close`` may be called from any.

    Deadlines are times of time.monotonic(): the calls return by then, whatever the server does.
    """

    tiers: ClassVar[Mapping[Tier, float]] = {Tier.FAST: 0.0}
    """Least seconds between two polls of each tier that it has."""

    cure: ClassVar[str] = "Give each server a [[source]] of its own, by an address that is its alone."
    """What mends it that one address answers for several servers."""

    def __init__(self, source: S) -> None:
        """Nothing is connected yet."""
        self.source = source
        self.off = Off()
        self.sieve = Sieve(limits_of(source.kind))
        self.findings = Findings()
        self.identity = Identity()
        self._connected_at: float | None = None
        self._held: list[Event] = []
        self._mixed = False

    @property
    def kind(self) -> str:
        """The kind of its source."""
        return self.source.kind

    def poll(self, tier: Tier, deadline: float) -> Poll:
        """One round of one tier. What the server does wrong is in the Poll; it is never raised."""
        round_ = Round(self.source.name, tier, self.off, self.sieve, self.findings)
        before = self.identity.mark
        try:
            self._over_a_connection(round_, deadline)
        except Failed as failed:
            if isinstance(failed, Disconnected):
                self.close()
            return round_.failed(failed.failure)
        except MALFORMED as error:
            # Nothing is known of what is still to come over this connection.
            self.close()
            return round_.failed(malformed(error, str(tier)).failure)
        anew = self.identity.mark != before
        if anew and before is not None:
            self.sieve.renew()
            self.look_around(deadline)
        if self.identity.several or self._mixed:
            self._drop(round_)
        else:
            self._hold_back(round_, anew=anew)
        return round_.poll()

    def probe(self, deadline: float) -> Capabilities:
        """What the server is and what is lacking. Raises Failed when it cannot be asked."""
        try:
            self._open(deadline)
            return self.examine(deadline)
        except Disconnected:
            self.close()
            raise

    def look_around(self, deadline: float) -> bool:
        """See whether fresh connections reach other servers than ours does; False when that could not be told."""
        try:
            self.identity.beside(self.around(deadline))
        except Failed:
            return False
        return True

    def around(self, deadline: float) -> list[Who]:
        """Who answers over fresh connections. Raises Failed."""
        found: list[Who] = []
        while len(found) < LOOKS and all(who.mark == self.identity.mark for who in found):
            who = self.who(deadline)
            if who is None:
                break
            found.append(who)
        return found

    def who(self, deadline: float) -> Who | None:
        """Who answers over one fresh connection; None where servers have no mark. Raises Failed."""
        del deadline
        return None

    def forget(self) -> None:
        """What was learnt from poll to poll: it is of several servers."""

    def close(self) -> None:
        """Let go of the connection; the next poll makes a new one."""
        self._connected_at = None
        self.disconnect()

    @abstractmethod
    def connect(self, deadline: float) -> None:
        """Make the connection and learn what the server is. Raises Disconnected."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the connection if there is one. Raises nothing."""

    @abstractmethod
    def read(self, round_: Round, deadline: float) -> None:
        """Put the readings of the round's tier into it. Raises Failed when nothing is worth going on."""

    @abstractmethod
    def examine(self, deadline: float) -> Capabilities:
        """What the connected server is and lacks. Raises Failed."""

    def _drop(self, round_: Round) -> None:
        """What is of one server now and was of another a moment ago says nothing of either."""
        self._held.clear()
        round_.drop()
        if self.identity.several:
            round_.mixed(self.identity.names(), self.cure)
            # Each poll over a connection of its own: else the first that is kept would look like the end of it.
            self.close()
        else:
            self.off.clear()
            self.forget()
            self.sieve.renew()
        self._mixed = self.identity.several

    def _hold_back(self, round_: Round, *, anew: bool) -> None:
        """Events wait for the second answer of a server that is another and no younger than the one before."""
        if round_.tier is Tier.FAST and not anew:
            self.identity.settle()
        if self.identity.unsure and not self.identity.restarted:
            self._held += round_.events
            round_.events.clear()
        else:
            round_.events[:0] = self._held
            self._held.clear()

    def _open(self, deadline: float) -> bool:
        """Connect if need be; whether an older connection goes on being used."""
        now = time.monotonic()
        if self._connected_at is not None and now - self._connected_at < RECYCLE:
            return True
        self.close()
        self.connect(deadline)
        self._connected_at = now
        return False

    def _over_a_connection(self, round_: Round, deadline: float) -> None:
        reused = self._open(deadline)
        try:
            self.read(round_, deadline)
        except Disconnected as lost:
            # A server that was restarted between two polls costs no gap.
            if not reused or lost.failure.kind is not ErrorClass.CONNECTION_LOST or deadline <= time.monotonic():
                raise
            self.close()
            self.off.clear()
            round_.restart()
            self._open(deadline)
            self.read(round_, deadline)


AnyCollector = Collector[Any]
