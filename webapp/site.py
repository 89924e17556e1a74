"""What the routes share: the store, what is declared and watched, and a short memory of what was computed."""

import sqlite3
import time
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from flask import current_app, request

from alerts.board import Board, Firing, Trouble
from dashboards.memory import Memory
from dashboards.page import Page
from dashboards.pages import shipped
from dashboards.span import Span, parse
from dashboards.survey import Events, Survey, no_events
from dashboards.watched import Watched
from metrics.catalog import Catalog
from metrics.target import Bounds
from storage.files import StoreError
from storage.state import StateStore
from storage.store import Reader
from webapp.assets import Assets
from webapp.forms import Forms
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """What every page says of alerts: those that fire and are told, what is wrong with alerting, and dead letters."""

    firing: Sequence[Firing] = ()
    troubles: Sequence[Trouble] = ()
    dead: int = 0

    def of(self, sources: Container[str]) -> list[Firing]:
        """Those of some sources."""
        return [each for each in self.firing if each.incident.source in sources]


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
    board: Board | None = None
    gate: Gate = field(default_factory=lambda: Gate(""))
    forms: Forms = field(default_factory=Forms)
    clock: Callable[[], float] = time.time
    version: str = ""
    assets: Assets = field(default_factory=Assets)
    traffic: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self._surveys: Memory[Survey] = Memory(self.clock, size=Survey.bytes)
        self._alarms: Memory[Alarms] = Memory(self.clock, most=1, size=lambda _: 1)
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

    def alarms(self) -> "Alarms":
        """What every page says of alerts, shared by all who ask at about the same time."""
        return self._alarms.get("", KEEP, self._alarming)

    def _alarming(self) -> "Alarms":
        if self.board is None:
            return Alarms()
        longest = max((watched.interval for watched in self.sources), default=10.0)
        try:
            firing = [each for each in self.board.firing() if not each.quiet]
            return Alarms(firing=firing, troubles=self.board.troubles(longest), dead=self.board.dead())
        except (sqlite3.Error, StoreError, OSError) as error:
            text = f"state.db cannot be read: {error}."
            return Alarms(troubles=[Trouble(title="What fires is not known:", text=text)])

    def settle(self) -> None:
        """After a request: what it used may have grown."""
        self._surveys.bound()

    def asked(self) -> Survey:
        """The survey of the range that the request's address names; SpanError when it names none."""
        return self.survey(parse(request.args, self.clock()))


def site() -> Site:
    """The site of the running app."""
    return cast(Site, current_app.extensions["trivet"])
