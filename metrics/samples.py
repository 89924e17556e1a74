"""The samples of a poll, in runs whose keys come again in every poll: they are made once, and soon compared."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from metrics.model import Labels, Sample


@dataclass(frozen=True, slots=True)
class Keys:
    """Metrics and labels of samples that come together. To be made once and given again."""

    metrics: tuple[str, ...]
    labels: tuple[Labels, ...]

    def __len__(self) -> int:
        return len(self.metrics)


class Samples(Sequence[Sample]):
    """Grows at its end.

    >>> samples = Samples([Sample("a", (), 1.0)])
    >>> samples.put(Keys(("b", "c"), ((), ())), [2.0, 3.0])
    >>> len(samples), [sample.value for sample in samples], samples[-1].metric
    (3, [1.0, 2.0, 3.0], 'c')
    """

    __slots__ = ("_numbers", "runs", "values")

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        """A copy of some, or none."""
        self.runs: list[Keys] = []
        self.values: list[float] = []
        self._numbers: NDArray[np.float64] | None = None
        if samples:
            self.extend(samples)

    def put(self, keys: Keys, values: Iterable[float]) -> None:
        """Add a run: a value for each of its keys."""
        self.runs.append(keys)
        self.values += values

    def append(self, sample: Sample) -> None:
        """Add one."""
        self.put(Keys((sample.metric,), (sample.labels,)), (sample.value,))

    def extend(self, samples: Iterable[Sample]) -> None:
        """Add some."""
        if samples.__class__ is Samples:
            self.runs += samples.runs
            self.values += samples.values
            if len(samples.values) == len(self.values):
                self._numbers = samples._numbers  # noqa: SLF001 - of its own kind
        elif given := list(samples):
            metrics, labels, values = zip(*given, strict=True)
            self.put(Keys(metrics, labels), values)

    def __iadd__(self, samples: Iterable[Sample]) -> "Samples":
        self.extend(samples)
        return self

    def numbers(self) -> NDArray[np.float64]:
        """All values, not to be changed; made anew only when some were added."""
        known = self._numbers
        if known is None or len(known) != len(self.values):
            # Half as long as np.array takes.
            known = self._numbers = np.frombuffer(struct.pack(f"{len(self.values)}d", *self.values), dtype=np.float64)
        return known

    def series(self) -> Iterator[tuple[str, Labels]]:
        """Metric and labels of each."""
        for keys in self.runs:
            yield from zip(keys.metrics, keys.labels, strict=True)

    def clear(self) -> None:
        """Forget all."""
        self._numbers = None
        self.runs.clear()
        self.values.clear()

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Sample]:
        for (metric, labels), value in zip(self.series(), self.values, strict=True):
            yield Sample(metric, labels, value)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...

    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # it grows
