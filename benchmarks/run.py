"""One run, from the data to the table."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import orjson

from benchmarks import crowd, machine, memory, newer, peers, questions
from benchmarks.engines import TRIVET, Engine, Reading
from benchmarks.generator import GAUGES, Data, generate
from benchmarks.questions import Disagreement, Question
from benchmarks.table import Figure, Results, Row, aligned, markdown
from benchmarks.trivet import Asked, Trivet
from metrics.poll import Tier
from stack.native.tools import Toolbox

TOOLS = Path(__file__).resolve().parents[1] / "var" / "tools"
HOUR, DAY = 3600.0, 86400.0
STEP = 10.0
LIVE = 360
AT_ONCE = 60
# VictoriaMetrics writes what is older than five seconds, and looks every five.
FLUSHED_BY_NOW = 11.0
# Shorter runs do not wait for that, and say nothing of what the peers wrote.
LEAST_TO_WAIT = 2.0
DAY_SHAPE = (288.0, 300)
WEEK_SHAPE = (2016.0, 300)
# Half hours on the clock: what a store with rollups may answer from them, and exactly.
ALIGNED_SHAPE = (1800.0, 336)
# Whole hours, as a page asks that wants rollups: 309 points are no fewer than 300.
QUARTER_SHAPE = (25_200.0, 309)
POLICY = (
    "Warm: every wording asked once before it is timed, files in the page cache; 21 wordings that differ in series and"
    " end, so none is answered from a kept answer (VictoriaMetrics: nocache=1). Ours runs in the asking process and"
    " keeps decoded pieces there, as a web worker does; 'first sight' is the same by a reader that has decoded nothing"
    " yet. Peers are asked over HTTP, JSON read into numpy. Answers agreed to 1e-9 before any was timed. Appends: ours"
    " are on disk when acknowledged, the peers' are not: they do not fsync."
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to measure."""

    series: int
    hours: float
    seed: int
    peers: bool
    week: bool
    quarter: bool
    crowd: float
    memory: int

    @property
    def words(self) -> str:
        peers = "with peers" if self.peers else "without peers"
        return f"{self.series:,} series × {self.hours:g} h at {STEP:g} s, seed {self.seed}, {peers}"

    @property
    def judged(self) -> bool:
        """Whether it is as much data as the bars are for."""
        return self.series >= 2000 and self.hours >= 24


def run(plan: Plan, folder: Path, results: Path, json_file: Path | None) -> Results:
    """Measure, print, add to the file of results, write the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    # Passable: as root the peers run as another account.
    place.chmod(0o711)
    try:
        with _engines(plan, place) as engines:
            found = _Run(plan, place, engines).all()
            versions = {each.name: each.version for each in engines if each.name != TRIVET}
        header = f"{machine.described(place)}\n{machine.versions(versions)}"
    finally:
        shutil.rmtree(place, ignore_errors=True)
    notes = [*found.notes, *(f"Answers differ: {each}" for each in found.disagreements), POLICY]
    print(f"\n{plan.words}\n{header}\n\n{aligned(found.rows)}\n\n" + "\n".join(notes))
    stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    text = f"## {stamp}: {plan.words}\n\n{header}\n\n{markdown(found.rows)}\n\n" + "".join(f"- {n}\n" for n in notes)
    with results.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}")
    if json_file is not None:
        json_file.write_bytes(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2) + b"\n")
    return found


@contextmanager
def _engines(plan: Plan, place: Path, block_hours: int = 2) -> Iterator[list[Engine]]:
    """Ours and, where wanted, the peers, fresh; all closed at the end."""
    started: list[Engine] = []
    try:
        started.append(Trivet(place / "trivet"))
        if plan.peers:
            started += _peers(place, block_hours)
        yield started
    finally:
        for engine in started:
            engine.close()


def _peers(place: Path, block_hours: int) -> Iterator[Engine]:
    box = Toolbox(TOOLS, print)
    yield peers.Victoria(*newer.newest("victoria-metrics", box, print), place / "vm")
    yield peers.Prometheus(*newer.newest("prometheus", box, print), place / "prometheus", block_hours)


class _Run:
    def __init__(self, plan: Plan, place: Path, engines: Sequence[Engine]) -> None:
        self.plan = plan
        self.place = place
        self.engines = engines
        self.found = Results()
        ours = engines[0]
        if not isinstance(ours, Trivet):
            raise TypeError("ours comes first")
        self.ours = ours

    def all(self) -> Results:
        """In an order that leaves each store as it is in use before it is asked."""
        # A collector seals two-hour windows and merges whole days: history ends with a day, the live hour follows.
        end = (time.time() - 2 * HOUR) // DAY * DAY
        bulk = round(self.plan.hours * HOUR / STEP)
        extra = round(self.plan.crowd / STEP) + 1
        data = generate(self.plan.series, bulk + LIVE + extra, start=end - bulk * STEP, step=STEP, seed=self.plan.seed)
        self._load(self.engines, data, bulk)
        self._sizes(data, bulk)
        self._live(data, bulk)
        self._questions(data, data.start + (bulk + LIVE) * STEP)
        self._crowd(data, bulk + LIVE)
        if self.plan.week:
            self._other("week", generate(max(10, self.plan.series // 10), 60_480, start=end - 7 * DAY, seed=1))
        if self.plan.quarter:
            data = generate(25, 64_800, start=end - 90 * DAY, step=120.0, seed=2, tier=Tier.MEDIUM)
            self._other("quarter", data)
        self._memory()
        if not self.plan.judged:
            self.found.rows = [replace(row, judged=False) for row in self.found.rows]
            self.found.notes.insert(0, "The bars are for 2,000 series and 24 hours; this run is not judged by them.")
        return self.found

    def _load(self, engines: Sequence[Engine], data: Data, ticks: int) -> None:
        for engine in engines:
            begun = time.perf_counter()
            engine.load(data, 0, ticks)
            spent = time.perf_counter() - begun
            print(f"{engine.name}: {data.series * ticks:,} samples in {spent:.1f} s, merges included", flush=True)

    def _sizes(self, data: Data, bulk: int) -> None:
        samples = data.series * bulk
        sizes = {engine.name: Figure(engine.size() / samples) for engine in self.engines}
        self.found.notes.append(f"Ours after the load: {self.ours.pieces()}.")
        raw, rolled = self.ours.merged()
        merged = {**sizes, TRIVET: Figure(raw / samples)}
        whole = {TRIVET: Figure((raw + rolled) / samples)}
        self.found.rows += [
            Row("bytes per sample, 2 h segments", sizes, 1.45),
            Row("bytes per sample, merged to 24 h, rollups apart", merged, 1.38),
            Row("bytes per sample, merged, with rollups of 10 min and 1 h", whole),
        ]
        self.found.sizes = {name: figure.value for name, figure in sizes.items()}
        self.found.sizes |= {"trivet_2h": sizes[TRIVET].value, "trivet_24h": raw / samples}
        self.found.notes.append(
            f"Entropy bound of the values {data.bound:.3f} B/sample. Sizes are of whole folders: VictoriaMetrics after"
            " force_flush and force_merge, Prometheus as a snapshot (all in blocks, no WAL), ours checkpointed."
        )

    def _live(self, data: Data, first: int) -> None:
        """An hour of cycles, back to back; the last of them ours takes from a thread for each source."""
        took: dict[str, Figure] = {}
        disk: dict[str, Figure] = {}
        split = first + LIVE - AT_ONCE
        before = {engine.name: engine.written() for engine in self.engines}
        for engine in self.engines:
            spent = np.array(engine.live(data, first, split)) * 1000
            took[engine.name] = Figure(float(np.median(spent)), float(np.quantile(spent, 0.99)))
            # Read at once for ours, whose process does other things as well.
            disk[engine.name] = Figure((engine.written() - before[engine.name]) / (split - first) / 1024)
        others = self.engines[1:]
        waits = others and self.plan.hours >= LEAST_TO_WAIT
        time.sleep(FLUSHED_BY_NOW if waits else 0.0)
        for engine in others:
            disk[engine.name] = Figure((engine.written() - before[engine.name]) / (split - first) / 1024)
            engine.live(data, split, first + LIVE)
        if not waits:
            disk = {TRIVET: disk[TRIVET]}
        spent = np.array(self.ours.at_once(data, split, first + LIVE)) * 1000
        threads = {TRIVET: Figure(float(np.median(spent)), float(np.quantile(spent, 0.99)))}
        cycle = f"{data.series:,} samples of {len(data.feeds)} sources"
        self.found.rows += [
            Row(f"append of {cycle}, ms (p99)", took, 1.0),
            Row("the same by a thread for each source, ms (p99)", threads),
            Row("KiB written for each such cycle", disk, 60.0),
        ]
        self.found.append = {name: figure.value for name, figure in took.items()}

    def _questions(self, data: Data, end: float) -> None:
        one = questions.of_one_source("12x24h", data, end, 12, DAY_SHAPE, STEP)
        many = questions.over_sources("12x24h", data, end, 12, DAY_SHAPE)
        self._ask(questions.one_hour(data, end), "1 series × 1 h raw", 0.3)
        of_one = self._ask(one, "12 series × 24 h → 300, min max avg, one source", 8.0, 0.6)
        of_many = self._ask(many, "12 series × 24 h → 300, min max avg, over sources", 8.0, 0.6)
        if of_one and (not of_many or of_many[TRIVET].value < of_one[TRIVET].value):
            # One figure for both: the one where ours is slower.
            self.found.queries["12x24h"] = {name: figure.value for name, figure in of_one.items()}
        self._first_sight(one)
        self._ask(questions.rate(data, end, DAY_SHAPE), "rate over 24 h → 300", 0.8)
        self._ask(questions.latest(end), f"latest of {data.series:,}", 1.0)

    def _ask(
        self,
        question: Question,
        what: str,
        bar: float | None,
        to_vm: float | None = None,
        stores: Sequence[Reading] = (),
    ) -> dict[str, Figure]:
        stores = stores or self.engines
        figures: dict[str, Figure] = {}
        try:
            questions.check(question, stores)
        except Disagreement as difference:
            # The rest is worth having; the run fails in the end.
            self.found.disagreements.append(str(difference))
            self.found.rows.append(Row(f"{what}: answers differ, not timed", figures, bar, to_vm))
            return figures
        for store in stores:
            took = questions.timed(question, store)
            figures[store.name] = Figure(took.median, took.p95)
        self.found.rows.append(Row(f"{what}, ms (p95)", figures, bar, to_vm))
        self.found.queries[question.name] = {name: figure.value for name, figure in figures.items()}
        return figures

    def _first_sight(self, question: Question) -> None:
        """By readers that know the names of the series and have decoded none."""
        spent = []
        for ask in question.asks[:7]:
            store = Asked(self.ours.folder)
            store.reader.series()
            spent.append(questions.spent(store, [ask]).median)
            store.reader.close()
        figure = Figure(float(np.median(spent)), max(spent))
        self.found.rows.append(Row("12 series × 24 h, one source, first sight, ms (most of 7)", {TRIVET: figure}))

    def _crowd(self, data: Data, first: int) -> None:
        """Ours alone: the writer leaves this process for one of its own."""
        self.ours.close()
        polls = [
            (poll.at - data.start - first * STEP, poll)
            for poll in data.polls(first, data.ticks)
            if poll.at - data.start - first * STEP < self.plan.crowd
        ]
        asked = [
            (questions.chosen([feed], *questions.spread(feed.of(*GAUGES), 12, turn)), grid)
            for turn, feed in enumerate(data.feeds)
            for grid in [questions.grid_to(data.start + first * STEP, *DAY_SHAPE)]
        ]
        seen = crowd.measure(self.ours.folder, polls, asked, self.plan.crowd)
        figure = Figure(seen.p99, seen.worst)
        self.found.rows.append(
            Row(f"12 series × 24 h, {crowd.READERS} readers and a writer, ms p99 (worst)", {TRIVET: figure}, 50.0)
        )
        self.found.notes.append(
            f"{crowd.READERS} readers without a pause asked {seen.asked:,} times in {self.plan.crowd:g} s, median"
            f" {seen.median:.1f} ms; the slowest answer during a compaction took {seen.compacting:.0f} ms."
        )

    def _other(self, name: str, data: Data) -> None:
        """Another set of series, in fresh stores."""
        place = self.place / name
        place.mkdir()
        place.chmod(0o711)
        with _engines(self.plan, place, 24 if name == "quarter" else 2) as engines:
            self._load(engines, data, data.ticks)
            ours = next(each for each in engines if isinstance(each, Trivet))
            self.found.notes.append(f"The {name}'s file: {ours.pieces()}.")
            if name == "week":
                question = questions.of_one_source("10x7d", data, data.end, 10, WEEK_SHAPE, STEP)
                self._ask(question, "10 series × 7 d → 300, min max avg", 14.0, 0.7, engines)
                question = questions.of_one_source("10x7d aligned", data, data.end, 10, ALIGNED_SHAPE, 600.0)
                self._ask(question, "10 series × 7 d → 336 of whole half hours, min max avg", None, None, engines)
            else:
                question = questions.of_one_source("10x90d", data, data.end, 10, QUARTER_SHAPE, HOUR)
                self._ask(question, "10 series × 90 d at 120 s → 309, min max avg", 15.0, None, engines)
            samples = data.samples
            sizes = {engine.name: Figure(engine.size() / samples) for engine in engines}
            self.found.rows.append(Row(f"bytes per sample of the {name}, rollups and all", sizes))
        shutil.rmtree(place, ignore_errors=True)

    def _memory(self) -> None:
        """Two hours, the quarter for late polls, and what sealing them takes."""
        hours = min(self.plan.hours, 2.5)
        most, last = memory.measure(self.plan.memory, hours, self.plan.seed, self.place / "memory")
        what = f"memory of a collector of {self.plan.memory:,} series, MB most (at the end of {hours:g} h)"
        self.found.rows.append(Row(what, {TRIVET: Figure(most, last)}, 300.0))
