"""Polls an API by its page of metrics."""

from collections.abc import Sequence

from collectors.api import metrics
from collectors.api.families import families, lacking, suggested, taken
from collectors.api.http import Answer, Page
from collectors.api.newborn import Newborn
from collectors.api.reader import Reader, started
from collectors.api.routes import Routes
from collectors.api.source import DECLARED, ApiSource
from collectors.api.workers import HINT, TEXT, Workers
from collectors.collector import Capabilities, Collector
from collectors.failed import Disconnected, Failed
from collectors.findings import LINGER
from collectors.round import Round
from collectors.sieve import DOUBLED, UNREADABLE
from metrics.finding import ANY
from metrics.model import Sample
from metrics.poll import ErrorClass


class ApiCollector(Collector[ApiSource]):
    """One GET."""

    def __init__(self, source: ApiSource) -> None:
        """Nothing is connected yet."""
        super().__init__(source)
        self._page: Page | None = None
        self._rules = source.rules()
        self._reader = Reader(self._rules)
        self._routes = Routes(source.max_series)
        self._newborn = Newborn()
        self._workers = Workers()
        self._names: set[str] = set()
        self._fewer: set[str] = set()

    def connect(self, deadline: float) -> None:
        """TCP, and TLS for https."""
        self._page = Page(self.source, deadline)

    def disconnect(self) -> None:
        """Close it."""
        if self._page is not None:
            self._page.close()
            self._page = None

    def read(self, round_: Round, deadline: float) -> None:
        """The families of the page that are ours or mapped to ours."""
        answer = self._get(deadline)
        found = self._samples(answer.text)
        self._check_ends(answer, found)
        round_.heard()
        self._say(round_)
        start = started(found, metrics.started.name)
        if self._workers.look(found, start):
            # Which process speaks is chance: none of its numbers is the API's.
            round_.finding("several_processes", TEXT, HINT, metric=ANY)
            # A connection that is kept may stay with one of them for long.
            self.close()
            return
        kept, round_.left_out = self._routes.capped(found, start)
        round_.samples += self._newborn.zeroed(kept, start)
        if start is not None:
            round_.epochs[metrics.EPOCH] = start

    def _check_ends(self, answer: Answer, found: Sequence[Sample]) -> None:
        """A page without a length that lacks what it had may have been cut. Raises Failed, but not twice for the same.

        An API that began anew lacks it, too, and goes on lacking it.
        """
        names = {sample.metric for sample in found}
        lost = self._names - names
        if lost and not answer.whole and names != self._fewer:
            self._fewer = names
            text = f"the page may have ended early: it has no {', '.join(sorted(lost)[:3])} any more"
            raise Disconnected(ErrorClass.BAD_REPLY, text, "Let the server send Content-Length.")
        self._names, self._fewer = names, set()

    def _say(self, round_: Round) -> None:
        """What was odd about single lines."""
        if odd := self._reader.odd:
            more = f" So could {len(odd) - 1} more." if len(odd) > 1 else ""
            round_.finding("lines", f"A line cannot be read: {odd[0]}.{more}", linger=LINGER)
            round_.refused(UNREADABLE, len(odd))
        if doubled := self._reader.doubled:
            more = f", and {len(doubled) - 1} more" if len(doubled) > 1 else ""
            text = f"The page has {doubled[0][:200]} more than once{more}: the first of them counts."
            round_.finding("doubled", text, "Publish each series once: it is registered twice.", linger=LINGER)
            round_.refused(DOUBLED, len(doubled))

    def examine(self, deadline: float) -> Capabilities:
        """Which families are there, and under which names."""
        text = self._get(deadline).text
        found = self._samples(text)
        start = started(found, metrics.started.name)
        there = families(text)
        names = f"names of {self.source.preset}" if self.source.preset else "our own names"
        return Capabilities(
            version=f"{_format(text)}, {names}: {'; '.join(taken(self._rules, there, found))}",
            role="api",
            epochs={} if start is None else {metrics.EPOCH: start},
            lacking=(*suggested(self.source.preset, self._rules, there), *lacking(found)),
        )

    def _get(self, deadline: float) -> Answer:
        assert self._page is not None  # noqa: S101 - connect() came first
        return self._page.get(deadline)

    def _samples(self, text: str) -> list[Sample]:
        found = self._reader.samples(text)
        own = metrics.started.name
        if any(sample.metric != own for sample in found) or self._reader.declares(text, own):
            return found
        if self._reader.odd:
            raise Failed(ErrorClass.BAD_REPLY, self._reader.odd[0])
        names = [name for name in DECLARED if name != own]
        raise Failed(ErrorClass.MISSING, f"the page has none of {', '.join(names)}", self._hint(text))

    def _hint(self, text: str) -> str:
        try:
            suggestions = suggested(self.source.preset, self._rules, families(text))
        except ValueError:
            return "Set url to the page of metrics: this is none."
        if suggestions:
            return f"Set {suggestions[0].mend}: {suggestions[0].why}."
        return "Name its families as docs/api-metrics.md says, or set preset or [source.mapping]."


def _format(text: str) -> str:
    return "OpenMetrics" if text.rstrip().endswith("# EOF") else "Prometheus text"
