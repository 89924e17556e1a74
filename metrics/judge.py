"""Lines of values against targets: verdicts, each unknown with its reason."""

import math

import numpy as np

from metrics.duration import spoken
from metrics.evaluate import Line, edges, evaluate
from metrics.forms import AnyForm, Ratio, Share, edge
from metrics.model import Subject
from metrics.points import Read
from metrics.target import Bounds, State, Target, Verdict


def judge(form: AnyForm, read: Read, now: float, bounds: Bounds) -> list[Verdict]:
    """The present verdict of every subject of which there is data; none when there is none."""
    lines = evaluate(form, read, np.array([now]), aim(form).window)
    return [verdict_of(form, line, read, bounds, now) for line in lines]


def aim(form: AnyForm) -> Target:
    """The form's declared target, or what its alert is about; only forms that have one are judged."""
    target = form.target or form.alert
    if target is None:
        raise ValueError(f"{form.name} has no target")
    return target


def verdict_of(form: AnyForm, line: Line, read: Read, bounds: Bounds, now: float) -> Verdict:
    """The verdict of a line's last window, which ends at ``now``."""
    return against(form, line, read, bounds.of(form.name, aim(form), line.subject.source), now)


def against(form: AnyForm, line: Line, read: Read, target: Target, now: float) -> Verdict:
    """The same against a target as somebody has tuned it."""
    value = _known(line.values[-1])
    state, reason, idle = _state(form, target, line, value, read, now)
    return Verdict(
        name=form.name,
        subject=line.subject,
        target=target,
        state=state,
        value=value,
        start=_known(line.start[-1]),
        end=_known(line.seen[-1]),
        part=_known(line.part[-1]),
        whole=_known(line.whole[-1]),
        volume=_known(line.volume[-1]),
        reason=reason,
        idle=idle,
        clamped=bool(line.clamped[-1]),
    )


def absent(form: AnyForm, source: str, bounds: Bounds, reason: str = "") -> Verdict:
    """The verdict on a source that reports nothing of what a form needs."""
    target = bounds.of(form.name, aim(form), source)
    why = reason or form.absent or f"no sample of {form.inputs()[0].selector.metric} yet"
    return Verdict(name=form.name, subject=Subject(source), target=target, state=State.UNKNOWN, reason=why)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)


def _state(
    form: AnyForm, target: Target, line: Line, value: float | None, read: Read, now: float
) -> tuple[State, str, bool]:
    """State, reason, and whether it is merely idle: the first of these that holds."""
    if target.judged_in:
        return State.UNKNOWN, f"judged in {target.judged_in}", False
    if line.guard[-1] >= 0 and isinstance(form, Ratio):
        reason = form.guards[line.guard[-1]].reason
        if value is None:
            return State.UNKNOWN, reason, False
        return (State.MET if target.met_by(value) else State.MISSED), reason, False
    silent = _silence(line, now)
    if silent:
        return State.UNKNOWN, silent, False
    volume = line.volume[-1]
    if isinstance(form, Share) and math.isnan(line.part[-1]) and volume > 0:
        return State.UNKNOWN, _no_edge(form, read, now), False
    if not math.isnan(volume) and (volume < target.traffic or volume == 0):
        return State.UNKNOWN, _too_little(target, float(volume)), True
    if value is None:
        return State.UNKNOWN, "a reset left no whole interval in the window", False
    return (State.MET if target.met_by(value) else State.MISSED), "", False


def _silence(line: Line, now: float) -> str:
    """Why nothing has been heard, or nothing."""
    seen = line.seen[-1]
    if math.isnan(seen):
        return "a change needs two samples, and there is one so far"
    return "" if line.fresh[-1] else f"no sample for {spoken(now - seen)}"


def _no_edge(form: Share, read: Read, now: float) -> str:
    have = edges(form, read, now)
    near = sorted(sorted(have, key=lambda bound: abs(bound - form.bound))[:2])
    nearest = " and ".join(f"{edge(bound)} s" for bound in near) or "none"
    return f"{edge(form.bound)} s is no bucket edge of {form.of.name} (nearest: {nearest}), so the share is not exact"


def _too_little(target: Target, volume: float) -> str:
    if volume == 0:
        return f"no traffic in {spoken(target.window)}"
    return f"{volume:,.0f} in {spoken(target.window)} are too few to judge (least {target.traffic:,.0f})"
