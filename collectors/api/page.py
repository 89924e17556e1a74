"""A page of Prometheus text or OpenMetrics, taken apart line by line.

What a line's name and labels mean is asked once and remembered by the text they are written with: they are the same
in every page, and taking them apart is what costs. Names are those of the lines: prometheus_client would add _total
to counters without it. Exemplars and timestamps are passed over: a sample is of the time of its poll.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Generic, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from metrics.model import Labels, labelled

MOST_HEADS = 50_000
BOM = "\ufeff"
_DECLARED = re.compile(r"^\ufeff?\s*#\s+(?:TYPE|HELP)\s+([^\s]+)", re.MULTILINE)
_WORD = re.compile(r"\s*\S*")
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
        self._heads: dict[str, tuple[int, T]] = {}
        self._numbers: dict[tuple[str, Labels], int] = {}
        self._next = count()
        self.odd: list[str] = []
        self.doubled: list[str] = []

    def values(self, text: str) -> Iterator[tuple[T, float]]:
        """What each line of a wanted name stands for, and its value.

        A line that cannot be read costs itself: it is in ``odd`` afterwards, with why. The first line of a series
        counts; those of its others are in ``doubled``.
        """
        heads = self._heads
        seen: set[int] = set()
        self.odd, self.doubled = [], []
        for line in text.removeprefix(BOM).split("\n"):
            # A brace may belong to an exemplar, whose sign may stand in a label: those are looked at closely.
            brace = _close(line) if "#" in line else line.rfind("}") + 1
            head = line[:brace] if brace else _WORD.match(line)[0]  # type: ignore[index]  # it may be empty
            known = heads.get(head)
            if known is None:
                name = _name(head)
                if not name or not self._wanted(name):
                    continue
                try:
                    known = self._learn(head)
                except ValueError as error:
                    self.odd.append(str(error))
                    continue
            rest = line[len(head) :]
            try:
                value = float(rest.split(None, 1)[0])
            except (ValueError, IndexError):
                self.odd.append(f"{head[:80]!r} has no value but {rest[:80]!r}")
                continue
            number, stands_for = known
            if number in seen:
                self.doubled.append(head.strip())
            else:
                seen.add(number)
                yield stands_for, value

    def _learn(self, head: str) -> tuple[int, T]:
        name, labels = series(head)
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
            self._numbers.clear()
        # A series is the same in whatever order its labels stand.
        number = self._numbers.setdefault((name, labelled(labels)), next(self._next))
        return self._heads.setdefault(head, (number, self._choose(name, labels)))


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


def declared(text: str) -> set[str]:
    """The names that a page has a TYPE or HELP for, whether or not there are samples of them."""
    return {found[1] for found in _DECLARED.finditer(text)}
