"""A page of Prometheus text or OpenMetrics, taken apart line by line.

What a line's name and labels mean is asked once and remembered by the text they are written with: they are the same
in every page, and taking them apart is what costs. Names are those of the lines: prometheus_client would add _total
to counters without it. Exemplars and timestamps are passed over: a sample is of the time of its poll.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from prometheus_client.parser import text_string_to_metric_families

MOST_HEADS = 50_000
_HEAD = re.compile(r'\s*(?:[^\s{]+\s*)?(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?')

T = TypeVar("T")
Choose = Callable[[str, Mapping[str, str]], T]


class Parser(Generic[T]):
    """Reads page after page of one source.

    >>> parser = Parser(lambda name: name == "x_total", lambda name, labels: labels["code"])
    >>> list(parser.values('# TYPE x_total counter\\nx_total{code="200"} 2 # {id="7}"} 1\\ny 1'))
    [('200', 2.0)]
    """

    def __init__(self, wanted: Callable[[str], bool], choose: Choose[T]) -> None:
        """``wanted`` says whether a name matters, ``choose`` what a name with labels stands for."""
        self._wanted, self._choose = wanted, choose
        self._heads: dict[str, T] = {}

    def values(self, text: str) -> Iterator[tuple[T, float]]:
        """What each line of a wanted name stands for, and its value. Raises ValueError when one cannot be read."""
        heads = self._heads
        for line in text.split("\n"):
            # A brace may belong to an exemplar, whose sign may stand in a label: those are looked at closely.
            brace = _close(line) if "#" in line else line.rfind("}") + 1
            head = line[:brace] if brace else line.partition(" ")[0]
            known = heads.get(head)
            if known is None:
                name = _name(head)
                if not name or not self._wanted(name):
                    continue
                known = self._learn(head)
            rest = line[len(head) :]
            try:
                yield known, float(rest.split(None, 1)[0])
            except (ValueError, IndexError):
                raise ValueError(f"{head[:80]!r} has no value but {rest[:80]!r}") from None

    def _learn(self, head: str) -> T:
        name, labels = series(head)
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        return self._heads.setdefault(head, self._choose(name, labels))


def series(head: str) -> tuple[str, dict[str, str]]:
    """Name and labels of a line, without its value. Raises ValueError."""
    try:
        (family,) = text_string_to_metric_families(f"{head.strip()} 0")
        (sample,) = family.samples
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"{head[:80]!r} cannot be read: {error}") from None
    return sample.name, sample.labels


def _close(line: str) -> int:
    """Where name and labels end; 0 for a comment, and for what has no labels."""
    if line.lstrip().startswith("#"):
        return 0
    found = _HEAD.match(line)
    return found.end() if found and found[0].endswith("}") else 0


def _name(head: str) -> str:
    """The name of a line: what stands before its labels, or quoted as the first of them; "" for a comment."""
    name = head.partition("{")[0].strip()
    if name or not head:
        return "" if name.startswith("#") else name
    quoted = re.match(r'\s*\{\s*"((?:[^"\\]|\\.)*)"', head)
    return quoted[1] if quoted else ""
