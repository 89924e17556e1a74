"""What judging costs: `make bench-alerts`. Twenty sources of four kinds, all rules, over two hours of polls.

Real servers are collected from for a while; what they said is told again under twenty names, counters going on as they
rose, for two hours at once and then live. `trivet alert` is the real one, with a real HTTP receiver.
"""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
import numpy as np

from benchmarks import machine
from benchmarks.collecting import world
from benchmarks.collecting.collector import Collecting
from benchmarks.collecting.world import Block
from commands.cost import cpu_seconds
from metrics import watch
from metrics.model import SOURCE, Sample, labelled
from metrics.poll import Poll, Tier
from stack.native.tools import Toolbox
from storage.incidents import Incidents
from storage.series import SeriesStore
from storage.tail import Fresh, Tail
from tests.alerts.receivers import Receiver, receiving
from tests.servers import TOOLS, servers

ROOT = Path(__file__).resolve().parents[1]
SOURCES, INTERVAL = 20, 10.0
TABLES, POOLS = 200, 20
BEFORE = 24
"""Polls of each server that are told again and again."""

HOLD = 10.0
CONFIG = f"""
[store]
folder = "data"
[alerts]
group = "0s"
allow_networks = ["127.0.0.0/8"]
[[alert]]
rule = "source_up"
hold = "{HOLD:g}s"
keep = "1s"
[[channel]]
kind = "webhook"
name = "hook"
url = "{{hook}}"
"""
MOST_CPU, LEAST_DELAYS = 0.02, 20
TAKES = 300.0

Rows = list[tuple[str, str, str, str]]


@dataclass
class Story:
    """What one server said: for each tier, its last polls, and how much each series rose from one to the next."""

    tiers: dict[str, list[Fresh]]

    def poll(self, name: str, tier: str, number: int, at: float, *, up: bool = True) -> Poll:
        """The poll of that number, under another name: counters go on rising as they did."""
        told = self.tiers[tier]
        first, last = told[0], told[-1]
        rise = (last.values - first.values) / max(1, len(told) - 1)
        samples = []
        for i, each in enumerate(first.names):
            if each.metric in OURS:
                continue
            labels = {key: value for key, value in each.mapping.items() if key != SOURCE}
            counts = each.metric.endswith(COUNTED) and rise[i] >= 0
            value = first.values[i] + number * rise[i] if counts else told[number % len(told)].values[i]
            samples.append(Sample(each.metric, labelled(labels), float(value)))
        if not up:
            samples = []
        if tier == Tier.FAST:
            samples += [
                Sample(watch.UP.name, (), float(up)),
                Sample(watch.POLL_INTERVAL.name, labelled({"tier": tier}), INTERVAL),
            ]
        return Poll(source=name, tier=Tier(tier), at=at, duration=0.01, up=up, samples=samples)


OURS = (watch.UP.name, watch.POLL_INTERVAL.name)
COUNTED = ("_total", "_count", "_sum", "_bucket")
EVERY = {Tier.FAST: INTERVAL, Tier.MEDIUM: 60.0, Tier.SLOW: 3600.0}


def record(folder: Path) -> tuple[list[Block], dict[str, Story]]:
    """Collect from real servers for a while; the sources, and what each said."""
    with servers(Toolbox(TOOLS, lambda _line: None)) as made, page() as url:
        postgres = made.postgres(max_connections="300", fsync="off")
        name = world.database(postgres, TABLES)
        blocks: list[Block] = [
            world.of_postgres(postgres, "postgres", name, **world.only(name)),
            world.of_pgbouncer(world.pooler(made, postgres, POOLS), "pgbouncer"),
            world.of_redis(made.redis(), "redis"),
            {"kind": "api", "name": "api", "url": url},
        ]
        quickly = [{**block, "interval": "1s"} for block in blocks]
        with Collecting(folder / "recorded", quickly, quick=True) as collecting:
            collecting.wait(BEFORE, len(blocks))
        tail = Tail(collecting.data, back=86_400.0)
        stories: dict[str, Story] = {str(block["name"]): Story({}) for block in blocks}
        for fresh in tail.new():
            told = stories[fresh.source].tiers.setdefault(fresh.tier, [])
            if told and told[-1].layout != fresh.layout:
                told.clear()
            told.append(fresh)
        tail.close()
    return blocks, stories


@contextmanager
def page() -> Iterator[str]:
    """An API of twelve routes, whose counts rise with every look."""
    looks = 0

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            nonlocal looks
            looks += 1
            body = _metrics(looks).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()


def _metrics(looks: int) -> str:
    lines = ["# TYPE http_request_duration_seconds histogram"]
    for route in range(12):
        labels = f'method="GET",route="/r{route}",status="200"'
        for edge, share in (("0.01", 0.5), ("0.05", 0.8), ("0.1", 0.95), ("0.2", 0.99), ("+Inf", 1.0)):
            lines.append(f'http_request_duration_seconds_bucket{{{labels},le="{edge}"}} {looks * 100 * share:g}')
        lines.append(f"http_request_duration_seconds_count{{{labels}}} {looks * 100}")
        lines.append(f"http_request_duration_seconds_sum{{{labels}}} {looks * 3}")
    return "\n".join(lines) + "\n"


class Telling:
    """Twenty sources, told from a store of their own."""

    def __init__(self, folder: Path, blocks: Sequence[Block], stories: dict[str, Story], hook: str) -> None:
        """Nothing is told yet."""
        self.folder = folder
        folder.mkdir()
        self.names = [f"{blocks[i % len(blocks)]['name']}-{i}" for i in range(SOURCES)]
        self.stories = [stories[str(blocks[i % len(blocks)]["name"])] for i in range(SOURCES)]
        there = [{**blocks[i % len(blocks)], "name": self.names[i]} for i in range(SOURCES)]
        text = CONFIG.format(hook=hook) + "".join(_block(block) for block in there)
        config = folder / "trivet.toml"
        config.write_text(text, encoding="utf-8")
        config.chmod(0o600)
        self.store = SeriesStore(folder / "data")
        self.numbers = dict.fromkeys(self.names, 0)
        self.down: set[str] = set()

    def past(self, hours: float) -> int:
        """Polls of so many hours until now, at once; how many."""
        count, now = round(hours * 3600 / INTERVAL), time.time()
        total = 0
        for number in range(count):
            polls = [poll for place in range(SOURCES) for poll in self.at(place, now - (count - number) * INTERVAL)]
            self.store.append_many(polls)
            total += len(polls)
        return total

    def at(self, place: int, now: float) -> list[Poll]:
        """The polls of one source that are due at its turn, of all tiers."""
        name, story = self.names[place], self.stories[place]
        number = self.numbers[name]
        self.numbers[name] += 1
        at, found = now + place * INTERVAL / SOURCES, []
        for tier in story.tiers:
            each = round(EVERY[Tier(tier)] / INTERVAL)
            if number % each == 0:
                found.append(story.poll(name, tier, number // each, at, up=name not in self.down))
        return found

    def live(self, stopping: threading.Event) -> None:
        """Each source at its moment of every ten seconds."""
        begun, turn = time.time(), 0
        while not stopping.is_set():
            place = turn % SOURCES
            due = begun + turn * INTERVAL / SOURCES
            if stopping.wait(max(0.0, due - time.time())):
                return
            now = time.time() - place * INTERVAL / SOURCES
            self.store.append_many(self.at(place, now))
            turn += 1


def _block(block: Block) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in block.items()]
    return "\n[[source]]\n" + "\n".join(lines) + '\ninterval = "10s"\n'


@contextmanager
def alerting(folder: Path) -> Iterator[int]:
    """`trivet alert`; its number."""
    with (folder / "alert.log").open("wb") as log:
        words = [sys.executable, "-c", "import cli; cli.main()", "alert", "--config", "trivet.toml"]
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        popen = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env=env)
    try:
        yield popen.pid
    finally:
        popen.terminate()
        popen.wait(30)


def pss_mb(pid: int) -> float:
    """Memory in use now, with its share of what others use as well."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024 / 1e6


def measure(folder: Path, hours: float, seconds: float, delays: int) -> tuple[Rows, list[str]]:
    """Rows of the table, and remarks."""
    print("collecting from real servers …", flush=True)
    blocks, stories = record(folder)
    with receiving() as receiver:
        told = Telling(folder / "told", blocks, stories, receiver.url)
        print(f"telling {hours:g} hours of {SOURCES} sources …", flush=True)
        polls = told.past(hours)
        with alerting(told.folder) as pid:
            begun = time.monotonic()
            _caught_up(told, pid)
            caught = cpu_seconds(pid), time.monotonic() - begun
            stopping = threading.Event()
            teller = threading.Thread(target=told.live, args=(stopping,), daemon=True)
            teller.start()
            try:
                stopping.wait(2 * INTERVAL)
                cpu, begun = cpu_seconds(pid), time.monotonic()
                print(f"judging live for {seconds:g} s …", flush=True)
                stopping.wait(seconds)
                share = (cpu_seconds(pid) - cpu) / (time.monotonic() - begun)
                memory = pss_mb(pid)
                print(f"{delays} breaches …", flush=True)
                waits = _delays(told, receiver, delays)
            finally:
                stopping.set()
                teller.join(30)
    told.store.close()
    worst = float(np.quantile(waits, 0.99))
    bar = HOLD + INTERVAL + 2
    series = sum(len(told.stories[i].tiers[tier][0].names) for i in range(SOURCES) for tier in told.stories[i].tiers)
    rows = [
        ("judging, share of a core", f"≤ {MOST_CPU:.0%}", f"{share:.2%}", _verdict(share <= MOST_CPU)),
        (f"memory of `trivet alert` after {hours:g} h, MB of PSS", "", f"{memory:.0f}", ""),
        (
            f"breach to message, s p99 (p50), of {len(waits)}",
            f"≤ hold {HOLD:g} + interval {INTERVAL:g} + 2",
            f"{worst:.1f} ({float(np.median(waits)):.1f})",
            _verdict(worst <= bar),
        ),
        (f"catching up on {hours:g} h ({polls:,} polls), CPU s (s)", "", f"{caught[0]:.1f} ({caught[1]:.0f})", ""),
    ]
    return rows, [f"{SOURCES} sources of {len(blocks)} kinds, {series:,} series, all rules, {seconds:g} s live."]


def _verdict(reached: bool) -> str:  # noqa: FBT001 - a table's word
    return "reached" if reached else "missed"


def _caught_up(told: Telling, pid: int) -> None:
    """Until it idles: everything that it missed is judged."""
    end = time.monotonic() + TAKES
    while time.monotonic() < end:
        before = cpu_seconds(pid)
        time.sleep(2.0)
        if cpu_seconds(pid) - before < 0.1 and Incidents(told.folder / "data").minds():
            return
    raise click.ClickException(f"not caught up: {(told.folder / 'alert.log').read_text()[-500:]}")


def _delays(told: Telling, receiver: Receiver, count: int) -> list[float]:
    """Seconds from the moment at which a source stops answering to the message that says so."""
    chance, waits, lock = random.Random(5), list[float](), threading.Lock()  # noqa: S311 - not a secret
    few = max(1, SOURCES // 2 - 1)

    def one(place: int) -> None:
        # Never more than half at once, or Trivet would say that it cannot see.
        name = told.names[place]
        for _ in range(-(-count // few)):
            time.sleep(chance.uniform(0.0, INTERVAL))
            told.down.add(name)
            begun = time.monotonic()
            heard = _heard(receiver, name, "firing")
            with lock:
                waits.append(heard - begun)
            told.down.discard(name)
            _heard(receiver, name, "resolved")

    threads = [threading.Thread(target=one, args=(place,)) for place in range(few)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def _heard(receiver: Receiver, name: str, status: str) -> float:
    """When a message came that says that of a source, of those from now on."""
    seen, end = len(receiver.got), time.monotonic() + 10 * INTERVAL
    with receiver.arrived:
        while True:
            for got in receiver.got[seen:]:
                for alert in json.loads(got.body)["alerts"]:
                    about = alert["labels"]["source"], alert["labels"]["alertname"], alert["status"]
                    if about == (name, "source_up", status):
                        return time.monotonic()
            seen = len(receiver.got)
            if not receiver.arrived.wait(max(0.0, end - time.monotonic())):
                raise click.ClickException(f"nobody was told that {name} is {status}")


@click.command()
@click.option("--hours", default=2.0, show_default=True, help="Hours of polls before it is measured.")
@click.option("--seconds", default=180.0, show_default=True, help="How long the judge is watched.")
@click.option("--delays", default=100, show_default=True, help="Breaches whose message is waited for.")
@click.option("--record/--no-record", default=True, show_default=True, help="Add the table to benchmarks/results.md.")
def main(hours: float, seconds: float, delays: int, record: bool) -> None:  # noqa: FBT001
    """Measure what judging costs, and how soon somebody is told."""
    place = ROOT / "var" / "benchmarks"
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="alerts-", dir=place))
    folder.chmod(0o711)
    try:
        rows, notes = measure(folder, hours, seconds, delays)
        header = f"{machine.described(folder)}\n{machine.versions({})}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    lines = [("what", "bar", "Trivet", "verdict"), ("---",) * 4, *rows]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    print(f"\n{header}\n\n{table}\n\n" + "\n".join(notes))
    if record:
        stamp = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        with Path(__file__).with_name("results.md").open("a", encoding="utf-8") as file:
            file.write(f"\n## {stamp}: alerts: {SOURCES} sources for {hours:g} h\n\n{header}\n\n{table}\n\n")
            file.writelines(f"- {note}\n" for note in notes)


if __name__ == "__main__":
    main()
