"""Fault 20: garbage into everything that reads what others wrote."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.faults import polls
from benchmarks.faults.fault import Outcome
from collectors.api import metrics as api_metrics
from collectors.api.reader import Reader
from collectors.api.rules import own
from collectors.kinds import source_types
from collectors.pgbouncer import metrics as pgbouncer_metrics
from collectors.pgbouncer import rows as pgbouncer_rows
from collectors.pgbouncer.table import Table
from collectors.postgres import metrics as postgres_metrics
from collectors.redis import info
from collectors.redis import metrics as redis_metrics
from metrics.config import ConfigError, load
from metrics.duration import seconds
from metrics.model import Metric
from metrics.reading import Reading
from storage import codec
from storage.codec import DamagedError
from storage.importing.formats import read
from storage.importing.gathered import Gathered
from storage.segment import Filled, Segment, encode, reader

ODD = (
    b"\x00",
    b"\xff",
    b"NaN",
    b"-Inf",
    b"1e309",
    b"9" * 40,
    b"\n",
    b"{",
    b"}",
    b'"',
    b"\\",
    b"=",
    b",",
    "\u202e\U0001f600".encode(),
)
VALUES: tuple[object, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1 << 80,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "1e999",
    "\x00",
    b"\xff",
    [],
    {},
    "9" * 400,
    "१",
)
PAGE = b'# TYPE http_requests_total counter\nhttp_requests_total{route="/a",code="200"} 7 1700000000000\n'
INFO = (
    b"# Server\r\nredis_version:7.0.15\r\nrun_id:0123456789abcdef\r\ndb0:keys=3,expires=1,avg_ttl=0\r\nrole:master\r\n"
)
CONFIG = b"""
[web]
listen = "127.0.0.1:8600"
[store]
keep = "30d"
[[source]]
kind = "redis"
name = "a"
port = 6379
interval = "10s"
"""
IMPORTS = {
    "openmetrics": b'# TYPE x counter\nx_total{a="b"} 1 1700000000\n# EOF\n',
    "prometheus": (
        b'{"status":"success","data":{"resultType":"matrix","result":'
        b'[{"metric":{"__name__":"x"},"values":[[1700000000,"1"]]}]}}'
    ),
    "victoriametrics": (
        b'{"metric":{"__name__":"x","a":"b"},"values":[1,2],"timestamps":[1700000000000,1700000010000]}\n'
    ),
    "csv": b"metric,time,value,host\nx,1700000000,1,a\n",
}
Parser = Callable[[random.Random, Path], None]


def garbage(ground: Path, times: int) -> Outcome:
    """So many inputs over all parsers: what they may raise is the error that their callers expect, and nothing else."""
    outcome, chance = Outcome(), random.Random(20)  # noqa: S311
    shares = _parsers(ground)
    for name, (parser, share) in shares.items():
        for _ in range(round(times * share)):
            try:
                parser(chance, ground)
            except Exception as error:  # noqa: BLE001 - that there is one is the finding
                outcome.count([f"{type(error).__name__}: {error!s:.200}"], name)
            else:
                outcome.count([])
    outcome.details = outcome.details[:20]
    outcome.note = f"{len(shares)} parsers"
    return outcome


def _parsers(ground: Path) -> Mapping[str, tuple[Parser, float]]:
    """Each with its share of the inputs: files cost more than texts."""
    seeds = _segments()
    return {
        "page of metrics": (_page, 0.2),
        "INFO": (_info, 0.2),
        "readings": (_readings(), 0.15),
        "PgBouncer's rows": (_pools, 0.1),
        "codec": (_codec, 0.1),
        "segment": (lambda chance, _: _segment(chance, seeds), 0.15),
        "durations": (_duration, 0.04),
        "config": (_config, 0.02),
        **{form: (_imported(form), 0.01) for form in IMPORTS},
    }


def mutated(chance: random.Random, seed: bytes) -> bytes:
    """Bytes changed, left out, doubled or put in."""
    text = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at, length = chance.randrange(len(text) + 1), chance.randint(0, 8)
        put = chance.choice((chance.randbytes(length), chance.choice(ODD), bytes(text[at : at + length]) * 2, b""))
        text[at : at + chance.randint(0, 8)] = put
    return bytes(text)


def _page(chance: random.Random, _: Path) -> None:
    text = mutated(chance, PAGE).decode("utf-8", "replace")
    try:
        Reader(own(metric) for metric in _declared(api_metrics)).samples(text)
    except ValueError:
        return


def _info(chance: random.Random, _: Path) -> None:
    row = info.fields(mutated(chance, INFO).decode("utf-8", "replace"))
    info.keyspace(row), info.epoch(row), info.version(row), info.spoken_version(row), info.role(row)
    for reading in _found(redis_metrics):
        reading.read([row, *info.keyspace(row)], info.version(row))


def _readings() -> Parser:
    known = [*_found(postgres_metrics), *_found(pgbouncer_metrics), *_found(redis_metrics)]

    def parser(chance: random.Random, _: Path) -> None:
        reading = chance.choice(known)
        names = [*reading.columns, *reading.labels]
        row = {name: chance.choice(VALUES) for name in names if chance.random() < 0.9}
        reading.read([row], tuple(chance.randrange(30) for _ in range(chance.randint(0, 3))))

    return parser


def _pools(chance: random.Random, _: Path) -> None:
    """The console's own columns keep their types; which are there and what stands in them does not."""
    names = ("database", "user", "name", "pool_size", "reserve_pool", "pool_mode", "sv_active", "maxwait", "maxwait_us")
    numbers = (None, 0, -1, 1 << 40, 3)
    row = {
        name: chance.choice(numbers if name.startswith(("sv_", "maxwait")) else VALUES)
        for name in names
        if chance.random() < 0.8
    }
    pgbouncer_rows.pools(Table(tuple(row), [tuple(row.values())]), pgbouncer_rows.Limits([row], [row]))
    pgbouncer_rows.pivoted([row], "name", "pool_size")
    pgbouncer_rows.version(mutated(chance, b"PgBouncer 1.18.0").decode("utf-8", "replace"))


def _codec(chance: random.Random, _: Path) -> None:
    values = np.array([float(chance.randrange(1000)) for _ in range(20)])
    count = chance.choice((20, 0, 1, 19))
    try:
        codec.decode(mutated(chance, codec.encode(values)), count)
    except DamagedError:
        return


def _segments() -> Sequence[bytes]:
    times = np.arange(100, dtype=np.int64) * 10_000
    mask = np.arange(100) % 3 > 0
    columns = [[Filled(polls.values(np.arange(100), 0, i))] for i in range(4)]
    columns.append([Filled(polls.values(np.arange(int(mask.sum())), 0, 1), mask)])
    return [encode(times, np.zeros(100, dtype=np.bool_), range(5), columns)]


def _segment(chance: random.Random, seeds: Sequence[bytes]) -> None:
    blob = mutated(chance, chance.choice(seeds))
    read_from = reader(blob)
    try:
        head = Segment(read_from, len(blob))
        head.figures()
        for number in head.numbers.tolist():
            head.columns(read_from, number)
    except DamagedError:
        return


def _duration(chance: random.Random, _: Path) -> None:
    try:
        seconds(mutated(chance, b"1h30m").decode("utf-8", "replace"))
    except ValueError:
        return


def _config(chance: random.Random, ground: Path) -> None:
    path = ground / "trivet.toml"
    path.write_bytes(mutated(chance, CONFIG))
    try:
        load(path, source_types(), {})
    except ConfigError:
        return


def _imported(form: str) -> Parser:
    def parser(chance: random.Random, ground: Path) -> None:
        path = ground / f"garbage.{form}"
        path.write_bytes(mutated(chance, IMPORTS[form]))
        read(path, form, Gathered())

    return parser


def _found(module: object) -> Iterator[Reading]:
    return (value for value in vars(module).values() if isinstance(value, Reading))


def _declared(module: object) -> Iterator[Metric]:
    return (value for value in vars(module).values() if isinstance(value, Metric))
