"""A right number under a wrong name is a wrong number: names and spans are believed by their checksum only."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from metrics.model import Selector, labelled
from metrics.poll import Poll, Record
from storage import files, scrub
from storage.reading import SeriesReader
from storage.series import SeriesStore
from storage.store import Fold, Grid
from tests.storage.test_series import poll

HOUR = 3600.0
# The first store of names: cache is 1, its stream 2, a 3, b 4, rows 5; db is 6, its stream 7, a 8.
NAMES: dict[str, str] = {
    "a metric that is another's": "update series set metric = 'c' where metric = 'a'",
    "labels that are another's": "update series set labels = '{\"table\": \"z\"}' where labels like '%x%'",
    "a series of another source": "update series set source = 6 where id = 4",
    "a series with another number": "update series set id = 99 where id = 3",
    "two series that change places": (
        "update series set id = -1 where id = 3; update series set id = 3 where id = 4;"
        "update series set id = 4 where id = -1"
    ),
    "a series that is gone": "delete from series where id = 3",
    "the last series is gone": "delete from series where id = 8",
    "a source with another name": "update source set name = 'cashe' where name = 'cache'",
    "two sources that change places": (
        "update source set id = -1 where id = 1; update source set id = 1 where id = 6;"
        "update source set id = 6 where id = -1"
    ),
    "a source that is gone": "delete from source where name = 'cache'",
    "a source with another number": "update source set id = 77 where name = 'cache'",
    "a stream of another source": "update stream set source = 77 + id",
    "a stream that is another's": "update stream set tier = 'slow' where id = 2",
    "a layout with another number": "update layout set id = id + 1000",
    "the series of a layout": "update layout set series = x'0400000003000000'",
    "no checksum": "update series set crc = null where metric = 'a'",
}
SPANS: dict[str, str] = {
    "another stream": "update segment set stream = 9 - stream",
    "another beginning": "update segment set start = start - 7200000",
    "another end": "update segment set stop = stop + 7200000",
    "another resolution": "update segment set res = 600",
    "another number": "update segment set id = id + 1000",
    "a text": "update segment set ticks = 'x'",
    "no checksum": "delete from segment_check",
}
VALUES = {("cache", "a", ""): 1.0, ("cache", "b", ""): 2.0, ("cache", "rows", "x"): 3.0, ("db", "a", ""): 4.0}


def polls(at: float) -> list[Poll]:
    """Each series has a value of its own."""
    return [poll(at, {"a": 1, "b": 2, "rows/x": 3}), poll(at, {"a": 4}, source="db")]


@pytest.fixture(params=["hot", "segments"])
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two sources, in rows or in segments."""
    with closing(SeriesStore(tmp_path)) as store:
        for i in range(1, 11):
            store.append_many(polls(10.0 * i))
        if request.param == "segments":
            store.compact(3 * HOUR)
    return tmp_path


def harm(folder: Path, statements: str) -> None:
    """What damage may do."""
    with closing(sqlite3.connect(folder / files.SERIES)) as db:
        db.executescript(statements)
        assert db.total_changes


def shown(reader: SeriesReader) -> dict[tuple[str, str, str], set[float]]:
    """All values by source, metric and table."""
    found: dict[tuple[str, str, str], set[float]] = {}
    for metric in ("a", "b", "c", "rows"):
        for points in reader.raw(Selector(metric), 0, 1e9):
            key = (points.source, metric, points.labels.get("table", ""))
            found.setdefault(key, set()).update(points.values.tolist())
    for metric, labels, _, value in reader.latest():
        own = dict(labels)
        found.setdefault((own["source"], metric, own.get("table", "")), set()).add(value)
    return found


def right(found: dict[tuple[str, str, str], set[float]]) -> bool:
    """Nothing but what was stored under that name."""
    return all(values <= {VALUES.get(key)} for key, values in found.items())


def look(folder: Path) -> list[scrub.Damage]:
    """What a scrub finds."""
    with closing(files.connect(folder / files.SERIES, write=False)) as db:
        return scrub.look(db)


@pytest.mark.parametrize("harmful", NAMES.values(), ids=NAMES)
def test_a_damaged_name_shows_no_number_under_a_wrong_one(folder: Path, harmful: str) -> None:
    """It is said, a scrub finds it and takes it out, the rest is served, and new values have their right names."""
    harm(folder, harmful)
    with closing(SeriesReader(folder)) as reader:
        assert right(shown(reader))
        told = reader.health()
    found = look(folder)
    assert found
    if "gone" not in {damage.reason.split()[-1] for damage in found}:
        assert told.problem or "layout" in harmful
    with closing(SeriesStore(folder)) as store:
        store.quarantine([damage for damage in found if damage.kind in scrub.MOVABLE])
        assert look(folder) == []
        assert right(shown(store))
        store.append_many(polls(4 * HOUR))
        assert right(shown(store))
        assert shown(store).keys() == VALUES.keys()
        with closing(SeriesReader(folder)) as fresh:
            assert right(shown(fresh))
            assert shown(fresh).keys() == VALUES.keys()
        store.compact(9 * HOUR)
        store.forget_quarantine()
        assert right(shown(store))
        assert shown(store).keys() == VALUES.keys()
        assert look(folder) == []
        assert store.health().problem == ""


@pytest.mark.parametrize("harmful", NAMES.values(), ids=NAMES)
def test_a_collector_does_not_write_under_a_damaged_name(folder: Path, harmful: str) -> None:
    """It puts it aside and goes on under a new number, whoever scrubs when."""
    harm(folder, harmful)
    with closing(SeriesStore(folder)) as store:
        store.append_many(polls(4 * HOUR))
        store.append_many(polls(4 * HOUR + 10))
        for reader in (store, SeriesReader(folder)):
            assert right(shown(reader))
            assert {(points.source, len(points.times)) for points in reader.raw(Selector("a"), 4 * HOUR, 5 * HOUR)} == {
                ("cache", 2),
                ("db", 2),
            }


@pytest.mark.parametrize("harmful", NAMES.values(), ids=NAMES)
def test_a_collector_that_knew_the_name_goes_on_after_a_scrub(folder: Path, harmful: str) -> None:
    """It had the number in memory; what it writes after the scrub is found under its name again."""
    with closing(SeriesStore(folder)) as store:
        store.append_many(polls(3 * HOUR))
        harm(folder, harmful)
        store.append_many(polls(4 * HOUR))
        with closing(SeriesReader(folder)) as fresh:
            assert right(shown(fresh))
        store.quarantine(look(folder))
        assert look(folder) == []
        store.append_many(polls(5 * HOUR))
        with closing(SeriesReader(folder)) as fresh:
            assert right(shown(fresh))
            assert shown(fresh).keys() == VALUES.keys()
            assert {points.times[-1] for points in fresh.raw(Selector("a"), 0, 1e9)} == {5 * HOUR}
        store.compact(9 * HOUR)
        assert right(shown(store))
        assert look(folder) == []


def test_a_stream_whose_source_is_not_known_is_served_all_the_same(folder: Path) -> None:
    """The series say whose it is."""
    harm(folder, "update stream set source = 77 + id")
    with closing(SeriesReader(folder)) as reader:
        assert shown(reader).keys() == VALUES.keys()
        assert "2 damaged pieces are left out" in reader.health().problem
    with closing(SeriesStore(folder)) as store:
        assert len(store.quarantine(look(folder))) == 2
        assert shown(store).keys() == VALUES.keys()


@pytest.mark.parametrize("harmful", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("how", ["scrubbed", "compacted"])
def test_a_damaged_span_shows_no_number_at_a_wrong_time(tmp_path: Path, harmful: str, how: str) -> None:
    """Left out, found, put aside by a scrub or a compaction, and the next segment takes its place."""
    with closing(SeriesStore(tmp_path)) as store:
        for at in (1.0, 25.0):
            store.append_many(polls(at * HOUR))
        store.compact(4 * HOUR)
    harm(tmp_path, harmful)
    with closing(SeriesReader(tmp_path)) as reader:
        for points in reader.raw(Selector("a"), 0, 1e9):
            assert points.times.tolist() == [25 * HOUR]
        assert [grid.values.tolist() for grid in _counts(reader)] == [[0.0, 1.0]] * 2
        health = reader.health()
        assert health.damaged
        assert health.oldest == 25 * HOUR
        assert "left out" in health.problem
    assert [damage.kind for damage in look(tmp_path)] == ["segment", "segment"]
    with closing(SeriesStore(tmp_path)) as store:
        if how == "scrubbed":
            assert len(store.quarantine(look(tmp_path))) == 2
        else:
            store.append_many(polls(1 * HOUR))
            store.compact(60 * HOUR)
            store.compact(60 * HOUR)
            # What claims to be of another stream or time is met when that is compacted, or by a scrub.
            store.quarantine(look(tmp_path))
        assert look(tmp_path) == []
        assert right(shown(store))
        assert store.health().damaged == 2


def _counts(reader: SeriesReader) -> list[Grid]:
    return list(reader.window(Selector("a"), 12 * HOUR, 24 * HOUR, 2, Fold.COUNT))


RECORDS: dict[str, str] = {
    "a text": "update text set body = 'drop table' where body = 'select 1'",
    "the text of another": "update record set text = (select max(id) from text)",
    "another key": "update record set key = '9' where key = '1'",
    "another time": "update record set at = 5 where key = '1'",
    "another kind": "update record set kind = 'quary' where key = '1'",
    "a text that is gone": "delete from text where body = 'select 1'",
}


@pytest.mark.parametrize("harmful", RECORDS.values(), ids=RECORDS)
def test_a_damaged_record_shows_no_wrong_text(tmp_path: Path, harmful: str) -> None:
    """The others are shown, and it comes back with the next poll that has it."""
    want = {"1": "select 1", "2": "select 2"}
    records = [Record("query", key, body) for key, body in want.items()]
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {}, records=records))
    harm(tmp_path, harmful)
    with closing(SeriesReader(tmp_path)) as reader:
        found = {record.key: record.body for record in reader.records("cache", "query")}
        assert found.items() < want.items()
        assert "2" in found
        assert reader.health().damaged or "kind" in harmful
        damage = look(tmp_path)
        assert {piece.kind for piece in damage} <= {"record", "text"}
        assert damage
        with closing(SeriesStore(tmp_path)) as store:
            assert store.quarantine(damage)
            assert look(tmp_path) == []
            store.append(poll(20, {}, records=records))
            assert look(tmp_path) == []
        assert {record.key: record.body for record in reader.records("cache", "query")} == want


def test_numbers_of_names_are_not_given_again(tmp_path: Path) -> None:
    """The last series is gone: its values must not become those of the next one."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"a": 1, "b": 2}))
    harm(tmp_path, "delete from series where metric = 'b'")
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(20, {"c": 3}))
        assert [points.values.tolist() for points in store.raw(Selector("c"), 0, 99)] == [[3.0]]
        assert store.latest() == [("c", labelled({"source": "cache"}), 20, 3)]


@pytest.mark.parametrize("name", ["seq", "generation", "names"])
@pytest.mark.parametrize("value", ["value + 1", "value - 1", "'x'", "9.5"])
def test_a_damaged_number_of_the_file_is_found_and_mended(tmp_path: Path, name: str, value: str) -> None:
    """It never was a reason to show anything wrong."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"a": 1}))
    harm(tmp_path, f"update meta set value = {value} where name = '{name}'")
    assert [damage.kind for damage in look(tmp_path)] == ["meta"]
    with closing(SeriesStore(tmp_path)) as store:
        assert len(store.quarantine(look(tmp_path))) == 1
        assert look(tmp_path) == []
        store.append(poll(20, {"a": 1, "b": 2}))
        assert shown(store) == {("cache", "a", ""): {1.0}, ("cache", "b", ""): {2.0}}
        store.compact(9 * HOUR)
        assert shown(store) == {("cache", "a", ""): {1.0}, ("cache", "b", ""): {2.0}}
        assert look(tmp_path) == []


def test_a_damaged_meta_is_an_error_of_the_database(tmp_path: Path) -> None:
    """Not one of the program."""
    with closing(SeriesStore(tmp_path)) as store:
        store.append(poll(10, {"a": 1}))
    harm(tmp_path, "update meta set value = 'x' where name = 'generation'")
    with closing(SeriesReader(tmp_path)) as reader:
        with pytest.raises(sqlite3.DatabaseError, match="meta"):
            reader.latest()
        assert "meta" in reader.health().problem
