"""A reader written from storage/FORMAT.md alone finds what ours finds. It uses nothing of Trivet's."""

import hashlib
import json
import math
import random
import re
import sqlite3
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from pcodec import standalone

from metrics.model import Sample, Selector
from metrics.poll import Poll, Record, Tier
from storage import migrations
from storage.reading import SeriesReader
from storage.series import SeriesStore

HOUR, DAY = 3600.0, 86400.0
BEGIN = 1_700_006_400.0

# --- the other reader -----------------------------------------------------------------------------------------------


def bits(packed: bytes, count: int) -> list[bool]:
    """A bit per tick, the first is the highest of the first byte."""
    return [bool(packed[i // 8] >> (7 - i % 8) & 1) for i in range(count)]


def values_of(payload: bytes, count: int) -> list[float]:
    """A payload of doubles."""
    if payload[0] == 0:
        return [struct.unpack("<d", payload[1:9])[0]] * count
    found = standalone.simple_decompress(payload[2 if payload[0] == 2 else 1 :])
    assert found is not None
    assert len(found) == count
    if payload[0] == 2:
        return [float(integer) / 10.0 ** payload[1] for integer in found.tolist()]
    assert payload[0] == 1
    return list(found.tolist())


def column_of(payload: bytes, ticks: int) -> list[float | None]:
    """One value per tick, None where there is none."""
    if payload[0] != 64:
        return list(values_of(payload, ticks))
    size = (ticks + 7) // 8
    mask = bits(payload[1 : 1 + size], ticks)
    given = iter(values_of(payload[1 + size :], sum(mask)) if any(mask) else [])
    return [next(given) if there else None for there in mask]


def segment_of(blob: bytes) -> tuple[list[int], list[bool], dict[int, list[list[float | None]]], list[list[float]]]:
    """Times, turns, columns of each series, statistics."""
    magic, columns, zero, ticks, series, times_size, statistics_size = struct.unpack("<4sHHIIII", blob[:24])
    assert (magic, zero) == (b"TVS1", 0)
    at = 24
    packed, at = blob[at : at + times_size], at + times_size
    turned, at = blob[at : at + (ticks + 7) // 8], at + (ticks + 7) // 8
    before, (check,), at = blob[:at], struct.unpack("<I", blob[at : at + 4]), at + 4
    directory = at
    numbers = struct.unpack(f"<{series}I", blob[at : at + 4 * series])
    at += 4 * series
    ends = struct.unpack(f"<{series * columns}I", blob[at : at + 4 * series * columns])
    at += 4 * series * columns
    checks = struct.unpack(f"<{series * columns}I", blob[at : at + 4 * series * columns])
    at += 4 * series * columns
    body = at + statistics_size
    assert zlib.crc32(before + blob[directory:body]) == check
    statistics = []
    while at < body:
        (size,) = struct.unpack("<I", blob[at : at + 4])
        statistics.append(values_of(blob[at + 4 : at + 4 + size], series))
        at += 4 + size
    payloads = [blob[body + begin : body + end] for begin, end in zip((0, *ends), ends, strict=False)]
    assert [zlib.crc32(payload) for payload in payloads] == list(checks)
    assert body + (ends[-1] if ends else 0) == len(blob)
    found = {
        number: [column_of(payload, ticks) for payload in payloads[i * columns : (i + 1) * columns]]
        for i, number in enumerate(numbers)
    }
    assert packed[0] == 3
    times = standalone.simple_decompress(packed[1:])
    assert times is not None
    return times.tolist(), bits(turned, ticks), found, statistics


def right(crc: int, numbers: tuple[int, ...], *texts: bytes) -> bool:
    """A checksum of a row."""
    return zlib.crc32("".join(f"{number} " for number in numbers).encode() + b"\0".join(texts)) == crc


def polls_of(db: sqlite3.Connection) -> Iterator[tuple[int, int, dict[int, float]]]:
    """Stream, time and values of hot rows, in the order of their numbers."""
    layouts = {}
    for number, stream, digest, series, crc in db.execute("select id, stream, digest, series, crc from layout"):
        assert right(crc, (number, stream), digest)
        assert hashlib.blake2b(series, digest_size=16).digest() == digest
        layouts[number] = struct.unpack(f"<{len(series) // 4}I", series)
    for row in db.execute("select stream, at, layout, turn, crc, data from hot order by seq"):
        stream, at, layout, turn, crc, data = row
        assert zlib.crc32(f"{stream} {at} {layout} {turn}".encode() + data) == crc
        yield stream, at, dict(zip(layouts[layout], struct.unpack(f"<{len(data) // 8}d", data), strict=True))


def everything(path: Path) -> dict[tuple[str, str], dict[int, float]]:
    """Every raw value of every series: by metric and labels, by time."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        ticks: dict[int, dict[int, dict[int, float]]] = {}
        find = "select s.*, c.crc from segment s join segment_check c on c.segment = s.id where res = 0"
        for number, stream, res, start, stop, tick_count, samples, blob, crc in db.execute(find):
            assert right(crc, (number, stream, res, start, stop, tick_count, samples))
            times, _, series, _ = segment_of(blob)
            assert all(start < at <= stop for at in times)
            for i, at in enumerate(times):
                ticks.setdefault(stream, {})[at] = {
                    number: value for number, columns in series.items() if (value := columns[0][i]) is not None
                }
        for stream, at, values in polls_of(db):
            ticks.setdefault(stream, {})[at] = values
        sources = {}
        for number, name, crc in db.execute("select id, name, crc from source"):
            assert right(crc, (number,), name.encode())
            sources[number] = name
        names = {}
        for number, source, metric, labels, crc in db.execute("select id, source, metric, labels, crc from series"):
            assert right(crc, (number, source), metric.encode(), labels.encode())
            labelled = {**json.loads(labels), "source": sources[source]}
            names[number] = (metric, json.dumps(labelled, sort_keys=True))
        for number, source, tier, crc in db.execute("select id, source, tier, crc from stream"):
            assert right(crc, (number, source), tier.encode())
    found: dict[tuple[str, str], dict[int, float]] = {}
    for stream_ticks in ticks.values():
        for at, values in stream_ticks.items():
            for number, value in values.items():
                found.setdefault(names[number], {})[at] = value
    return found


def records_of(path: Path) -> list[tuple[str, str, str, float, str]]:
    """Source, kind, key, time and text."""
    found = []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        find = (
            "select s.id, s.name, r.kind, r.key, r.at, r.bytes, r.crc, t.digest, t.body"
            " from record r join source s on s.id = r.source join text t on t.id = r.text"
        )
        for source, name, kind, key, at, size, crc, digest, body in db.execute(find):
            assert hashlib.blake2b(body.encode(), digest_size=16).digest() == digest
            assert size == len((key + body).encode())
            assert right(crc, (source,), kind.encode(), key.encode(), struct.pack("<d", at) + digest)
            found.append((name, kind, key, at, body))
    return found


# --- the comparison -------------------------------------------------------------------------------------------------


def poll(at: float, chance: random.Random) -> Poll:
    """Counters, noise, constants, odd numbers, and tables that come and go."""
    samples = [
        Sample("n_total", (), math.floor(at * 7 % 5000)),
        Sample("noise", (("é", '"x"'),), chance.gauss(0, 1)),
        Sample("constant", (), 42.5),
        Sample("ratio", (), round(chance.random(), 3)),
        Sample("odd", (), chance.choice([math.nan, math.inf, -math.inf, -0.0, 1e300])),
    ]
    samples += [Sample("rows", (("table", name),), at) for name in "abc" if chance.random() < 0.7]
    epochs = {"start": float(at // (5 * HOUR))}
    records = [Record("query", key, "select 'é'") for key in ("1", "2")]
    return Poll(
        source="db", tier=Tier.FAST, at=at, duration=0, up=True, samples=samples, epochs=epochs, records=records
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days: merged ones, segments of two hours, hot rows, some of them late, one given twice."""
    where = tmp_path_factory.mktemp("format")
    chance = random.Random(4)
    with closing(SeriesStore(where)) as store:
        for day in range(3):
            store.append_many([poll(BEGIN + day * DAY + i * 120, chance) for i in range(720)])
            store.compact(BEGIN + (day + 0.9) * DAY)
        store.append_many([poll(BEGIN + 2.5 * DAY + 1, chance), poll(BEGIN + 2.5 * DAY, chance)])
        store.append_many([poll(BEGIN + 3 * DAY + 10, chance), poll(BEGIN + 3 * DAY + 10, chance)])
    return where


def same(one: float, other: float) -> bool:
    """Bit by bit."""
    return struct.pack("<d", one) == struct.pack("<d", other)


def test_the_other_reader_finds_every_value(folder: Path) -> None:
    """And no other one."""
    found = everything(folder / "series.db")
    reader = SeriesReader(folder)
    ours = {}
    for metric in {metric for metric, _ in reader.series()}:
        for points in reader.raw(Selector(metric), 0, 1e10):
            key = (metric, json.dumps(dict(points.labels), sort_keys=True))
            ours[key] = dict(zip([round(at * 1000) for at in points.times], points.values.tolist(), strict=True))
    assert found.keys() == ours.keys()
    for key, values in found.items():
        assert values.keys() == ours[key].keys(), key
        assert all(same(value, ours[key][at]) for at, value in values.items()), key
    reader.close()


def test_the_other_reader_finds_every_record(folder: Path) -> None:
    """And the text that they share once."""
    with closing(SeriesReader(folder)) as reader:
        ours = [(r.source, r.kind, r.key, r.at, r.body) for r in reader.records("db", "query")]
    assert sorted(records_of(folder / "series.db")) == sorted(ours)
    assert len(ours) == 2
    with closing(sqlite3.connect(folder / "series.db")) as db:
        assert db.execute("select count(*) from text").fetchone() == (1,)


def test_rollups_are_what_the_page_says(folder: Path) -> None:
    """Last, least, most, sum and count of each bucket of raw values, and statistics of each segment."""
    raw = everything(folder / "series.db")
    with closing(sqlite3.connect(folder / "series.db")) as db:
        (noise,) = db.execute("select id from series where metric = 'noise'").fetchone()
        rows = db.execute("select res, start, stop, data from segment where res > 0").fetchall()
        values = next(values for (metric, _), values in raw.items() if metric == "noise")
        assert {row[0] for row in rows} == {600, 3600}
        buckets = 0
        for res, _, _, blob in rows:
            times, turns, series, statistics = segment_of(blob)
            last, least, most, total, count = series[noise]
            assert len(statistics) == 7
            assert any(turns)
            for i, at in enumerate(times):
                assert last[i] == values[at]
                if count[i] is None:
                    continue
                end = -(-at // (res * 1000)) * res * 1000
                inside = [value for when, value in values.items() if end - res * 1000 < when <= end]
                assert (least[i], most[i], count[i]) == (min(inside), max(inside), len(inside))
                assert total[i] == pytest.approx(sum(inside))
                buckets += 1
        assert buckets > 300
        for (blob,) in db.execute("select data from segment where res = 0").fetchall():
            _, _, series, statistics = segment_of(blob)
            place = sorted(series).index(noise)
            kept = [value for value in series[noise][0] if value is not None]
            figures = [column[place] for column in statistics]
            assert figures[:2] == [min(kept), max(kept)]
            assert figures[3:] == [len(kept), pytest.approx(np.maximum(np.diff(kept), 0).sum()), kept[0], kept[-1]]


def test_the_mark_is_the_highest_number(folder: Path) -> None:
    """As the page says where it is."""
    (mark,) = struct.unpack("<Q", (folder / "series.db.mark").read_bytes())
    with closing(sqlite3.connect(folder / "series.db")) as db:
        meta = {}
        for name, value, crc in db.execute("select name, value, crc from meta"):
            assert right(crc, (value,), name.encode())
            meta[name] = value
        (hot,) = db.execute("select coalesce(max(seq), 0) from hot").fetchone()
    assert mark == max(meta["seq"], hot)


def test_the_page_names_every_table_column_and_change(folder: Path) -> None:
    """What is in the file is on the page."""
    page = (Path(migrations.__file__).parent / "FORMAT.md").read_text(encoding="utf-8")
    with closing(sqlite3.connect(folder / "series.db")) as db:
        tables = [name for (name,) in db.execute("select name from sqlite_master where type = 'table'")]
        for table in tables:
            (line,) = re.findall(rf"^\| `{table}` \|.*$", page, re.MULTILINE)
            if table != "_sqlite_migrations":
                for _, column, *_ in db.execute(f"pragma table_info({table})"):
                    assert f"`{column}`" in line, (table, column)
        for (change,) in db.execute("select name from _sqlite_migrations"):
            assert change in page
