"""Counters that appear while the API runs, with their first error or their first cache hit.

A rise needs two samples, so all that a new series counted up to its first sample would be lost, and the first
burst of errors with it. But it is known that such a series stood at zero when the page before was read without it:
it is given as zero once, and what it counted counts one interval later.
"""

from collections.abc import Sequence

from metrics.model import Labels, Sample

_COUNTED = ("_total", "_bucket", "_count", "_sum")

Name = tuple[str, Labels]


class Newborn:
    """Remembers which counters the last page had."""

    def __init__(self) -> None:
        """No page was read yet."""
        self._known: set[Name] | None = None
        self._epoch: float | None = None
        self._empty = False

    def zeroed(self, samples: Sequence[Sample], epoch: float | None) -> list[Sample]:
        """The samples, with zero for counters that the last page of the same run did not have.

        Without an epoch a restart cannot be told from a late first request, so nothing is touched.

        >>> newborn, old, new = Newborn(), Sample("a_total", (), 5.0), Sample("b_total", (), 3.0)
        >>> [[s.value for s in newborn.zeroed(page, 1.0)] for page in ([old], [old, new], [old, new])]
        [[5.0], [5.0, 0.0], [5.0, 3.0]]
        """
        known = self._known if self._empty or (epoch is not None and epoch == self._epoch) else None
        # Whoever had counted nothing at all had counted nothing of what is new either, restarted or not.
        self._empty = not any(sample.metric.endswith(_COUNTED) for sample in samples)
        counted = {(sample.metric, sample.labels) for sample in samples if sample.metric.endswith(_COUNTED)}
        self._known, self._epoch = counted, epoch
        if known is None:
            return list(samples)
        born = counted - known
        return [sample._replace(value=0.0) if (sample.metric, sample.labels) in born else sample for sample in samples]
