"""What one reading round of one source gave: stored whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from metrics.model import Sample


class ErrorClass(StrEnum):
    """Why a poll, or one reading of it, failed; each class has its own way of going on."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    AUTH = "auth"
    REFUSED_BY_LIMIT = "refused_by_limit"
    NOT_READY = "not_ready"
    FORBIDDEN = "forbidden"
    MISSING = "missing"
    GONE = "gone"
    CONNECTION_LOST = "connection_lost"
    BAD_REPLY = "bad_reply"


@dataclass(frozen=True, slots=True)
class Failure:
    """One error: its class, the server's words without any secret, and the line that mends it where one is known."""

    kind: ErrorClass
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """Something with a text or a structure that is no number: a query text, a slow-log entry, a client list."""

    kind: str
    key: str
    body: str


class Tier(StrEnum):
    """How often a reading is worth its cost: every interval, every minute, or every hour."""

    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"


class EventKind(StrEnum):
    """What is worth seeing on every chart."""

    DEPLOY = "deploy"
    CONFIG = "config"
    DDL = "ddl"
    RESTART = "restart"
    FAILOVER = "failover"
    RESET = "reset"
    LOAD_TEST = "load_test"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Event:
    """A moment, or a span when ``until`` is set; source "" speaks of all."""

    kind: EventKind
    at: float
    text: str
    source: str = ""
    until: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One round.

    at        seconds of the epoch at which the first answer arrived, or at which the failure was known
    duration  seconds
    epochs    marks of start or reset, by name: a change means that counters began anew
    partial   readings that failed while others did not
    events    what was seen to have happened since the poll before
    left_out  series that a cap kept out of ``samples``, each of them part of a rest
    """

    source: str
    tier: Tier
    at: float
    duration: float
    up: bool
    error: Failure | None = None
    epochs: Mapping[str, float] = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    records: Sequence[Record] = ()
    partial: Mapping[str, Failure] = field(default_factory=dict)
    events: Sequence[Event] = ()
    left_out: int = 0
