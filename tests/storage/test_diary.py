"""Events wait for a state file that cannot be written to."""

import sqlite3
from contextlib import closing
from pathlib import Path

from metrics.poll import Event, EventKind
from storage import diary as module
from storage.diary import Diary
from storage.state import StateStore


def test_events_wait_for_the_file_and_keep_their_order(tmp_path: Path) -> None:
    state, said = StateStore(tmp_path), list[str]()
    diary = Diary(state, said.append)
    with closing(sqlite3.connect(state.path)) as db:
        db.execute("alter table event rename to gone")
        for at in (1.0, 2.0):
            diary.write([Event(EventKind.CONFIG, at, "a changed", "db")])
        assert len(said) == 1
        assert "cannot write events yet" in said[0]
        db.execute("alter table gone rename to event")
    diary.write([Event(EventKind.RESTART, 3.0, "restarted", "db")])
    assert [event.at for event in state.events(0, 10)] == [1.0, 2.0, 3.0]


def test_too_many_are_bounded_and_said(tmp_path: Path) -> None:
    state, said = StateStore(tmp_path), list[str]()
    diary = Diary(state, said.append)
    with closing(sqlite3.connect(state.path)) as db:
        db.execute("drop table event")
    diary.write([Event(EventKind.DDL, float(at), "t") for at in range(module.MOST)])
    diary.write([Event(EventKind.DDL, 0.0, "t")])
    assert any("oldest are lost" in line for line in said)
