"""What the routes share: the store, what is declared and watched, and a short memory of what was computed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from flask import current_app, request

from dashboards.memory import Memory
from dashboards.page import Page
from dashboards.pages import shipped
from dashboards.span import Span, parse
from dashboards.survey import Events, Survey, no_events
from dashboards.watched import Watched
from metrics.catalog import Catalog
from metrics.target import Bounds
from storage.state import StateStore
from storage.store import Reader
from webapp.assets import Assets
from webapp.tokens import Gate
from webapp.traffic import Traffic

KEEP = 2.0
"""Seconds for which viewers share one computation: shorter than any interval of collection."""
LONGEST = 30.0
TEXTS = 16 * 2**20
"""Bytes of finished answers that are kept."""


def nothing() -> str:
    """No banner."""
    return ""


@dataclass(kw_only=True)
class Site:
    """Everything that create_app was given."""

    store: Reader
    catalog: Catalog
    sources: Sequence[Watched]
    bounds: Bounds
    banner: Callable[[], str] = nothing
    events: Events = no_events
    journal: StateStore | None = None
    gate: Gate = field(default_factory=lambda: Gate(""))
    clock: Callable[[], float] = time.time
    version: str = ""
    assets: Assets = field(default_factory=Assets)
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self._surveys: Memory[Survey] = Memory(self.clock, size=Survey.bytes)
        self.texts: Memory[str] = Memory(self.clock, most=24, size=len, most_bytes=TEXTS)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages, in reading order."""
        return shipped(self.catalog)

    def page(self, name: str) -> Page | None:
        """One page by its name."""
        return next((page for page in self.pages if page.name == name), None)

    def survey(self, span: Span) -> Survey:
        """The survey of a range, shared by all who ask for it at about the same time; long ranges change slowly."""
        return self._surveys.get(
            span.query,
            min(LONGEST, max(KEEP, span.step / 20)),
            lambda: Survey(self.store, self.catalog, self.sources, self.bounds, span, self.events),
        )

    def settle(self) -> None:
        """After a request: what it used may have grown."""
        self._surveys.bound()

    def asked(self) -> Survey:
        """The survey of the range that the request's address names; SpanError when it names none."""
        return self.survey(parse(request.args, self.clock()))


def site() -> Site:
    """The site of the running app."""
    return cast(Site, current_app.extensions["trivet"])
