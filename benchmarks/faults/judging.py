"""The product's own engine and sender in this process, with a clock that is set by hand and a real HTTP receiver."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from alerts.channels.webhook import Webhook
from alerts.engine import Engine, Setup
from alerts.facts import Teller
from alerts.judge import Now, Subjects
from alerts.pulse import Pulse
from alerts.rule import rules_of
from alerts.sender import Sender, Settings
from metrics import watch
from metrics.alerting import Alerting
from metrics.catalog import Catalog
from metrics.forms import Level, Ratio
from metrics.model import Kind, Metric, Sample, Unit, labelled
from metrics.poll import Poll, Tier
from metrics.target import at_least, at_most
from storage.deliveries import Deliveries
from storage.incidents import Incidents
from storage.series import SeriesStore
from tests.alerts.receivers import receiving

INTERVAL = 10.0
START = 1_767_225_600.0
LOOPBACK = Settings(networks=("127.0.0.0/8",))
WAITING = Metric(name="waiting", kind=Kind.GAUGE, unit=Unit.COUNT, help="W.")
HITS = Metric(name="hits_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="H.", epoch="run")
MISSES = Metric(name="misses_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="M.", epoch="run")
QUEUE = Level(name="queue", title="Queue", help="Q.", of=[WAITING], alert=at_most(0, hold="0s", keep="20s"))
HIT_RATE = Ratio(
    name="hit_rate",
    title="Hit rate",
    help="H.",
    part=[HITS],
    whole=[HITS, MISSES],
    target=at_least(0.8, window="1m", hold="30s", keep="20s", traffic=10),
)
FORMS = (QUEUE, HIT_RATE, watch.source_up)


class Judging:
    """Two sources that are polled when it is said; of one of them everything is well."""

    def __init__(self, folder: Path, url: str, timeout: str = "5s") -> None:
        """Nothing was polled yet."""
        self.folder, self.url, self.said = folder, url, list[str]()
        self.wall, self.clock, self.boot = START, 1000.0, 1
        self.hits = self.misses = 0.0
        self.polls, self.judged = SeriesStore(folder), SeriesStore(folder / "judged")
        self.incidents, self.queue = Incidents(folder), Deliveries(folder)
        self.channel = Webhook(name="hook", url=url, timeout=timeout)
        self.pulse = Pulse(folder, lambda: self.clock)
        self.sender = Sender([self.channel], self.queue, LOOPBACK, self.said.append)
        self.engine = self._engine()

    def _engine(self) -> Engine:
        layers = {form.name: "trivet" if form is watch.source_up else "cache" for form in FORMS}
        made = rules_of(Catalog({}, {form.name: form for form in FORMS}, {}, layers, {}))
        setup = Setup(
            rules=made,
            sources=[Subjects(name=name, kind="cache", interval=INTERVAL) for name in ("cache", "other")],
            channels=[self.channel],
            settings=Alerting(group="0s", repeat="0s"),
            teller=Teller(rules=made, form_value=lambda _, value: f"{value}", form_bound=lambda *_: ""),
            tags={},
            behind={},
        )
        return Engine(
            self.folder,
            self.judged,
            setup,
            self.said.append,
            pulse=self.pulse,
            wake=self.sender.wake,
            clock=lambda: Now(self.wall, f"boot {self.boot}", self.clock),
        )

    def passes(self, seconds: float) -> None:
        """Time does."""
        self.wall += seconds
        self.clock += seconds

    def restart(self, *, boots: bool = False) -> None:
        """Another engine over the same files, perhaps after a start of the machine."""
        self.engine.close()
        if boots:
            self.boot, self.clock = self.boot + 1, 5.0
        self.engine = self._engine()

    def poll(self, source: str, *, good: bool = True, up: bool = True, bare: bool = False) -> None:
        """One, without its values when it is bare."""
        samples = [
            Sample(watch.UP.name, (), float(up)),
            Sample(watch.POLL_INTERVAL.name, labelled({"tier": "fast"}), INTERVAL),
        ]
        if source == "cache":
            self.hits, self.misses = self.hits + 100 * good, self.misses + 100 * (not good)
        if up and not bare:
            samples += [
                Sample("waiting", (), float(not good)),
                Sample("hits_total", (), self.hits if source == "cache" else self.wall),
                Sample("misses_total", (), self.misses if source == "cache" else 0.0),
            ]
        epochs = {"run": 1.0} if up else {}
        self.polls.append(
            Poll(source=source, tier=Tier.FAST, at=self.wall, duration=0.0, up=up, epochs=epochs, samples=samples)
        )

    def turn(self, *, good: bool = True) -> bool:
        """Ten seconds, in which both are polled; whether the pass was whole."""
        self.passes(INTERVAL)
        for source in ("cache", "other"):
            self.poll(source, good=good or source == "other")
        return self.engine.once()

    def close(self) -> None:
        """Let go of everything."""
        self.sender.stop()
        self.engine.close()
        self.polls.close()
        self.judged.close()


@contextlib.contextmanager
def judging(folder: Path, timeout: str = "5s") -> Iterator[Judging]:
    """With a receiver of its own."""
    with receiving() as receiver:
        made = Judging(folder, receiver.url, timeout)
        try:
            yield made
        finally:
            made.close()
