"""What a page needs to be rendered: plain values, put together once for the page and its fragments."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from alerts.board import Firing
from alerts.judge import OWN
from dashboards.amounts import amount
from dashboards.chart import ChartData, chart
from dashboards.drawing import Drawing, drawing
from dashboards.page import Page
from dashboards.scorecard import Scorecard, scorecard
from dashboards.sketch import Picture, picture
from dashboards.span import clock
from dashboards.survey import Survey
from dashboards.watched import Condition, headline, silence
from webapp.site import Alarms, Site

SHOWN = 60
"""Metrics of a layer are listed with the sum of their present values; of this many series, no single ones."""


@dataclass(frozen=True, slots=True)
class Card:
    """One chart as it stands before a script draws it."""

    data: ChartData
    note: str
    help: str
    empty: str
    picture: Picture
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Told:
    """One metric of a layer, and how much there is of it."""

    name: str
    kind: str
    help: str
    series: int
    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One page over one range."""

    page: Page
    survey: Survey
    card: Scorecard
    conditions: Sequence[Condition]
    troubled: Sequence[Condition]
    headline: str
    silence: str
    banner: str
    at: str
    waiting: bool
    missing: bool
    alarms: Alarms
    firing: Sequence[Firing]


def view(site: Site, page: Page, survey: Survey) -> View:
    """What a page says before its charts."""
    mine = [found for found in survey.conditions if found.watched.kind in page.layers]
    quiet = silence(survey.conditions, survey.span.end)
    return View(
        page=page,
        survey=survey,
        card=scorecard(survey, page.layers),
        conditions=mine,
        troubled=[found for found in mine if found.state == "down" or (found.state == "stale" and not quiet)],
        headline=headline(survey.conditions),
        silence=quiet,
        banner=site.banner(),
        at=clock(survey.span.end, not survey.span.live),
        waiting=bool(mine) and all(found.state == "awaited" for found in mine),
        missing=not mine,
        alarms=site.alarms(),
        firing=site.alarms().of({OWN, *(found.watched.name for found in mine)}),
    )


def cards(page: Page, survey: Survey, numbers: Sequence[int] | None = None) -> list[Card]:
    """The charts of a page, all or some of them."""
    return [_card(page, survey, number) for number in (range(len(page.panels)) if numbers is None else numbers)]


def _card(page: Page, survey: Survey, number: int) -> Card:
    panel = page.panels[number]
    drawn = drawing(survey, panel)
    near = [mark.value for mark in drawn.marks if not mark.far]
    shown = picture([stroke.values for stroke in drawn.strokes], near, drawn.unit != "ratio")
    return Card(
        data=chart(survey, drawn),
        note=panel.note,
        help=survey.catalog.forms[panel.forms[0]].help,
        empty=survey.catalog.forms[panel.forms[0]].absent or "No values in this range yet.",
        picture=shown,
        low=_end(shown.low, drawn),
        high=_end(shown.high, drawn),
    )


def _end(value: float | None, drawn: Drawing) -> str:
    """One end of a chart's scale."""
    return str(amount(value, drawn.unit, drawn.scale)) if drawn.strokes and value is not None else ""


def told(site: Site, page: Page) -> list[Told]:
    """Every metric that a page's layer declares, in use by a form or not yet."""
    counts: dict[str, int] = {}
    for name, _ in site.store.series():
        counts[name] = counts.get(name, 0) + 1
    names = [name for name, layer in site.catalog.layers.items() if layer in page.layers]
    return [_told(site, name, counts) for name in names if name in site.catalog.metrics]


def _told(site: Site, name: str, counts: dict[str, int]) -> Told:
    metric = site.catalog.metrics[name]
    stored = f"{name}_count" if metric.kind == "histogram" else name
    return Told(name, str(metric.kind), metric.help, counts.get(stored, 0), urlencode({"select": stored}))


def panels_of(site: Site) -> dict[str, str]:
    """On which page and in which panel a form is drawn: "redis#redis_hit_rate", by its name."""
    return {
        name: f"{page.name}#{panel.name}"
        for page in site.pages
        if page.whole
        for panel in page.panels
        for name in panel.forms
    }
