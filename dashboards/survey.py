"""Every form over one range, evaluated once: what all views of a page are cut from, so that they agree."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from dashboards.span import Span
from dashboards.watched import Condition, Watched, conditions
from metrics.catalog import Catalog
from metrics.evaluate import Line, evaluate
from metrics.forms import AnyForm, Form, Quantile
from metrics.model import Selector, Subject
from metrics.points import LOOKBACK, Column, Points
from metrics.poll import Event
from metrics.target import Bounds
from storage.store import Reader

WINDOW = 60.0
"""Seconds that a value without a target looks back."""

STATEMENT = "queryid"
"""The label that numbers statements; their texts are records."""
SHOWN = 56

MOST_RAW = 24 * 2**20
"""Bytes of raw values that one survey keeps: forms share selectors, and those next to one another share most."""

MOST_LINES = 32 * 2**20
"""The same of computed values."""

LINE_COLUMNS = 7
"""Columns of numbers that a line has of its own."""

Events = Callable[[float, float], Sequence[Event]]


def no_events(start: float, end: float) -> Sequence[Event]:
    """Where nobody keeps events."""
    return ()


@dataclass(slots=True)
class Survey:
    """One range of one store, seen once. Values are read when first asked for and kept."""

    store: Reader
    catalog: Catalog
    sources: Sequence[Watched]
    bounds: Bounds
    span: Span
    events_of: Events = no_events
    _lines: OrderedDict[str, list[Line]] = field(default_factory=OrderedDict)
    _raw: OrderedDict[Selector, Sequence[Points]] = field(default_factory=OrderedDict)
    _raw_bytes: int = 0
    _texts: dict[tuple[str, str], str] = field(default_factory=dict)
    _changes: dict[str, dict[object, float | None]] = field(default_factory=dict)
    _conditions: list[Condition] | None = None
    _events: Sequence[Event] | None = None

    @property
    def conditions(self) -> list[Condition]:
        """The condition of every source at the end of the range."""
        if self._conditions is None:
            self._conditions = conditions(self.store, self.sources, self.span.end)
        return self._conditions

    def condition(self, source: str) -> Condition | None:
        """The condition of one source; None for one that is not configured any more."""
        return next((found for found in self.conditions if found.watched.name == source), None)

    @property
    def events(self) -> Sequence[Event]:
        """What happened in the range."""
        if self._events is None:
            self._events = self.events_of(self.span.start, self.span.end)
        return self._events

    def called(self, subject: Subject) -> Subject:
        """The subject as people know it: a statement by its text, where that is kept, instead of its number."""
        labels = tuple(
            (name, self._text(subject.source, value) if name == STATEMENT else value) for name, value in subject.labels
        )
        return Subject(subject.source, labels)

    def _text(self, source: str, number: str) -> str:
        if (source, number) not in self._texts:
            kept = self.store.records(source, "query", [number])
            text = " ".join(kept[0].body.split()) if kept else number
            self._texts[source, number] = f"{text[:SHOWN]}…" if len(text) > SHOWN else text
        return self._texts[source, number]

    def window(self, form: Form) -> float:
        """How far back each value of a form looks: its target's window, or a step where that is longer."""
        return max(self.reach(form), self.span.step)

    def reach(self, form: Form) -> float:
        """The window of a form's target; a quantile has that of the target it stands beside.

        So its line crosses the target's bound just when the share that is judged does.
        """
        led_by = form
        if isinstance(form, Quantile):
            led_by = next((other for other in self.catalog.targets() if form.name in other.beside), form)
        return led_by.target.window if led_by.target else WINDOW

    def lines(self, form: Form) -> list[Line]:
        """One line per subject over the grid of the range; sources that are configured no more are left out.

        The last value is the present one, over the target's own window, however coarse the grid is.
        """
        if form.name not in self._lines:
            found = evaluate(any_form(form), self.read, self.span.ends, self.window(form), self.span.thin)
            if self.span.thin:
                present = evaluate(any_form(form), self.store.raw, np.array([self.span.end]), self.reach(form))
                found = _up_to_date(found, present, len(self.span.ends))
            watched = {source.name for source in self.sources}
            found = [line for line in found if line.subject.source in watched]
            self._lines[form.name] = sorted(found, key=lambda line: (line.subject.source, line.subject.labels))
            while self._line_bytes() > MOST_LINES and len(self._lines) > 1:
                # A form of very many subjects: computed again if another part of the page wants it.
                self._lines.popitem(last=False)
        self._lines.move_to_end(form.name)
        return self._lines[form.name]

    def read(self, selector: Selector, start: float, end: float) -> Sequence[Points]:
        """Raw values, as coarse as the grid allows: one read per selector, from before the range before this one.

        Forms share selectors, and reading is what a page costs; values outside what was asked for do no harm.
        """
        if selector in self._raw:
            self._raw.move_to_end(selector)
            return self._raw[selector]
        first = self.span.end - 2 * self.span.length - 2 * LOOKBACK
        found = self.store.raw(selector, first, self.span.end, self.span.thin)
        self._raw[selector] = found
        self._raw_bytes += _bytes(found)
        while self._raw_bytes > MOST_RAW and len(self._raw) > 1:
            # Read again if another form wants it: that is slower, and memory stays.
            _, gone = self._raw.popitem(last=False)
            self._raw_bytes -= _bytes(gone)
        return found

    def bytes(self) -> int:
        """What it holds: raw values and lines."""
        return self._raw_bytes + self._line_bytes()

    def _line_bytes(self) -> int:
        return LINE_COLUMNS * 8 * len(self.span.ends) * sum(map(len, self._lines.values()))

    def change(self, form: Form, line: Line) -> float | None:
        """The whole range against the equal one before it; None where that one is not known for the most part."""
        if form.name not in self._changes:
            self._changes[form.name] = self._compared(form)
        return self._changes[form.name].get(line.subject)

    def _compared(self, form: Form) -> dict[object, float | None]:
        length = self.span.length
        if not _of_levels(form):
            ends, window = np.array([self.span.end - length, self.span.end]), length
            return {
                line.subject: _difference(line, length)
                for line in evaluate(any_form(form), self.read, ends, window, self.span.thin)
            }
        ends = self.span.end - length / 30 * np.arange(59, -1, -1, dtype=np.float64)
        lines = evaluate(any_form(form), self.read, ends, length / 30, self.span.thin)
        return {line.subject: _means_apart(line.values) for line in lines}


def _bytes(series: Sequence[Points]) -> int:
    """What raw values hold on to: a piece of a column keeps all of it."""
    held = {
        id(each if each.base is None else each.base): each if each.base is None else each.base
        for points in series
        for each in (points.times, points.values)
    }
    return sum(getattr(array, "nbytes", 0) for array in held.values())


def _up_to_date(lines: list[Line], present: list[Line], size: int) -> list[Line]:
    """Lines whose last value is the present one; a subject that only the present has gets a line of its own."""
    known = {line.subject: line for line in lines}
    for now in present:
        line = known.setdefault(now.subject, now.blank(size))
        line.put_last(now)
    return list(known.values())


def any_form(form: Form) -> AnyForm:
    """The algebra is closed: every Form that is declared is one of its five."""
    return cast(AnyForm, form)


def _of_levels(form: Form) -> bool:
    return all(term.metric.kind == "gauge" for term in form.inputs())


def _difference(line: Line, length: float) -> float | None:
    """Now minus before, when before covers at least half of what it should."""
    covered = line.seen[0] - line.start[0]
    if np.isnan(line.values).any() or not covered >= length / 2:
        return None
    return float(line.values[1] - line.values[0])


def _means_apart(values: Column) -> float | None:
    before, after = values[:30], values[30:]
    if np.isnan(before).sum() > 15 or np.isnan(after).all():
        return None
    return float(np.nanmean(after) - np.nanmean(before))
