"""Polls an API by its page of metrics."""

from collectors.api import metrics
from collectors.api.families import families, lacking, suggested, taken
from collectors.api.http import Page
from collectors.api.newborn import Newborn
from collectors.api.reader import Reader, started
from collectors.api.routes import Routes
from collectors.api.source import DECLARED, ApiSource
from collectors.collector import Capabilities, Collector
from collectors.failed import Failed
from collectors.round import Round
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
        found = self._samples(self._text(deadline))
        round_.heard()
        start = started(found, metrics.started.name)
        kept, round_.left_out = self._routes.capped(found, start)
        round_.samples += self._newborn.zeroed(kept, start)
        if start is not None:
            round_.epochs[metrics.EPOCH] = start

    def examine(self, deadline: float) -> Capabilities:
        """Which families are there, and under which names."""
        text = self._text(deadline)
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

    def _text(self, deadline: float) -> str:
        assert self._page is not None  # noqa: S101 - connect() came first
        return self._page.get(deadline)

    def _samples(self, text: str) -> list[Sample]:
        try:
            found = self._reader.samples(text)
        except ValueError as error:
            raise Failed(ErrorClass.BAD_REPLY, str(error)) from None
        if any(sample.metric != metrics.started.name for sample in found):
            return found
        names = [name for name in DECLARED if name != metrics.started.name]
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
