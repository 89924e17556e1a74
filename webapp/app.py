"""create_app: the pages, given a store, what is declared and what is watched."""

import sqlite3
import time
from collections.abc import Callable, Sequence

from flask import Flask, Response, g
from htmx_flask import Htmx

from alerts.board import Board
from dashboards.page import LAYERS
from dashboards.span import CHOICES, iso
from dashboards.survey import Events, no_events
from dashboards.watched import Watched
from metrics.catalog import Catalog
from metrics.poll import Event
from metrics.target import Bounds
from storage.files import StoreError
from storage.state import StateStore
from storage.store import Reader
from webapp import alerts, alerts_api, api, assets, errors, events, health, pages, status
from webapp.filters import FILTERS
from webapp.packing import packed
from webapp.security import Prefixed, guard
from webapp.site import Site, nothing
from webapp.tokens import Gate


def create_app(
    *,
    store: Reader,
    catalog: Catalog,
    sources: Sequence[Watched],
    bounds: Bounds | None = None,
    banner: Callable[[], str] = nothing,
    allowed_hosts: Sequence[str] = (),
    url_prefix: str = "",
    journal: StateStore | None = None,
    board: Board | None = None,
    token: str = "",
    clock: Callable[[], float] = time.time,
    version: str = "",
) -> Flask:
    """The Flask app.

    store          any store; it is only read
    sources        what is configured, in the order of the file
    banner         a sentence for the top of every page, asked for each time; empty for none
    allowed_hosts  names beside loopback under which the app may be asked for
    url_prefix     the path under which a proxy serves it
    journal        what happened; written to by whoever has the token
    board          what is known of alerts; pages without one say nothing of them
    token          that of POST; nobody may post when empty
    """
    app = Flask(__name__, static_folder=None)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    Htmx(app)
    here = Site(
        store=store,
        catalog=catalog,
        sources=tuple(sources),
        bounds=bounds or Bounds({}),
        banner=banner,
        events=_events(journal, board),
        journal=journal,
        board=board,
        gate=Gate(token),
        clock=clock,
        version=version,
    )
    app.extensions["trivet"] = here
    guard(app, allowed_hosts)
    _count(app, here)
    for module in (pages, assets, api, status, health, events, alerts, alerts_api):
        app.register_blueprint(module.blueprint)
    errors.handle(app)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(asset=here.assets.url, site=here, layers=LAYERS, choices=CHOICES, iso=iso)
    if url_prefix.strip("/"):
        app.wsgi_app = Prefixed(app.wsgi_app, url_prefix)  # type: ignore[method-assign]
    return app


def _events(journal: StateStore | None, board: Board | None) -> Events:
    """What happened, and what fired meanwhile."""
    if board is None:
        return journal.events if journal else no_events
    told = journal.events if journal else no_events

    def both(start: float, end: float) -> Sequence[Event]:
        try:
            return [*told(start, end), *board.events(start, end)]
        except (sqlite3.Error, StoreError, OSError):
            # Every page says that state.db cannot be read; the charts are there without it.
            return ()

    return both


def _count(app: Flask, here: Site) -> None:
    """Time every request; pack its answer last, so that every other hook sees the text."""

    @app.before_request
    def begin() -> None:
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        here.settle()
        here.traffic.add(response.status_code, time.perf_counter() - g.get("begun", time.perf_counter()))
        return packed(response)
