"""What one judgement does to the state of one rule for one subject. Pure.

ok ──missed──▶ pending ──held──▶ firing ──good──▶ recovering ──kept──▶ ok
any of them without data: unknown; a firing one stays firing and is marked as lost: no data ends no alert
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from metrics.target import State, Target

FLAPS_WITHIN = 3600.0
"""Seconds for which it is remembered that an alert ended: each time doubles what the next end has to last."""

MOST_KEEP = 3600.0
FLAPPING = 3
"""Ends within that time from which on an alert is marked as flapping."""

NEEDED = 2
"""Samples that have to be known before anything is said: the first after a start says too little."""


JITTER = 30.0
"""As this share of the gap, a tenth of an interval, a hold may be short."""


class Phase(StrEnum):
    """Where a rule stands for one subject."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    UNKNOWN = "unknown"


ALARMED = (Phase.FIRING, Phase.RECOVERING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of one judgement.

    at     seconds of the epoch: the end of the window that was judged
    boot, clock  the machine's boot id, and seconds of its clock that no one sets, for the same moment
    good   whether the value is far enough on the good side to end an alert
    """

    at: float
    boot: str
    clock: float
    state: State
    good: bool = False
    value: float | None = None
    part: float | None = None
    whole: float | None = None
    volume: float | None = None
    reason: str = ""
    idle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mind:
    """What is remembered of one rule and subject, over restarts.

    since   when the phase began, in seconds of the epoch
    held    seconds that count towards the hold of a miss, or towards the end of an alert
    began   when the miss began that is pending or was told
    lost    firing, and nothing is known any more
    seen    known judgements in a row, as far as it matters
    ends    when alerts ended lately
    by_wall whether a span was measured by the wall clock, over a reboot
    seq     number of the last stored poll that was judged
    """

    phase: Phase = Phase.UNKNOWN
    since: float = 0.0
    held: float = 0.0
    began: float = 0.0
    lost: bool = False
    seen: int = 0
    ends: tuple[float, ...] = ()
    boot: str = ""
    clock: float = 0.0
    at: float = 0.0
    by_wall: bool = False
    seq: int = 0

    @property
    def flapping(self) -> bool:
        """Whether it ended that often lately."""
        return len(self.ends) >= FLAPPING


@dataclass(frozen=True, slots=True)
class Change:
    """A change of phase, or of what is known while firing."""

    old: Phase
    new: Phase
    lost: bool = False
    found: bool = False

    @property
    def fires(self) -> bool:
        """Whether an alert begins."""
        return self.new is Phase.FIRING and self.old not in ALARMED

    @property
    def resolves(self) -> bool:
        """Whether an alert ends, which only a good value does."""
        return self.old in ALARMED and self.new is Phase.OK


def step(mind: Mind, judged: Judged, target: Target, gap: float) -> tuple[Mind, Change | None]:
    """The state after a judgement, and what changed.

    gap  seconds between two judgements beyond which the time between them counts for nothing: nobody looked
    """
    elapsed, by_wall = _elapsed(mind, judged, gap)
    ends = tuple(end for end in mind.ends if 0 <= judged.at - end < FLAPS_WITHIN)
    mind = replace(mind, boot=judged.boot, clock=judged.clock, at=judged.at, ends=ends, by_wall=mind.by_wall or by_wall)
    if judged.state is State.UNKNOWN:
        return _without_data(mind, judged)
    mind = replace(mind, seen=min(NEEDED, mind.seen + 1))
    if mind.seen < NEEDED:
        return mind, None
    found = mind.lost
    mind = replace(mind, lost=False)
    new = (
        _missed(mind, judged, target, elapsed, gap)
        if judged.state is State.MISSED
        else _met(mind, judged, target, elapsed)
    )
    if new.phase is mind.phase:
        return new, Change(mind.phase, mind.phase, found=True) if found else None
    return replace(new, since=judged.at), Change(mind.phase, new.phase, found=found)


def _elapsed(mind: Mind, judged: Judged, gap: float) -> tuple[float, bool]:
    """Seconds since the judgement before that count; whether only the wall clock could tell."""
    if not mind.boot:
        return 0.0, False
    by_wall = mind.boot != judged.boot
    passed = judged.at - mind.at if by_wall else judged.clock - mind.clock
    return (passed, by_wall) if 0 < passed <= gap else (0.0, False)


def _without_data(mind: Mind, judged: Judged) -> tuple[Mind, Change | None]:
    if mind.phase in ALARMED:
        new = replace(mind, phase=Phase.FIRING, lost=True, held=0.0, seen=0)
        changed = mind.phase is not Phase.FIRING or not mind.lost
        new = replace(new, since=judged.at) if mind.phase is not Phase.FIRING else new
        return new, Change(mind.phase, Phase.FIRING, lost=True) if changed else None
    if mind.phase is Phase.UNKNOWN:
        return replace(mind, seen=0, since=mind.since or judged.at), None
    new = replace(mind, phase=Phase.UNKNOWN, since=judged.at, held=0.0, seen=0)
    return new, Change(mind.phase, Phase.UNKNOWN)


def _missed(mind: Mind, judged: Judged, target: Target, elapsed: float, gap: float) -> Mind:
    if mind.phase is Phase.FIRING:
        return mind
    if mind.phase is Phase.RECOVERING:
        return replace(mind, phase=Phase.FIRING, held=0.0)
    pending = mind.phase is Phase.PENDING
    held = mind.held + elapsed if pending else 0.0
    began = mind.began if pending else judged.at
    # Polls are not to the millisecond: a hold of three intervals must not take four.
    phase = Phase.FIRING if held >= target.hold - gap / JITTER else Phase.PENDING
    return replace(mind, phase=phase, held=held if phase is Phase.PENDING else 0.0, began=began)


def _met(mind: Mind, judged: Judged, target: Target, elapsed: float) -> Mind:
    if mind.phase not in ALARMED:
        return replace(mind, phase=Phase.OK, held=0.0, by_wall=False)
    if not judged.good:
        # Between the bound and what ends an alert: neither a new miss nor an end.
        return replace(mind, phase=Phase.FIRING, held=0.0)
    held = mind.held + elapsed if mind.phase is Phase.RECOVERING else 0.0
    if held < min(MOST_KEEP, target.keep * 2 ** len(mind.ends)):
        return replace(mind, phase=Phase.RECOVERING, held=held)
    return replace(mind, phase=Phase.OK, held=0.0, ends=(*mind.ends, judged.at), by_wall=False)
