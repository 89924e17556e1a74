"""The state file."""

from pathlib import Path

from metrics.poll import Event, EventKind
from storage.state import StateStore


def test_events_that_touch_the_span_come_back_in_order(tmp_path: Path) -> None:
    """Moments inside, spans that overlap, nothing else; a second process sees them."""
    events = [
        Event(EventKind.DEPLOY, 10, "a"),
        Event(EventKind.LOAD_TEST, 5, "b", until=15),
        Event(EventKind.RESTART, 30, "c", source="cache"),
    ]
    for event in events:
        StateStore(tmp_path).add(event)
    assert StateStore(tmp_path).events(9, 29) == [events[1], events[0]]
