"""A store in memory, and polls laid ten seconds apart whatever time they really took."""

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from collectors.collector import AnyCollector
from metrics.evaluate import Line, evaluate
from metrics.forms import AnyForm
from metrics.judge import judge
from metrics.model import SOURCE, Labels, Sample, Selector, labelled
from metrics.points import Points
from metrics.poll import Poll, Tier
from metrics.target import Bounds, Verdict
from metrics.watch import EPOCH

EVERY = 10.0
BASE = 1_700_000_000.0
PATIENCE = 5.0


def poll(collector: AnyCollector, tier: Tier = Tier.FAST, within: float = PATIENCE) -> Poll:
    found = collector.poll(tier, time.monotonic() + within)
    names = Counter((sample.metric, sample.labels) for sample in found.samples)
    assert not [name for name, count in names.items() if count > 1]
    return found


def values(found: Poll, metric: str) -> dict[Labels, float]:
    """A metric's samples by their labels."""
    return {sample.labels: sample.value for sample in found.samples if sample.metric == metric}


def value(found: Poll, metric: str, **labels: str) -> float:
    """The value of the one series with these labels."""
    return values(found, metric)[labelled(labels)]


class Memory:
    """Keeps polls; is what evaluate() reads from."""

    def __init__(self) -> None:
        self.now = BASE
        self._series: dict[tuple[str, Labels], list[tuple[float, float]]] = defaultdict(list)

    def take(self, collector: AnyCollector) -> None:
        """One poll of every tier, ten seconds after the last ones."""
        self.now += EVERY
        for tier in collector.tiers:
            found = poll(collector, tier)
            assert found.error is None
            self.keep(replace(found, at=self.now))

    def keep(self, found: Poll) -> None:
        epochs = [Sample(EPOCH.name, (("epoch", name),), mark) for name, mark in found.epochs.items()]
        for sample in [*found.samples, *epochs]:
            points = self._series[sample.metric, labelled({**dict(sample.labels), SOURCE: found.source})]
            if not points or points[-1][0] < found.at:
                points.append((found.at, sample.value))

    def __call__(self, selector: Selector, start: float, end: float) -> Sequence[Points]:
        found = []
        for (metric, labels), points in self._series.items():
            inside = [point for point in points if start <= point[0] <= end]
            if metric == selector.metric and inside and selector.accepts(dict(labels)):
                times, numbers = np.array(inside).T
                found.append(Points(dict(labels), times, numbers))
        return found

    def lines(self, form: AnyForm, window: float) -> dict[Labels, Line]:
        return {line.subject.labels: line for line in evaluate(form, self, np.array([self.now]), window)}

    def value(self, form: AnyForm, window: float = 300.0, **labels: str) -> float:
        """A form's value over the window that ends now; nan when it is unknown."""
        return float(self.lines(form, window)[labelled(labels)].values[-1])

    def verdict(self, form: AnyForm, **labels: str) -> Verdict:
        (found,) = [each for each in self.verdicts(form) if each.subject.labels == labelled(labels)]
        return found

    def verdicts(self, form: AnyForm) -> list[Verdict]:
        return judge(form, self, self.now, Bounds({}))
