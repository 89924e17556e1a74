"""What is read of the server as a whole: its role, WAL, processes and writers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from collectors.postgres import metrics_replication as replication
from collectors.postgres.ask import Ask
from collectors.postgres.resets import Resets
from collectors.round import Round
from metrics.poll import EventKind, Tier


@dataclass(slots=True)
class Server:
    """Remembers its role, its starts and the resets of its statistics, whose changes are events."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.FAST, Tier.MEDIUM, Tier.SLOW)
    _standby: bool | None = None
    _started: float | None = None
    _checkpointer: str | None = None
    _resets: Resets = field(default_factory=Resets)

    def read(self, round_: Round, ask: Ask) -> None:
        """Role, lag and standbys often; slots and what it is more seldom."""
        match round_.tier:
            case Tier.FAST:
                for row in ask.take(round_, replication.POSITION):
                    self._notice(round_, row, ask)
                round_.take(replication.CONNECTED, ask.take(round_, replication.REPLICATION), ask.version)
            case Tier.MEDIUM:
                self._slots(round_, ask)
            case Tier.SLOW:
                self._describe(round_, ask)

    def _describe(self, round_: Round, ask: Ask) -> None:
        with round_.part(replication.INFO.statement):
            row = ask.one(replication.INFO.statement)
            major, minor = ask.version
            address = {"server": ask.source.address, "short_version": f"{major}.{minor}.0"}
            round_.take(replication.INFO, [{**row, **address}], ask.version)

    def _slots(self, round_: Round, ask: Ask) -> None:
        slots = ask.take(round_, replication.SLOTS)
        if ask.version >= replication.SLOT_STATUS.since:
            round_.take(replication.SLOT_STATUS, slots, ask.version)
        if any(row["slot_type"] == "logical" for row in slots):
            ask.take(round_, replication.DECODING)
        ask.take(round_, replication.SUBSCRIPTIONS)

    def _notice(self, round_: Round, row: Mapping[str, Any], ask: Ask) -> None:
        started, standby, checkpointer = row["started"], row["standby"], ask.identity["checkpointer"]
        reset, at = self._resets.look(ask.identity)
        if self._started is not None and started != self._started:
            if ask.restarted:
                round_.event(EventKind.RESTART, "PostgreSQL was started", started)
            else:
                round_.event(EventKind.FAILOVER, f"another PostgreSQL answers here: {ask.connection.server.name}")
        elif standby == self._standby and checkpointer and checkpointer != (self._checkpointer or checkpointer):
            round_.event(EventKind.RESTART, "PostgreSQL began anew after one of its processes crashed")
        elif reset:
            # A crash resets all of them, too.
            round_.event(EventKind.RESET, f"statistics of the server were reset: {reset}", at)
        if self._standby is not None and standby != self._standby:
            role = "a standby" if standby else "the primary"
            round_.event(EventKind.FAILOVER, f"the server is {role} now")
        self._standby, self._started, self._checkpointer = standby, started, checkpointer
