"""One subject against one target: its value, its evidence and, when unknown, the reason."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dashboards import amounts
from dashboards.amounts import Amount
from dashboards.naming import whom
from dashboards.sketch import Sketch, sketch
from dashboards.span import clock
from dashboards.survey import Survey, any_form
from metrics.duration import spoken
from metrics.evaluate import Line
from metrics.forms import Form, Ratio, Share, terms
from metrics.judge import absent, verdict_of
from metrics.model import Unit
from metrics.target import Direction, State, Target, Verdict

SLACK = 20.0
"""Seconds that a window may lack before it is said of how much a value is: two usual intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One subject against one target.

    subject   whom it speaks of
    headroom  share of the bound that is left, negative when missed; None when nothing is known
    inside    share of the range in which the target was met, of what is known
    lasting   how long it has been missed, up to now; as long as the range when it was never met in it
    note      what a reader must know beside the value: of how little time it is, or why it is unknown
    last      the last value that was known, and when, where there is none now
    """

    verdict: Verdict
    subject: str
    value: Amount
    bound: str
    headroom: float | None = None
    trend: Sketch | None = None
    change: Amount = field(default_factory=lambda: Amount(amounts.NONE, ""))
    better: bool | None = None
    inside: float | None = None
    lasting: str = ""
    note: str = ""
    last: str = ""
    evidence: str = ""

    @property
    def state(self) -> State:
        """Met, missed or unknown."""
        return self.verdict.state


def standing(survey: Survey, form: Form, line: Line) -> Standing:
    verdict = _verdict(survey, form, line)
    target, value = verdict.target, verdict.value
    change = survey.change(form, line)
    return Standing(
        verdict=verdict,
        subject=whom(line.subject),
        value=amounts.apart(value, target.bound, amounts.measure(form)),
        bound=bound_text(form, target),
        headroom=None if value is None or target.judged_in else target.headroom(value),
        trend=sketch(line.values, None if target.judged_in else target.bound),
        change=amounts.signed(change, amounts.measure(form)),
        better=_better(change, target, form),
        inside=inside(line, target),
        lasting=_lasting(survey, line, target) if verdict.state is State.MISSED else "",
        note=_note(survey, form, verdict),
        last=_last_known(survey, form, line) if value is None else "",
        evidence=_evidence(form, verdict),
    )


def _better(change: float | None, target: Target, form: Form) -> bool | None:
    """Whether a change went the good way; None for one too small to be seen, or that nobody judges."""
    if not change or target.judged_in or amounts.signed(change, amounts.measure(form)).number == "±0":
        return None
    return (change > 0) == (target.direction is Direction.AT_LEAST)


def _verdict(survey: Survey, form: Form, line: Line) -> Verdict:
    """As the judge says; of a source that does not answer, unknown with the reason."""
    verdict = verdict_of(any_form(form), line, survey.read, survey.bounds, survey.span.end)
    condition = survey.condition(line.subject.source)
    stalled = line.guard[-1] >= 0  # a guard reads present levels, and these are of the past
    if (verdict.state is State.UNKNOWN or stalled) and not verdict.target.judged_in and condition and condition.reason:
        return absent(any_form(form), line.subject.source, survey.bounds, condition.reason)
    if verdict.state is State.UNKNOWN and not verdict.idle and condition and (why := condition.why_unknown(form)):
        return replace(verdict, reason=why)
    return verdict


def silent(survey: Survey, form: Form, source: str) -> Standing:
    condition = survey.condition(source)
    reason = (
        condition.reason or condition.why_unknown(form)
        if condition
        else f"no source of kind {survey.catalog.kind_of(form.name)} is configured"
    )
    if form.target and form.target.judged_in:
        reason = f"judged in {form.target.judged_in}"
    verdict = absent(any_form(form), source, survey.bounds, reason)
    return Standing(
        verdict=verdict,
        subject=source,
        value=Amount(amounts.NONE, ""),
        bound=bound_text(form, verdict.target),
        note=verdict.reason,
    )


def bound_text(form: Form, target: Target) -> str:
    """The bound as people say it; of a Share, with the bound that it is a share under.

    >>> from metrics.forms import Level
    >>> from metrics.model import Kind, Metric, Unit
    >>> from metrics.target import at_most
    >>> m = Metric(name="wait_seconds", kind=Kind.GAUGE, unit=Unit.SECONDS, help="Waiting.")
    >>> bound_text(Level(name="w", title="Wait", help="Waiting.", of=[m]), at_most(0.005))
    '≤ 5 ms'
    """
    sign = "≥" if target.direction is Direction.AT_LEAST else "≤"
    text = f"{sign} {amounts.plain(target.bound, amounts.measure(form))}"
    return f"{text} {within(form)}" if isinstance(form, Share) else text


def within(form: Share) -> str:
    """What a Share counts."""
    return f"within {amounts.plain(form.bound, form.of.unit)}"


def inside(line: Line, target: Target) -> float | None:
    """Share of the known, busy windows in which the target was met."""
    known, good = judged(line, target)
    return float(good[known].mean()) if known.any() else None


def _lasting(survey: Survey, line: Line, target: Target) -> str:
    """Since the last window in which the target was met; windows of which nothing is known do not end a miss."""
    known, good = judged(line, target)
    met = np.flatnonzero(known & good)
    if len(met):
        return f"for {_about(float(survey.span.end - survey.span.ends[met[-1]]))}"
    first = np.flatnonzero(known)
    return f"for over {_about(float(survey.span.end - survey.span.ends[first[0]]))}" if len(first) else ""


def _about(length: float) -> str:
    """A length to the minute, once there are some.

    >>> _about(3590.0), _about(50.0)
    ('1 h', '50 s')
    """
    return spoken(round(length / 60) * 60 if length >= 120 else length)


def judged(line: Line, target: Target) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which windows can be judged, and which values are on the good side."""
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(line.values) & ~(line.volume < target.traffic)
        good = line.values >= target.bound if target.direction is Direction.AT_LEAST else line.values <= target.bound
    return known & (target.judged_in is None), good


def _note(survey: Survey, form: Form, verdict: Verdict) -> str:
    if verdict.reason:
        return verdict.reason
    window = verdict.target.window if survey.span.thin else survey.window(form)
    if (
        verdict.start is None
        or verdict.end is None
        or isinstance(form, Ratio)
        and form.of_gauges
        or verdict.volume is None
    ):
        return ""
    covered = verdict.end - verdict.start
    if covered < min(0.9 * window, window - SLACK):
        return f"of {spoken(covered)}"
    return f"of {spoken(window)}" if window > verdict.target.window else ""


def _last_known(survey: Survey, form: Form, line: Line) -> str:
    known = np.flatnonzero(~np.isnan(line.values) & (line.guard < 0))
    if not len(known):
        return ""
    at = float(survey.span.ends[known[-1]])
    value = amounts.amount(float(line.values[known[-1]]), amounts.measure(form))
    return f"{value} at {clock(at, survey.span.end - at > 43200)}"


def _evidence(form: Form, verdict: Verdict) -> str:
    """The two sums behind a quotient, in words."""
    if verdict.part is None or verdict.whole is None or verdict.start is None or verdict.end is None:
        return ""
    when = f" in {spoken(verdict.end - verdict.start)}" if verdict.end > verdict.start else ""
    if isinstance(form, Share):
        return f"{verdict.part:,.0f} of {verdict.whole:,.0f}{when}"
    if not isinstance(form, Ratio):
        return ""
    part = amounts.amount(verdict.part, terms(form.part)[0].metric.unit)
    whole = amounts.amount(verdict.whole, terms(form.whole)[0].metric.unit)
    word = "over" if form.unit is not Unit.RATIO else "lost of" if form.complement else "of"
    return f"{part} {word} {whole}{when}"
