"""create_app: the pages, given a store, what is declared and what is watched."""

import time
from collections.abc import Callable, Sequence

from flask import Flask, Response, g
from htmx_flask import Htmx

from dashboards.page import LAYERS
from dashboards.span import CHOICES, iso
from dashboards.survey import no_events
from dashboards.watched import Watched
from metrics.catalog import Catalog
from metrics.target import Bounds
from storage.state import StateStore
from storage.store import Reader
from webapp import api, assets, errors, events, health, pages, status
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
        events=journal.events if journal else no_events,
        journal=journal,
        gate=Gate(token),
        clock=clock,
        version=version,
    )
    app.extensions["trivet"] = here
    guard(app, allowed_hosts)
    _count(app, here)
    for module in (pages, assets, api, status, health, events):
        app.register_blueprint(module.blueprint)
    errors.handle(app)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(asset=here.assets.url, site=here, layers=LAYERS, choices=CHOICES, iso=iso)
    if url_prefix.strip("/"):
        app.wsgi_app = Prefixed(app.wsgi_app, url_prefix)  # type: ignore[method-assign]
    return app


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
