"""Pages of one source as samples of ours."""

import math
from collections.abc import Iterable, Sequence

from collectors.api.page import Parser, declared
from collectors.api.rules import Part, Rule, Rules
from metrics.model import Labels, Sample

Name = tuple[str, int, str, Labels]
ENDS = ("", "_total", "_bucket", "_count", "_sum")
"""What a family's name may have behind it on the lines of its samples."""


class Reader:
    """Reads page after page. Of several families that could feed a metric, one is kept to while it is there.

    Else a family that comes with its first request would take the place of another, whose counters are elsewhere.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        """Families that no rule names are passed over."""
        named = Rules(rules)
        self._wants = named.wants
        self._parser: Parser[tuple[Part, ...]] = Parser(named.wants, named.parts)
        self._kept: dict[str, int] = {}

    def samples(self, text: str) -> list[Sample]:
        """Samples of our metrics, summed over labels that are not taken; lines that cannot be read are in ``odd``.

        >>> from metrics.model import Kind, Metric, Unit
        >>> from collectors.api.rules import own
        >>> m = Metric(name="x_total", kind=Kind.COUNTER, unit=Unit.COUNT, help="X.", labels=("code",))
        >>> page = '# TYPE x_total counter\\nx_total{code="200",pod="a"} 2\\nx_total{code="200",pod="b"} 3\\ny 1'
        >>> Reader([own(m)]).samples(page)
        [Sample(metric='x_total', labels=(('code', '200'),), value=5.0)]
        """
        sums: dict[Part, float] = {}
        for parts, value in self._parser.values(text):
            for part in parts:
                sums[part] = sums.get(part, 0.0) + value
        self._keep(sums)
        found: dict[tuple[str, Labels], float] = {}
        for part, value in sums.items():
            if part.rank == self._kept[part.into]:
                key = part.series, part.labels
                found[key] = found.get(key, 0.0) + value * part.scale
        return [Sample(series, labels, value) for (series, labels), value in found.items()]

    @property
    def odd(self) -> Sequence[str]:
        """Why lines of the last page cost themselves."""
        return self._parser.odd

    @property
    def doubled(self) -> Sequence[str]:
        """Series that the last page had more than once."""
        return self._parser.doubled

    def declares(self, text: str, but: str) -> bool:
        """Whether a page speaks of one of our families but one, with samples of it or without."""
        return any(self._wants(f"{name}{end}") for name in declared(text) - {but} for end in ENDS)

    def _keep(self, sums: Iterable[Part]) -> None:
        there: dict[str, set[int]] = {}
        for part in sums:
            there.setdefault(part.into, set()).add(part.rank)
        self._kept = {
            name: self._kept[name] if self._kept.get(name) in ranks else min(ranks) for name, ranks in there.items()
        }


def started(found: Sequence[Sample], name: str) -> float | None:
    """The value of the metric that says when the process started."""
    return next((sample.value for sample in found if sample.metric == name and math.isfinite(sample.value)), None)
