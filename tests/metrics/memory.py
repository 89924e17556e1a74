"""Series in memory: a `Read` for tests, and the text that other engines import."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from metrics.model import SOURCE, Selector, labelled
from metrics.points import Points


class Memory:
    """Values by metric, source and labels."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, tuple[tuple[str, str], ...]], dict[float, float]] = {}

    def add(self, metric: str, source: str, values: Mapping[float, float], **labels: str) -> None:
        """More values of one series."""
        key = (metric, labelled({**labels, SOURCE: source}))
        self.data.setdefault(key, {}).update(values)

    def without(self, start: float, end: float) -> "Memory":
        """The same without the samples in (start, end]."""
        rest = Memory()
        for key, values in self.data.items():
            rest.data[key] = {at: value for at, value in values.items() if not start < at <= end}
        return rest

    def __call__(self, selector: Selector, start: float, end: float) -> Sequence[Points]:
        return [
            Points(dict(labels), np.array(times), np.array([values[at] for at in times]))
            for (metric, labels), values in sorted(self.data.items())
            if metric == selector.metric and selector.accepts(dict(labels))
            if (times := sorted(at for at in values if start <= at <= end))
        ]

    def lines(self, at0: float) -> Iterator[str]:
        """Prometheus text with timestamps; ``at0`` is where time 0 of the values lies, in seconds of the epoch."""
        for (metric, labels), values in self.data.items():
            inner = ",".join(f'{name}="{value}"' for name, value in labels)
            for at, value in values.items():
                yield f"{metric}{{{inner}}} {value!r} {round((at0 + at) * 1000)}"
