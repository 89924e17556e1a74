"""Bounds with their direction in the word, and what was found against them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from metrics.duration import seconds
from metrics.model import Subject


class Direction(StrEnum):
    """Which side of the bound is good."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


class Severity(StrEnum):
    """How soon somebody has to look, in the words that alerting tools share."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class State(StrEnum):
    """What a verdict can be. Unknown is a state of its own and never counts as met."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound in the form's base unit, over a window; both ends of the bound's side include it.

    window   seconds that one judgement looks back
    hold     seconds that a miss must last before anybody is told
    traffic  least volume in the window below which there is nothing to judge
    judged_in  set where the running system cannot be judged: the verdict is then unknown and says so
    severity  of the alert when it is missed
    recover  the value that ends an alert; the bound itself when None
    keep     seconds for which it must be reached before the alert ends
    """

    direction: Direction
    bound: float
    window: float
    hold: float
    traffic: float = 0.0
    judged_in: str | None = None
    severity: Severity = Severity.WARNING
    recover: float | None = None
    keep: float = 60.0

    def __post_init__(self) -> None:
        if self.recover is not None and not self.met_by(self.recover):
            raise ValueError(f"a value of {self.recover:g} misses the bound, so it cannot end an alert")

    def met_by(self, value: float) -> bool:
        """Whether a value is on the good side.

        >>> at_least(0.8).met_by(0.8), at_most(0.05).met_by(0.051)
        (True, False)
        """
        return value >= self.bound if self.direction is Direction.AT_LEAST else value <= self.bound

    def headroom(self, value: float) -> float:
        """How far inside the bound a value is, as a share of the bound; negative when it is missed.

        For ratios near one the distance to one is the scale, so that 99 % against 98 % reads as half.

        >>> round(at_most(0.2).headroom(0.15), 2), round(at_least(0.9).headroom(0.95), 2)
        (0.25, 0.5)
        """
        gap = value - self.bound if self.direction is Direction.AT_LEAST else self.bound - value
        scale = 1 - self.bound if self.direction is Direction.AT_LEAST and 0.5 <= self.bound < 1 else self.bound
        return gap / scale if scale else gap

    def recovered_by(self, value: float) -> bool:
        """Whether a value is far enough on the good side to end an alert.

        >>> target = at_least(0.8, recover=0.85)
        >>> target.recovered_by(0.82), target.recovered_by(0.85)
        (False, True)
        """
        end = self.bound if self.recover is None else self.recover
        return value >= end if self.direction is Direction.AT_LEAST else value <= end

    def at(self, bound: float) -> "Target":
        """The same target with another bound; what ends an alert moves along, at most to one where it was below.

        >>> at_least(0.8, recover=0.9).at(0.9).recover, at_most(100, recover=50).at(10).recover
        (0.95, 5.0)
        """
        return replace(self, bound=bound, recover=self._moved(bound))

    def _moved(self, bound: float) -> float | None:
        if self.recover is None or not self.bound:
            return None
        if self.direction is Direction.AT_LEAST and 0 < self.bound < 1 and self.recover <= 1:
            share = (self.recover - self.bound) / (1 - self.bound)
            return round(bound + share * max(0.0, 1 - bound), 12)
        return bound * self.recover / self.bound


def at_least(
    bound: float,
    *,
    window: str = "5m",
    hold: str = "5m",
    traffic: float = 0.0,
    judged_in: str | None = None,
    severity: Severity = Severity.WARNING,
    recover: float | None = None,
    keep: str = "1m",
) -> Target:
    """A target that higher values meet."""
    return Target(
        direction=Direction.AT_LEAST,
        bound=bound,
        window=seconds(window),
        hold=seconds(hold),
        traffic=traffic,
        judged_in=judged_in,
        severity=severity,
        recover=recover,
        keep=seconds(keep),
    )


def at_most(
    bound: float,
    *,
    window: str = "5m",
    hold: str = "5m",
    traffic: float = 0.0,
    judged_in: str | None = None,
    severity: Severity = Severity.WARNING,
    recover: float | None = None,
    keep: str = "1m",
) -> Target:
    """A target that lower values meet."""
    return Target(
        direction=Direction.AT_MOST,
        bound=bound,
        window=seconds(window),
        hold=seconds(hold),
        traffic=traffic,
        judged_in=judged_in,
        severity=severity,
        recover=recover,
        keep=seconds(keep),
    )


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds that the config gives in place of the declared ones, by source and target name."""

    overrides: Mapping[str, Mapping[str, float]]

    def of(self, name: str, target: Target, source: str) -> Target:
        """The target as it stands for one source.

        >>> Bounds({"cache": {"redis_hit_rate": 0.9}}).of("redis_hit_rate", at_least(0.8), "cache").bound
        0.9
        """
        bound = self.overrides.get(source, {}).get(name)
        return target if bound is None else target.at(bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found for one subject, with its evidence.

    value    in the form's base unit; None when nothing can be said
    start, end   the time the value really covers, in seconds of the epoch
    part, whole  the two sums it was divided from, where it was
    volume   what counted as traffic
    idle     unknown for want of traffic, which is nobody's fault
    clamped  the quotient lay outside 0–1 and was brought back
    """

    name: str
    subject: Subject
    target: Target
    state: State
    value: float | None = None
    start: float | None = None
    end: float | None = None
    part: float | None = None
    whole: float | None = None
    volume: float | None = None
    reason: str = ""
    idle: bool = False
    clamped: bool = False


def fold(verdicts: list[Verdict]) -> State:
    """One state for many subjects: any missed, else any unknown that has traffic, else met.

    Idle subjects are left out; with nothing but idle subjects the answer is unknown.
    """
    states = [verdict.state for verdict in verdicts if not verdict.idle]
    if State.MISSED in states:
        return State.MISSED
    return State.UNKNOWN if State.UNKNOWN in states or not states else State.MET
