"""What is kept quiet when: silences, recurring windows and quiet hours. Pure.

Windows are said by the clock on the wall of a zone, and hold from their start up to, and without, their end: also over
midnight, and in the nights in which that clock is set.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from metrics.config import nearest
from storage.silences import Silence

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CLOCK = r"(\d{1,2}):(\d{2})"
_SHAPE = re.compile(rf"(?:(?P<days>[a-z,\-]+)\s+)?{_CLOCK}\s*-\s*{_CLOCK}", re.IGNORECASE)
_ALL_DAY = 24 * 60
_MOST_MINUTES = 8 * _ALL_DAY


class QuietError(ValueError):
    """A window, a zone or a silence that cannot be; says what was expected."""


@dataclass(frozen=True, slots=True)
class Window:
    """Hours of some days of the week: minutes since midnight. An end before the start is of the next day."""

    days: frozenset[int]
    start: int
    end: int

    def holds(self, at: datetime) -> bool:
        """Whether a moment, as the zone's clocks show it, lies within."""
        minute, today = at.hour * 60 + at.minute, at.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        return (today in self.days and minute >= self.start) or ((today - 1) % 7 in self.days and minute < self.end)


def window(text: str) -> Window:
    """Hours, with days before them or without. Raises QuietError.

    >>> window("mon-fri 22:00-06:00") == Window(frozenset(range(5)), 22 * 60, 6 * 60)
    True
    >>> sorted(window("sat,sun 00:00-24:00").days), sorted(window("02:30-03:30").days)
    ([5, 6], [0, 1, 2, 3, 4, 5, 6])
    """
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise QuietError(f'"{text}" is no window: expected hours such as "22:00-06:00" or "mon-fri 22:00-06:00"')
    *_, hour, minute, to_hour, to_minute = found.groups()
    start, end = _minutes(text, hour, minute), _minutes(text, to_hour, to_minute)
    if start in (end, _ALL_DAY):
        raise QuietError(f'"{text}" holds no time: expected two different times')
    return Window(_days(found["days"] or "daily"), start, end)


def zone(name: str) -> ZoneInfo:
    """A time zone by its name. Raises QuietError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise QuietError(f'"{name}" is no time zone: expected a name such as Europe/Berlin or UTC') from None


def within(hours: Window, where: ZoneInfo, at: float) -> bool:
    """Whether a moment, in seconds of the epoch, lies within a window of a zone."""
    return hours.holds(datetime.fromtimestamp(at, where))


def until(hours: Window, where: ZoneInfo, at: float) -> float:
    """When the window that a moment lies in ends; the moment itself when it lies in none."""
    if not within(hours, where, at):
        return at
    minute = at // 60 * 60
    for _ in range(_MOST_MINUTES):
        minute += 60
        if not within(hours, where, minute):
            return minute
    return minute


def lasts(silence: Silence, at: float) -> bool:
    """Whether a silence holds at a moment, whatever it covers."""
    if not silence.starts <= at < (silence.ends if silence.ended is None else min(silence.ends, silence.ended)):
        return False
    return not silence.recurring or within(window(silence.recurring), zone(silence.zone), at)


def covers(silence: Silence, rule: str, source: str, labels: Mapping[str, str]) -> bool:
    """Whether a silence speaks of a rule and subject, whenever. A label that is not there fits nothing.

    labels   those of the subject, and the tags of its source

    >>> made = Silence(source="cache", labels={"db": "0"}, starts=0, ends=9, reason="r", author="a", made=0)
    >>> covers(made, "x", "cache", {"db": "0"}), covers(made, "x", "cache", {})
    (True, False)
    >>> covers(made, "x", "precache", {"db": "0"})
    False
    """
    named = {name: pattern for name, pattern in (("rule", silence.rule), ("source", silence.source)) if pattern}
    if not named and not silence.labels:
        return silence.everything
    if not _fits(silence.rule, rule) or not _fits(silence.source, source):
        return False
    return all(name in labels and fnmatchcase(labels[name], pattern) for name, pattern in silence.labels.items())


def check(silence: Silence) -> None:
    """Raises QuietError when it has no reason, no end after its start, or a window or zone that is none."""
    if not silence.reason.strip():
        raise QuietError("a silence has a reason: say why, for those who find it")
    if not silence.author.strip():
        raise QuietError("a silence has an author: say who you are")
    if not silence.ends > silence.starts:
        raise QuietError("a silence ends after it starts")
    if any(not pattern for pattern in silence.labels.values()):
        raise QuietError("a label without a value fits nothing: name the value")
    zone(silence.zone)
    if silence.recurring:
        window(silence.recurring)


def names_all(silence: Silence) -> bool:
    """Whether it names nothing in particular, so that somebody has to confirm it."""
    patterns = [silence.rule or "*", silence.source or "*", *silence.labels.values()]
    return all(set(pattern) <= {"*"} for pattern in patterns)


def _fits(pattern: str, name: str) -> bool:
    return not pattern or fnmatchcase(name, pattern)


def _minutes(text: str, hour: str, minute: str) -> int:
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > _ALL_DAY:
        raise QuietError(f'"{text}": {hour}:{minute} is no time of a day')
    return total


def _days(text: str) -> frozenset[int]:
    if text.lower() == "daily":
        return frozenset(range(7))
    found: set[int] = set()
    for part in text.lower().split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(found)


def _day(word: str) -> int:
    if word[:3] in DAYS:
        return DAYS.index(word[:3])
    raise QuietError(f'"{word}" is no day: expected one of {", ".join(DAYS)}, or daily{nearest(word, DAYS)}')
