"""Words for values, for templates."""

import itertools
from collections.abc import Callable, Iterable
from typing import Any

from dashboards.amounts import NONE, amount
from dashboards.span import clock
from metrics.duration import spoken
from metrics.model import Unit


def percent(ratio: float | None) -> str:
    """A share of time.

    >>> percent(0.994), percent(1.0), percent(None)
    ('99.4 %', '100 %', '–')
    """
    return str(amount(ratio, Unit.RATIO))


def seconds(value: float | None) -> str:
    """A length of time as it was measured."""
    return str(amount(value, Unit.SECONDS))


def ago(at: float | None, now: float) -> str:
    """How long ago.

    >>> ago(0.0, 90.0), ago(None, 0.0)
    ('1 min 30 s ago', '–')
    """
    return NONE if at is None else f"{spoken(max(0.0, now - at))} ago"


def bar(headroom: float) -> float:
    """How wide a bar of headroom is, of 38 pixels on each side.

    >>> bar(0.5), bar(-3.0)
    (19.0, 38.0)
    """
    return round(min(abs(headroom), 1.0) * 38, 1)


def groupby_kept(items: Iterable[Any], attribute: str) -> list[tuple[Any, list[Any]]]:
    """Neighbours with the same attribute, in the order they came: Jinja's own groupby sorts.

    >>> from types import SimpleNamespace as N
    >>> [(key, len(group)) for key, group in groupby_kept([N(a=2), N(a=2), N(a=1)], "a")]
    [(2, 2), (1, 1)]
    """
    return [(key, list(group)) for key, group in itertools.groupby(items, key=lambda item: getattr(item, attribute))]


def sentence(text: str) -> str:
    """With its full stop, unless it ends as a sentence does.

    >>> sentence("Connection refused"), sentence("Is it running?")
    ('Connection refused.', 'Is it running?')
    """
    return text if text.endswith((".", "?", "!")) else f"{text}."


def told_above(note: str) -> str:
    """Why a value is unknown, where a notice has the error in full: since when.

    >>> told_above("down since 12:32: [Errno 111] Connection refused"), told_above("no traffic: 0 of 100 in 5 min")
    ('down since 12:32', 'no traffic: 0 of 100 in 5 min')
    """
    return note.partition(": ")[0] if note.startswith("down since ") else note


def upper_first(text: str) -> str:
    """With a capital at its beginning.

    >>> upper_first("quiet hours"), lower_first("Hit rate"), lower_first("API errors")
    ('Quiet hours', 'hit rate', 'API errors')
    """
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """As it stands inside a sentence, unless it begins with letters that stay capitals."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


FILTERS: dict[str, Callable[..., Any]] = {
    "percent": percent,
    "seconds": seconds,
    "spoken": spoken,
    "ago": ago,
    "clock": clock,
    "bar": bar,
    "groupby_kept": groupby_kept,
    "sentence": sentence,
    "told_above": told_above,
    "upper_first": upper_first,
    "lower_first": lower_first,
}
