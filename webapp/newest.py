"""The newest samples, as far as they still say something: an exporter that gets no answer has no values either."""

from collections.abc import Iterable, Mapping

from dashboards.watched import LATE, Watched
from metrics.model import SOURCE, Labels
from metrics.watch import POLL_INTERVAL, UP
from storage.store import Reader

LEAST = 20.0
"""Seconds for which a sample of every interval is no old one."""

_OURS = "trivet_"
Sample = tuple[str, Labels, float]


def newest(store: Reader, sources: Iterable[Watched], now: float) -> list[Sample]:
    """Every series of the sources that answer; of one that is down only what Trivet says of it.

    Of a source that is not polled any more there is nothing: neither what it said last, nor that it was up then.
    """
    found = store.latest()
    every = {watched.name: watched.interval for watched in sources}
    for name, labels, _, value in found:
        if _is_fast(name, labels):
            # Longer than it is configured while polls are dear.
            every[_source(labels)] = max(value, every.get(_source(labels), 0.0))
    polled = {_source(labels): (at, value) for name, labels, at, value in found if name == UP.name}
    up = {source: value > 0 for source, (at, value) in polled.items() if _is_new(now - at, every.get(source, 0.0))}
    return [
        (name, labels, value)
        for name, labels, _, value in found
        if _says_something(name, _source(labels), up, known=polled)
    ]


def _says_something(name: str, source: str, up: Mapping[str, bool], known: Mapping[str, object]) -> bool:
    return source not in known or up.get(source, False) or (source in up and name.startswith(_OURS))


def _is_new(age: float, every: float) -> bool:
    return age <= max(LEAST, LATE * every)


def _is_fast(name: str, labels: Labels) -> bool:
    return name == POLL_INTERVAL.name and ("tier", "fast") in labels


def _source(labels: Labels) -> str:
    return dict(labels).get(SOURCE, "")
