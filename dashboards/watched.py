"""The sources as a page sees them: whether each answers, since when not, why, and what mends it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dashboards.span import clock
from metrics.duration import spoken
from metrics.finding import ANY, FINDINGS, Finding, unpacked
from metrics.forms import Form
from metrics.model import SOURCE, Matcher, Selector
from metrics.points import LOOKBACK, Points
from metrics.watch import POLL_ERRORS, POLL_LAG, POLL_SECONDS, POLLS_MISSED, UP
from storage.store import Reader

LATE = 3.0
"""A source whose newest poll is more than this many intervals old has a collector that does not run."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One configured source: what a page needs to know of its configuration."""

    name: str
    kind: str
    tags: Mapping[str, str] = field(default_factory=dict)
    interval: float = 10.0
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is known of one source at one time.

    state   up, down (polled, no answer), stale (not polled any more) or awaited (never polled yet)
    since   when it went down, or when it was last polled
    lacking   what single readings could not do, with the line that mends it
    """

    watched: Watched
    state: str
    last: float | None = None
    since: float | None = None
    error: str = ""
    hint: str = ""
    duration: float | None = None
    lag: float | None = None
    missed: float | None = None
    errors: float | None = None
    lacking: tuple[tuple[str, str, str], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def reason(self) -> str:
        """Why nothing can be said of it, in a few words; empty while it answers."""
        if self.state == "down":
            since = clock(self.since) if self.since is not None else "an unknown time"
            return f"down since {since}: {self.error or 'no answer'}"
        if self.state == "stale" and self.last is not None:
            return f"not polled since {clock(self.last)}"
        return "first sample awaited" if self.state == "awaited" else ""

    def why_unknown(self, form: Form) -> str:
        """What was found about one of the metrics of a form, in words; empty when nothing was."""
        names = {term.metric.name for term in form.inputs()}
        return next((found.text for found in self.findings if found.metric in {ANY, *names}), "")


def conditions(store: Reader, sources: Sequence[Watched], now: float) -> list[Condition]:
    """The condition of every configured source, in their order."""
    latest: dict[tuple[str, str], float] = {}
    for metric, labels, _, value in store.latest():
        if metric.startswith("trivet_"):
            key = (dict(labels).get(SOURCE, ""), metric)
            latest[key] = (
                latest.get(key, 0.0) + value if metric.endswith("_total") else max(latest.get(key, value), value)
            )
    return [_condition(store, watched, latest, now) for watched in sources]


def _condition(store: Reader, watched: Watched, latest: Mapping[tuple[str, str], float], now: float) -> Condition:
    ups = _ups(store, watched.name, now)
    if ups is None:
        return Condition(watched=watched, state="awaited")
    last, up = float(ups.times[-1]), bool(ups.values[-1])
    late = now - last > max(LATE * watched.interval, 20.0)
    error, hint = ("", "") if up else problem(store, watched.name)
    return Condition(
        watched=watched,
        state="down" if not up else "stale" if late else "up",
        last=last,
        since=last if up else _fell(ups),
        error=error,
        hint=hint,
        duration=latest.get((watched.name, POLL_SECONDS.name)),
        lag=latest.get((watched.name, POLL_LAG.name)),
        missed=latest.get((watched.name, POLLS_MISSED.name)),
        errors=latest.get((watched.name, POLL_ERRORS.name)),
        lacking=tuple(_lacking(store, watched.name)) if up else (),
        findings=tuple(_findings(store, watched.name)) if up else (),
    )


def _ups(store: Reader, source: str, now: float) -> Points | None:
    """Whether it was up, over the shortest stretch that tells since when it has not been."""
    selector = Selector(UP.name, (Matcher(SOURCE, source),))
    found: Points | None = None
    for back in (LOOKBACK, 86400.0, 30 * 86400.0):
        series = store.raw(selector, now - back, now)
        if series and len(series[0].times):
            found = series[0]
            if found.values[-1] or found.values.any():
                break
    return found


def _fell(ups: Points) -> float:
    """The first failure after the last success."""
    good = np.flatnonzero(ups.values > 0)
    return float(ups.times[good[-1] + 1 if len(good) else 0])


def problem(store: Reader, source: str) -> tuple[str, str]:
    """The last error of a source, and the line that mends it."""
    records = store.records(source, "error", ["last"])
    return _failure(records[0].body) if records else ("", "")


def _failure(body: str) -> tuple[str, str]:
    """Text and hint of a failure as it is kept: JSON, or the bare text.

    >>> _failure('{"text": "connection refused", "hint": "start it"}'), _failure("gone")
    (('connection refused', 'start it'), ('gone', ''))
    """
    try:
        kept = json.loads(body)
    except ValueError:
        return body, ""
    if not isinstance(kept, dict):
        return body, ""
    return str(kept.get("text", "")) or str(kept.get("class", "")), str(kept.get("hint", ""))


def _lacking(store: Reader, source: str) -> Iterator[tuple[str, str, str]]:
    """What single readings may not or cannot do; a record whose text is empty speaks of what is mended."""
    for record in store.records(source, "lacking"):
        if record.body:
            yield record.key, *_failure(record.body)


def _findings(store: Reader, source: str) -> Iterator[Finding]:
    """What its collector has found, once each."""
    seen = set()
    for record in store.records(source, FINDINGS):
        for finding in unpacked(record.body):
            if finding.key not in seen:
                seen.add(finding.key)
                yield finding


def headline(found: Sequence[Condition]) -> str:
    """One line on all of them.

    >>> up = Condition(watched=Watched("cache", "redis"), state="up")
    >>> headline([up, up]), headline([])
    ('2 of 2 sources current', 'No source configured')
    """
    if not found:
        return "No source configured"
    good = sum(condition.state == "up" for condition in found)
    return f"{good} of {len(found)} sources current"


def silence(found: Sequence[Condition], now: float) -> str:
    """What to say when no source is polled any more; empty while one is, or before the first sample."""
    polled = [condition.last for condition in found if condition.last is not None]
    if not polled or any(condition.state == "up" for condition in found):
        return ""
    newest = now - max(polled)
    longest = max(condition.watched.interval for condition in found)
    return f"No new samples for {spoken(newest)}: is the collector running?" if newest > LATE * longest else ""
