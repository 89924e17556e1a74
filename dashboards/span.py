"""The time range of a page: parsed from its address, laid out as a grid of windows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

import numpy as np

from metrics.duration import seconds, spoken
from metrics.points import Column

CHOICES = ("15m", "1h", "6h", "24h", "7d", "30d")
DEFAULT = "1h"
MOST = 360
"""Windows of one grid: what a chart can show and a browser can redraw."""
FINEST = 10.0
GRAINS = (3600.0, 600.0)
"""What a store thins old values to."""
LONGEST = 400 * 86400.0


class SpanError(ValueError):
    """A range that is none; the text says what would be one."""


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``, both in seconds of the epoch; ``name`` is a choice, or empty for fixed ends."""

    start: float
    end: float
    name: str = ""

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start

    @property
    def step(self) -> float:
        """Distance of two windows' ends: whole seconds, and never more than MOST of them.

        Long ones are multiples of what a store keeps of old values, so that windows begin and end where those do.

        >>> Span(0, 3600).step, Span(0, 6 * 3600).step, Span(0, 60).step, Span(0, 7 * 86400).step
        (10.0, 60.0, 10.0, 1800.0)
        """
        step = max(FINEST, float(math.ceil(self.length / MOST)))
        return math.ceil(step / self._grain(step)) * self._grain(step)

    @staticmethod
    def _grain(step: float) -> float:
        return next((grain for grain in GRAINS if step > grain), 1.0)

    @property
    def ends(self) -> Column:
        """The windows' ends; the last is the range's own, or of long steps the last whole one.

        >>> Span(0.0, 30.0).ends
        array([10., 20., 30.])
        """
        n = max(1, int(self.length // self.step))
        last = self.end // self.step * self.step if self.thin else self.end
        ends: Column = last - self.step * np.arange(n - 1, -1, -1, dtype=np.float64)
        return ends

    @property
    def thin(self) -> float:
        """How far apart raw values may be; 0, all of them, up to two days."""
        grain = self._grain(self.step - 1)
        return grain if grain > 1 else 0.0

    @property
    def live(self) -> bool:
        """Whether its end is the present."""
        return bool(self.name)

    @property
    def query(self) -> str:
        """What it is in an address.

        >>> Span(0, 3600, "1h").query, Span(0, 3600).query
        ('range=1h', 'from=1970-01-01T00%3A00%3A00Z&to=1970-01-01T01%3A00%3A00Z')
        """
        if self.live:
            return urlencode({"range": self.name})
        return urlencode({"from": iso(self.start), "to": iso(self.end)})

    @property
    def spoken(self) -> str:
        """What it is in a sentence."""
        if self.live:
            return f"last {spoken(self.length)}"
        return f"{clock(self.start, True)} to {clock(self.end, True)} UTC"


def parse(given: Mapping[str, str], now: float) -> Span:
    """The range of an address' arguments: ``range``, or ``from`` and ``to`` in ISO 8601.

    >>> parse({"range": "6h"}, 30000.0)
    Span(start=8400.0, end=30000.0, name='6h')
    >>> parse({"range": "6 hours"}, 0.0)
    Traceback (most recent call last):
    dashboards.span.SpanError: "6 hours" is no length of time: write 30s, 5m, 6h or 7d
    """
    if given.get("from") or given.get("to"):
        start = moment(given.get("from", ""), "from")
        end = moment(given["to"], "to") if given.get("to") else now
        return _checked(Span(start, min(end, now)))
    name = given.get("range") or DEFAULT
    try:
        length = seconds(name)
    except ValueError as problem:
        raise SpanError(str(problem)) from None
    return _checked(Span(now - length, now, name))


def _checked(span: Span) -> Span:
    if span.length < FINEST:
        raise SpanError("the range ends before it begins, or is shorter than 10 s")
    if span.length > LONGEST:
        raise SpanError("the range is longer than 400 d")
    return span


def moment(text: str, name: str) -> float:
    """An ISO 8601 time (UTC when it names no zone), or seconds of the epoch.

    >>> moment("1970-01-01T00:01Z", "from"), moment("60.5", "from")
    (60.0, 60.5)
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            value = float(text)
        except ValueError:
            raise SpanError(f'{name}="{text[:40]}" is no time: write 2026-01-31T12:00Z') from None
        if not 0 <= value < 1e11:
            raise SpanError(f'{name}="{text[:40]}" is no time in seconds since 1970') from None
        return value
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def iso(at: float) -> str:
    """A time for machines.

    >>> iso(0.0), iso(0.25)
    ('1970-01-01T00:00:00Z', '1970-01-01T00:00:00.250Z')
    """
    when = datetime.fromtimestamp(at, UTC)
    fine = "milliseconds" if when.microsecond else "seconds"
    return when.isoformat(timespec=fine).replace("+00:00", "Z")


def clock(at: float, day: bool = False) -> str:
    """A time for people, in UTC.

    >>> clock(0.0), clock(0.0, True)
    ('00:00', '1 Jan 00:00')
    """
    when = datetime.fromtimestamp(at, UTC)
    return f"{when.day} {when:%b %H:%M}" if day else f"{when:%H:%M}"
