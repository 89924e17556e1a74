"""The only arithmetic: raw values in, one line of values per subject out.

Every number that a page, an alert, a CSV file or a score shows comes from `evaluate`, over one window or over
many. A value that cannot be known is nan, never zero and never one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from metrics.forms import (
    AnyForm,
    Floor,
    Guard,
    Level,
    Quantile,
    Rate,
    Ratio,
    Share,
    bucket,
    count,
    edge,
    terms,
)
from metrics.increase import Cuts, Span, changes, falls, over
from metrics.model import SOURCE, Matcher, Metric, Selector, Subject, Term
from metrics.points import LOOKBACK, Column, Points, Read, last_at, plus, spacing
from metrics.watch import EPOCH

GAPS = 3.0
"""A subject whose last sample is more than this many usual distances old is not known at that moment."""


@dataclass(slots=True)
class Line:
    """One subject over all windows; arrays are as long as the windows are many.

    values   in the form's base unit, nan where unknown
    part, whole, volume   the sums behind them (nan where there are none)
    start    from when on each value really speaks; seen: the last sample it used
    fresh    whether that sample is recent enough for the subject's own pace
    clamped  where the quotient lay outside 0–1
    guard    which of the form's guards bit, −1 for none
    """

    subject: Subject
    values: Column
    part: Column
    whole: Column
    volume: Column
    start: Column
    seen: Column
    fresh: NDArray[np.bool_]
    clamped: NDArray[np.bool_]
    guard: NDArray[np.int64]

    def put_last(self, other: "Line") -> None:
        """Take another line's last window for our last."""
        for column in fields(self)[1:]:
            mine = getattr(self, column.name).copy()
            mine[-1] = getattr(other, column.name)[-1]
            setattr(self, column.name, mine)

    def blank(self, size: int) -> "Line":
        """A line of the same subject of which nothing is known."""
        nothing = np.full(size, np.nan)
        no = np.zeros(size, dtype=np.bool_)
        return Line(
            subject=self.subject,
            values=nothing,
            part=nothing,
            whole=nothing,
            volume=nothing,
            start=nothing,
            seen=nothing,
            fresh=no,
            clamped=no,
            guard=np.full(size, -1, dtype=np.int64),
        )


@dataclass(slots=True)
class _Sum:
    """Sums of one term over a subject's series."""

    total: Column
    elapsed: Column
    base: Column
    seen: Column
    gap: float = 0.0

    @classmethod
    def none(cls, size: int) -> "_Sum":
        blank = np.full(size, np.nan)
        return cls(total=blank, elapsed=blank, base=blank, seen=blank)


_Sums = dict[Subject, _Sum]


@dataclass(frozen=True, slots=True)
class _Seen:
    """For each end the place of the last of some times, and that time, nan where it is too old for the present.

    times  kept, so that their address stays theirs
    gap    seconds after which the next is missing
    """

    times: Column
    index: NDArray[np.int64]
    when: Column
    gap: float


@dataclass(slots=True)
class _Asked:
    """The windows asked for, and what was read for them."""

    read: Read
    ends: Column
    window: float
    by: tuple[str, ...]
    lookback: float = LOOKBACK
    where: Callable[[Points], Column | None] = field(default=lambda points: None)
    _seen: dict[int, "_Seen"] = field(default_factory=dict)

    def seen(self, times: Column) -> "_Seen":
        """What the ends are to some times; series that came with one another share theirs, and this."""
        found = self._seen.get(id(times))
        if found is None:
            index = last_at(times, self.ends)
            last = np.where(index >= 0, times[np.maximum(index, 0)], np.nan)
            when = np.where(last >= self.ends - self.lookback, last, np.nan)
            found = self._seen[id(times)] = _Seen(times, np.maximum(index, 0), when, GAPS * spacing(times))
        return found

    @property
    def starts(self) -> Column:
        return self.ends - self.window

    def series(self, selector: Selector) -> list[Points]:
        low = float(self.ends.min()) - self.window - self.lookback
        return [_finite(points) for points in self.read(selector, low, float(self.ends.max()))]

    def subject(self, points: Points) -> Subject:
        return Subject(points.source, tuple((name, points.labels.get(name, "")) for name in self.by))


def evaluate(form: AnyForm, read: Read, ends: Column, window: float, coarse: float = 0.0) -> list[Line]:
    """The form's value over each window (end − window, end], one line per subject, sorted.

    form     what to compute; read: where raw values come from; ends: seconds of the epoch, rising
    window   seconds; Level and Ratios of gauges take the last value at each end instead
    coarse   how far apart, in seconds, what is read was thinned to: values stand in for the present that much longer
    """
    asked = _Asked(read, np.asarray(ends, dtype=np.float64), window, form.by, LOOKBACK + coarse)
    if isinstance(form, Ratio):
        lines = _ratio(form, asked)
    elif isinstance(form, Rate):
        lines = _rate(form, asked)
    elif isinstance(form, Level):
        lines = _level(form, asked)
    elif isinstance(form, Share):
        lines = _share(form, asked)
    else:
        lines = _quantile(form, asked)
    return sorted(lines, key=lambda line: line.subject.labels) if form.by else lines


def _finite(points: Points) -> Points:
    good = np.isfinite(points.values)
    return points if good.all() else Points(points.labels, points.times[good], points.values[good])


# --- counters -------------------------------------------------------------------------------------------------


def _scope(metrics: Iterable[Metric]) -> tuple[str, ...]:
    """The labels whose values say which series were reset together."""
    shared = set.intersection(*({*metric.labels} for metric in metrics))
    return (SOURCE, *sorted(shared))


def _epochs(asked: _Asked, metrics: Iterable[Metric]) -> dict[tuple[str, ...], list[Span]]:
    names = {metric.epoch for metric in metrics if metric.epoch}
    found: dict[tuple[str, ...], list[Span]] = defaultdict(list)
    for name in sorted(names):
        for source, spans in changes(asked.series(Selector(EPOCH.name, (Matcher("epoch", name),)))).items():
            found[source] += spans
    return found


def _increases(asked: _Asked, wanted: Sequence[Term]) -> dict[Term, _Sums]:
    """Each term's increase by subject; terms of one call share their resets."""
    scope = _scope(term.metric for term in wanted)
    loaded = {term: asked.series(term.selector) for term in dict.fromkeys(wanted)}
    fell = falls((points for series in loaded.values() for points in series), scope)
    renewed = _epochs(asked, (term.metric for term in wanted))
    sums: dict[Term, _Sums] = {}
    cuts: dict[tuple[str, ...], Cuts] = {}
    for term, series in loaded.items():
        sums[term] = {}
        for points in series:
            fate = points.pick(scope)
            if fate not in cuts:
                cuts[fate] = Cuts([*fell.get(fate, ()), *renewed.get((points.source,), ())])
            _add(asked, sums[term], points, cuts[fate])
    return sums


def _add(asked: _Asked, sums: _Sums, points: Points, spans: Cuts) -> None:
    cells = over(points, asked.starts, asked.ends, spans, asked.lookback)
    counts = asked.where(points)
    increase = cells.increase if counts is None else np.where(counts, cells.increase, np.nan)
    total = sums.setdefault(asked.subject(points), _Sum.none(len(asked.ends)))
    total.total = plus(total.total, increase)
    total.elapsed = np.fmax(total.elapsed, cells.elapsed)
    total.base = np.fmin(total.base, cells.base)
    total.seen = np.fmax(total.seen, cells.seen)
    total.gap = max(total.gap, asked.seen(points.times).gap)


# --- gauges ---------------------------------------------------------------------------------------------------


def _levels(asked: _Asked, selector: Selector, highest: bool = False) -> _Sums:
    """Each subject's present values, summed or at their highest.

    A series counts only while it was in its source's newest reading: a dropped table is not summed on.
    """
    series = asked.series(selector)
    seen = [asked.seen(points.times) for points in series]
    newest: dict[str, Column] = {}
    for points, here in zip(series, seen, strict=True):
        newest[points.source] = np.fmax(newest.get(points.source, here.when), here.when)
    blank = np.full(len(asked.ends), np.nan)
    # Of one source there are few arrays of times, and many series.
    known: dict[tuple[str, int], tuple[NDArray[np.bool_], bool, Column]] = {}
    sums: _Sums = {}
    for points, here in zip(series, seen, strict=True):
        source = points.source
        if (source, id(here)) not in known:
            present = here.when == newest[source]
            known[source, id(here)] = present, bool(present.all()), np.where(present, here.when, np.nan)
        present, always, when = known[source, id(here)]
        values = points.values[here.index]
        if not always:
            values = np.where(present, values, np.nan)
        counts = asked.where(points)
        if counts is not None:
            values = np.where(counts, values, np.nan)
        subject = asked.subject(points)
        total = sums.get(subject)
        if total is None:
            sums[subject] = _Sum(total=values, elapsed=blank, base=when, seen=when, gap=here.gap)
            continue
        total.total = np.fmax(total.total, values) if highest else plus(total.total, values)
        total.seen = total.base = np.fmax(total.seen, when)
        total.gap = max(total.gap, here.gap)
    return sums


def _floors(asked: _Asked, floors: Sequence[Floor], scope: tuple[str, ...]) -> Callable[[Points], Column | None]:
    """Which series count at each end: those that reach any of the floors."""
    passing: dict[tuple[str, ...], NDArray[np.bool_]] = {}
    for floor in floors:
        for points in asked.series(Selector(floor.metric.name)):
            here = asked.seen(points.times)
            high = ~np.isnan(here.when) & (points.values[here.index] >= floor.at_least)
            key = points.pick(scope)
            passing[key] = passing.get(key, high) | high
    nothing = np.zeros(len(asked.ends), dtype=np.bool_)
    return lambda points: passing.get(points.pick(scope), nothing)  # type: ignore[return-value]


# --- the forms ------------------------------------------------------------------------------------------------


def _ratio(form: Ratio, asked: _Asked) -> list[Line]:
    part, whole, spare, volume = (terms(x) for x in (form.part, form.whole, form.else_whole, form.volume))
    if form.where:
        asked.where = _floors(asked, form.where, _scope(t.metric for t in part + whole))
    found = (
        {term: _levels(asked, term.selector) for term in part + whole + spare + volume}
        if form.of_gauges
        else _increases(asked, part + whole + spare + volume)
    )
    asked.where = lambda points: None
    lines = []
    for subject in sorted({subject for sums in found.values() for subject in sums}, key=str):
        below, used = _either(asked, found, whole, spare, subject)
        above = _total(asked, found, part, subject, below)
        amount = _total(asked, found, volume, subject, below) if volume else below
        with np.errstate(divide="ignore", invalid="ignore"):
            quotient = np.where(below > 0, above / below, np.nan)
        if form.complement:
            quotient = 1 - quotient
        line = _line(asked, subject, quotient, [found[t][subject] for t in used if subject in found[t]])
        line.part, line.whole, line.volume = above, below, amount
        _no_older(line, asked, [found[t][subject] for t in part if not t.matchers and subject in found[t]])
        if form.clamped:
            line.clamped = (quotient < 0) | (quotient > 1)
            line.values = np.clip(line.values, 0, 1)
        lines.append(line)
    _guard(form, asked, lines)
    return lines


def _no_older(line: Line, asked: _Asked, parts: Sequence[_Sum]) -> None:
    """A part that was not heard of for too long makes the quotient unknown, however new the whole is."""
    for sums in parts:
        with np.errstate(invalid="ignore"):
            old = line.fresh & ~(sums.seen > asked.ends - sums.gap)
        line.fresh = line.fresh & ~old
        line.values = np.where(old, np.nan, line.values)
        line.seen = np.where(old, sums.seen, line.seen)


def _either(
    asked: _Asked,
    found: dict[Term, _Sums],
    whole: Sequence[Term],
    spare: Sequence[Term],
    subject: Subject,
) -> tuple[Column, list[Term]]:
    """The denominator, or its stand-in where the server reports none of it."""
    below = _total(asked, found, whole, subject, None)
    if not spare:
        return below, list(whole)
    stand_in = _total(asked, found, spare, subject, None)
    return np.where(np.isnan(below), stand_in, below), [*whole, *spare]


def _total(
    asked: _Asked,
    found: dict[Term, _Sums],
    wanted: Sequence[Term],
    subject: Subject,
    whole: Column | None,
) -> Column:
    """The sum of terms. Each must be there, but for one with label tests, which may well match no series yet."""
    total = np.zeros(len(asked.ends))
    for term in wanted:
        sums = found[term].get(subject)
        value = sums.total if sums else np.full(len(asked.ends), np.nan)
        if term.matchers and whole is not None:
            value = np.where(np.isnan(value) & ~np.isnan(whole), 0.0, value)
        total = total + value
    return total


def _guard(form: Ratio, asked: _Asked, lines: list[Line]) -> None:
    """Put the guards' values where they bite; the first that does wins."""
    for number, guard in reversed(list(enumerate(form.guards))):
        # All subjects are read at once: one by one it would be as many times as many.
        levels = _levels(asked, Selector(guard.metric.name), highest=True)
        biting = {subject: level.total > guard.above for subject, level in levels.items()}
        if not any(bites.any() for bites in biting.values()):
            continue
        idle = _idle(guard, asked) if guard.idle else None
        then = _levels(asked, Selector(guard.then.name), highest=True) if isinstance(guard.then, Metric) else {}
        for line in lines:
            bites = biting.get(line.subject)
            if bites is None:
                continue
            if idle is not None:
                # Counters that were not heard of did not stand still: nothing is known of them.
                bites = bites & idle.get(line.subject, np.zeros(len(asked.ends), dtype=np.bool_))
            line.values = np.where(bites, _instead(guard, then.get(line.subject), len(asked.ends)), line.values)
            line.guard = np.where(bites, number, line.guard)
            line.clamped = line.clamped & ~bites


def _idle(guard: Guard, asked: _Asked) -> dict[Subject, NDArray[np.bool_]]:
    """For each subject, at which ends its counters stood still for as long as the guard says."""
    short = _Asked(asked.read, asked.ends, guard.within, asked.by, asked.lookback)
    still: dict[Subject, NDArray[np.bool_]] = {}
    moves: dict[Subject, NDArray[np.bool_]] = {}
    for sums in _increases(short, terms(guard.idle)).values():
        for subject, moved in sums.items():
            still[subject] = still.get(subject, False) | (moved.total == 0)
            moves[subject] = moves.get(subject, False) | (moved.total > 0)
    return {subject: still[subject] & ~moves[subject] for subject in still}


def _instead(guard: Guard, level: _Sum | None, size: int) -> Column:
    if isinstance(guard.then, Metric):
        return level.total if level else np.full(size, np.nan)
    return np.full(size, np.nan if guard.then is None else guard.then)


def _rate(form: Rate, asked: _Asked) -> list[Line]:
    wanted = terms(form.of)
    found = _increases(asked, wanted)
    lines = []
    for subject in sorted({subject for sums in found.values() for subject in sums}, key=str):
        mine = [found[term][subject] for term in wanted if subject in found[term]]
        total = mine[0].total
        for more in mine[1:]:
            total = plus(total, more.total)
        elapsed = np.fmax.reduce([sums.elapsed for sums in mine])
        line = _line(asked, subject, total / elapsed, mine)
        line.part = line.volume = total
        lines.append(line)
    return lines


def _level(form: Level, asked: _Asked) -> list[Line]:
    found = [_levels(asked, term.selector, form.highest) for term in terms(form.of)]
    lines = []
    for subject in sorted({subject for sums in found for subject in sums}, key=str):
        mine = [sums[subject] for sums in found if subject in sums]
        value = mine[0].total
        for more in mine[1:]:
            value = np.fmax(value, more.total) if form.highest else plus(value, more.total)
        lines.append(_line(asked, subject, value, mine))
    return lines


def _share(form: Share, asked: _Asked) -> list[Line]:
    under = bucket(form.of, (*form.having, Matcher("le", edge(form.bound))))
    all_of_it = count(form.of, form.having)
    found = _increases(asked, [under, all_of_it])
    lines = []
    for subject, whole in sorted(found[all_of_it].items(), key=lambda item: str(item[0])):
        inside = found[under].get(subject, _Sum.none(len(asked.ends)))
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(whole.total > 0, inside.total / whole.total, np.nan)
        line = _line(asked, subject, np.clip(values, 0, 1), [whole])
        line.part, line.whole, line.volume = inside.total, whole.total, whole.total
        lines.append(line)
    return lines


def edges(form: Share, read: Read, end: float) -> list[float]:
    """The bucket edges that the sources report, finite ones only: to say which bounds could be judged."""
    found = read(bucket(form.of, form.having).selector, end - LOOKBACK, end)
    return sorted({float(points.labels["le"]) for points in found} - {float("inf")})


def _quantile(form: Quantile, asked: _Asked) -> list[Line]:
    term = bucket(form.of, form.having)
    by_edge = _Asked(asked.read, asked.ends, asked.window, (*asked.by, "le"), asked.lookback)
    grouped: dict[Subject, dict[float, _Sum]] = defaultdict(dict)
    for subject, sums in _increases(by_edge, [term])[term].items():
        *labels, (_, le) = subject.labels
        grouped[Subject(subject.source, tuple(labels))][float(le)] = sums
    lines = []
    for subject, buckets in sorted(grouped.items(), key=lambda item: str(item[0])):
        bounds = np.array(sorted(buckets))
        rising = np.maximum.accumulate(np.array([np.nan_to_num(buckets[b].total) for b in bounds]), axis=0)
        line = _line(asked, subject, interpolated(form.q, bounds, rising), list(buckets.values()))
        line.volume = rising[-1]
        lines.append(line)
    return lines


def interpolated(q: float, bounds: Column, cumulative: Column) -> Column:
    """Prometheus' histogram_quantile over columns of cumulative bucket counts.

    In the last, unbounded bucket the answer is the highest finite bound: read it as "at least".

    >>> interpolated(0.5, np.array([0.1, 0.2, np.inf]), np.array([[2.0], [6.0], [6.0]]))
    array([0.125])
    """
    total = cumulative[-1]
    rank = q * total
    index = np.argmax(cumulative >= rank, axis=0)
    columns = np.arange(cumulative.shape[1])
    lower_bounds = np.concatenate(([0.0], bounds[:-1]))
    lower_counts = np.vstack((np.zeros(cumulative.shape[1]), cumulative[:-1]))
    inside = cumulative[index, columns] - lower_counts[index, columns]
    with np.errstate(divide="ignore", invalid="ignore"):
        along = np.where(inside > 0, (rank - lower_counts[index, columns]) / inside, 0.0)
        value = lower_bounds[index] + (bounds[index] - lower_bounds[index]) * along
    value = np.where(np.isinf(bounds[index]), lower_bounds[index], value)
    return np.where(total > 0, value, np.nan)


def _line(asked: _Asked, subject: Subject, values: Column, used: Sequence[_Sum]) -> Line:
    """Values with their evidence, unknown where the subject has not been heard of for too long."""
    size = len(asked.ends)
    seen = np.fmax.reduce([sums.seen for sums in used]) if used else np.full(size, np.nan)
    base = np.fmin.reduce([sums.base for sums in used]) if used else np.full(size, np.nan)
    gap = max((sums.gap for sums in used), default=0.0)
    with np.errstate(invalid="ignore"):
        fresh = seen > asked.ends - gap
        values = np.where(fresh, values, np.nan)
    blank = np.full(size, np.nan)
    return Line(
        subject=subject,
        values=values,
        part=blank,
        whole=blank,
        volume=blank,
        start=np.fmax(base, asked.starts),
        seen=seen,
        fresh=fresh,
        clamped=np.zeros(size, dtype=np.bool_),
        guard=np.full(size, -1, dtype=np.int64),
    )
