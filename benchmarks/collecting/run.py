"""One run, from the servers to the table."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from benchmarks import machine
from benchmarks.collecting import world
from benchmarks.collecting.capacity import HUNG, carried
from benchmarks.collecting.collector import Block, Collecting
from benchmarks.collecting.costs import Pair, exporter, ours, running, theirs
from benchmarks.collecting.coverage import coverages
from benchmarks.collecting.report import Found, markdown
from benchmarks.collecting.weighing import resident_mb
from stack.native.exporter import Exporter
from stack.native.prometheus import Prometheus
from stack.native.tools import Toolbox
from tests.servers import MONITOR, STATS, TOOLS, Hole, PgBouncerServer, PostgresServer, RedisServer, Servers, servers

POSTGRES_EXPORTER, REDIS_EXPORTER, PGBOUNCER_EXPORTER = "0.17", "1.69", "0.10"
STATEMENTS_EXPORTER = "0.11"
QUERIES = Path(__file__).with_name("statements.yaml")
POLICY = (
    "CPU is that of the whole process, all its threads, for each of so many polls or scrapes: of `trivet collect` with"
    " one source, storing with fsync included, tables and statements and all else of the minute asked at every sixth"
    " poll as in use, but all at 1 s instead of 10 s; and of the exporter while it is scraped every second, its page"
    " read and thrown away. What Prometheus spends to parse and store that page is not counted. Capacity and"
    " memory are of the collector as it is, at 10 s; the many sources are of one PostgreSQL, ten PgBouncers and ten"
    " Redis."
)


@dataclass(frozen=True)
class Plan:
    """What to measure; ``parts`` are names of rows, or capacity, memory, coverage."""

    parts: frozenset[str]
    polls: int
    sources: int
    seconds: float

    @property
    def words(self) -> str:
        return f"collectors: {self.polls} polls a row, {self.sources:,} sources for {self.seconds:g} s"


ROWS = ("relations_10", "relations_500", "relations_5000", "pools_50", "pools_500", "statements_5000", "redis")
OTHERS = ("capacity", "hung", "memory", "coverage")


def run(plan: Plan, folder: Path, results: Path | None, json_file: Path | None) -> Found:
    """Measure, print, add to the file of results, write the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="collect-", dir=folder))
    place.chmod(0o711)
    box = Toolbox(TOOLS, print)
    try:
        with servers(box) as made:
            run_ = _Run(plan, place, box, made)
            found = run_.all()
        header = f"{machine.described(place)}\n{machine.versions(run_.versions())}"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    notes = [*found.notes, POLICY]
    print(f"\n{plan.words}\n{header}\n\n{markdown(found.rows())}\n\n" + "\n".join(notes))
    if results is not None:
        stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        with results.open("a", encoding="utf-8") as file:
            file.write(f"\n## {stamp}: {plan.words}\n\n{header}\n\n{markdown(found.rows())}\n\n")
            file.writelines(f"- {note}\n" for note in notes)
    if json_file is not None:
        json_file.write_bytes(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    return found


class _Run:
    def __init__(self, plan: Plan, place: Path, box: Toolbox, made: Servers) -> None:
        self.plan, self.place, self.box, self.made = plan, place, box, made
        self.found = Found()
        self._postgres: PostgresServer | None = None
        self._small: PostgresServer | None = None
        self._redis: RedisServer | None = None

    @property
    def postgres(self) -> PostgresServer:
        if self._postgres is None:
            settings = {"max_connections": "1500", "pg_stat_statements.max": "20000", "fsync": "off"}
            self._postgres = self.made.postgres(**settings)
        return self._postgres

    @property
    def small(self) -> PostgresServer:
        """Another, without the many tables and statements: hundreds of sources look at it."""
        if self._small is None:
            self._small = self.made.postgres(max_connections="1500", fsync="off")
        return self._small

    @property
    def redis(self) -> RedisServer:
        if self._redis is None:
            self._redis = self.made.redis()
            with world.traffic(self._redis):
                pass
        return self._redis

    def versions(self) -> dict[str, str]:
        peers = {
            "postgres_exporter": POSTGRES_EXPORTER,
            "redis_exporter": REDIS_EXPORTER,
            "pgbouncer_exporter": PGBOUNCER_EXPORTER,
        }
        tools = {
            name: ".".join(map(str, self.box.need(name).version()))
            for name in ("postgres", "pgbouncer", "redis-server")
        }
        return {**tools, **peers}

    def all(self) -> Found:
        for name in ROWS:
            if name in self.plan.parts:
                print(f"{name} …", flush=True)
                kind, _, size = name.partition("_")
                pair: Pair = getattr(self, f"_{kind}_row")(name, int(size or 0))
                print(f"  {pair.trivet.each_ms:.2f} ms against {pair.exporter.each_ms:.2f}", flush=True)
                self.found.pairs.append(pair)
        if "memory" in self.plan.parts:
            self._memory()
        if "capacity" in self.plan.parts:
            self._capacity()
        if "hung" in self.plan.parts:
            self._hung()
        if "coverage" in self.plan.parts:
            self.found.coverage, notes = coverages(self.made, self.place / "coverage")
            self.found.notes += notes
        return self.found

    def _relations_row(self, name: str, tables: int) -> Pair:
        dbname = world.database(self.postgres, tables)
        source = world.of_postgres(self.postgres, "pg", dbname, interval="1s", **world.only(dbname))
        with self._postgres_exporter(dbname) as peer:
            return self._pair(name, f"PostgreSQL, {tables:,} tables", source, peer, 1.0)

    def _statements_row(self, name: str, count: int) -> Pair:
        dbname = "relations_5000"
        if "relations_5000" not in self.plan.parts:
            world.database(self.postgres, 5000)
        world.statements(self.postgres, dbname, count)
        source = world.of_postgres(self.postgres, "pg", "postgres", interval="1s", **world.only("postgres"))
        with self._postgres_exporter("postgres", "--collector.stat_statements") as peer:
            few, lines = theirs(peer, self.plan.polls, 1.0)
            shown = sum(line.startswith("pg_stat_statements_calls_total") for line in peer.page().splitlines())
        self.found.notes.append(
            f"Statements: of {count:,} postgres_exporter {POSTGRES_EXPORTER} shows {shown}, for {few.each_ms:.1f} ms a"
            f" scrape ({lines:,} series); the row is of {STATEMENTS_EXPORTER} with {QUERIES.name}, which shows"
            " them all. We read them all, and show the busiest and the sum of the others."
        )
        queries = self.place / "statements.yaml"
        queries.write_bytes(QUERIES.read_bytes())
        queries.chmod(0o644)
        flag = f"--extend.query-path={queries}"
        with self._postgres_exporter("postgres", flag, release=STATEMENTS_EXPORTER) as peer:
            return self._pair(name, f"PostgreSQL, {count:,} statements", source, peer, 1.0)

    def _pools_row(self, name: str, pools: int) -> Pair:
        server = world.pooler(self.made, self.postgres, pools)
        source = world.of_pgbouncer(server, "pool", interval="1s")
        with self._pgbouncer_exporter(server) as peer:
            return self._pair(name, f"PgBouncer, {pools} pools", source, peer, 1.0)

    def _redis_row(self, name: str, _size: int) -> Pair:
        with self._redis_exporter() as peer:
            return self._pair(name, "Redis", world.of_redis(self.redis, "redis", interval="1s"), peer, 1.0)

    def _pair(self, name: str, what: str, source: Block, peer: Exporter, pause: float) -> Pair:
        their_cost, lines = theirs(peer, self.plan.polls, pause)
        our_cost, series = ours(self.place / name, source, self.plan.polls)
        return Pair(name, what, our_cost, their_cost, (series, lines))

    def _memory(self) -> None:
        """Of a fresh server, and of the one whose databases have thousands of tables, which only we read."""
        print("memory …", flush=True)
        servers_ = {"a small PostgreSQL": self.small}
        if self._postgres is not None:
            servers_["the PostgreSQL of the rows above, all its databases"] = self._postgres
        for what, server in servers_.items():
            self.found.memory[what] = self._weights(server)

    def _weights(self, postgres: PostgresServer) -> Mapping[str, float]:
        pooler = self.made.pgbouncer(postgres)
        sources = [
            world.of_postgres(postgres, "pg", "postgres"),
            world.of_pgbouncer(pooler, "pool"),
            world.of_redis(self.redis, "redis"),
        ]
        place = self.place / f"memory-{time.monotonic_ns()}"
        with (
            self._postgres_exporter("postgres", server=postgres) as pg,
            self._pgbouncer_exporter(pooler) as pool,
            self._redis_exporter() as cache,
        ):
            peers = {"postgres_exporter": pg, "pgbouncer_exporter": pool, "redis_exporter": cache}
            prometheus = Prometheus(
                self.box.need("prometheus"), place / "prometheus", scrape=[peer.url for peer in peers.values()]
            )
            prometheus.start()
            try:
                with Collecting(place / "ours", sources) as collecting:
                    collecting.wait(6, len(sources))
                    weights = {"trivet": resident_mb(collecting.pid)}
                weights |= {
                    label: resident_mb(running(server)) for label, server in {**peers, "Prometheus": prometheus}.items()
                }
            finally:
                prometheus.stop()
        return {name: round(mb, 1) for name, mb in weights.items()}

    def _capacity(self) -> None:
        print("capacity …", flush=True)
        sources = world.crowd(self.made, self.small, self.plan.sources)
        self.found.crowd = carried(self.place / "capacity", sources, self.plan.seconds, settle=40.0)

    def _hung(self) -> None:
        print("hung …", flush=True)
        count = max(30, self.plan.sources * 3 // 10)
        hole = Hole()
        try:
            sources = [*world.crowd(self.made, self.small, count - count // 10)]
            sources += [world.hung(hole, f"{HUNG}-{number:04}", number) for number in range(count // 10)]
            self.found.hung = carried(self.place / "hung", sources, self.plan.seconds, settle=20.0)
        finally:
            hole.close()

    @contextmanager
    def _postgres_exporter(
        self, dbname: str, *flags: str, release: str = POSTGRES_EXPORTER, server: PostgresServer | None = None
    ) -> Iterator[Exporter]:
        server = server or self.postgres
        secrets = {
            "DATA_SOURCE_URI": f"{server.host}:{server.port}/{dbname}?sslmode=disable",
            "DATA_SOURCE_USER": MONITOR.name,
            "DATA_SOURCE_PASS": MONITOR.password,
        }
        tool = self.box.need("postgres-exporter", release)
        with exporter(tool, self.place / f"exporter-{time.monotonic_ns()}", secrets, *flags) as made:
            yield made

    @contextmanager
    def _pgbouncer_exporter(self, server: PgBouncerServer) -> Iterator[Exporter]:
        address = f"postgres://{STATS.name}:{STATS.password}@{server.host}:{server.port}/pgbouncer?sslmode=disable"
        tool = self.box.need("pgbouncer-exporter", PGBOUNCER_EXPORTER)
        with exporter(
            tool, self.place / f"exporter-{time.monotonic_ns()}", {"PGBOUNCER_EXPORTER_CONNECTION_STRING": address}
        ) as made:
            yield made

    @contextmanager
    def _redis_exporter(self) -> Iterator[Exporter]:
        tool = self.box.need("redis-exporter", REDIS_EXPORTER)
        with exporter(tool, self.place / f"exporter-{time.monotonic_ns()}", {"REDIS_ADDR": self.redis.url}) as made:
            yield made
