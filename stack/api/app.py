"""The served API: Flask on a pool of PgBouncer connections and a Redis cache."""

import re
from dataclasses import dataclass
from typing import cast

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST

from stack.api import problems, timings, views
from stack.api.cache import Cache
from stack.api.database import Database
from stack.api.edge import Edge, Wsgi
from stack.api.measures import Measures
from stack.api.settings import Settings

# A definition of 1 MB is a mistake; a body is read into memory.
MAX_BODY_BYTES = 1_000_000


@dataclass(frozen=True)
class Parts:
    """What an app holds open, under app.extensions["stack"]."""

    database: Database
    cache: Cache
    measures: Measures

    def close(self) -> None:
        self.database.close()
        self.cache.close()


def create_app(settings: Settings) -> Flask:
    app = Flask(__name__, static_folder=None)
    # "//" in a path is a mistake, not a redirect: that would be the only answer in HTML.
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    parts = Parts(Database(settings), Cache(settings), Measures())
    app.extensions["stack"] = parts
    problems.register(app)
    app.register_blueprint(views.Views(parts.database, parts.cache, parts.measures).blueprint())
    app.add_url_rule("/healthz", view_func=lambda: views.health(parts.database, parts.cache), endpoint="healthz")
    app.add_url_rule(
        "/metrics",
        view_func=lambda: Response(parts.measures.page(), content_type=CONTENT_TYPE_LATEST),
        endpoint="metrics",
    )
    app.before_request(_note_route)
    _expect_routes(app, parts.measures)
    app.wsgi_app = Edge(cast(Wsgi, app.wsgi_app), parts.measures)  # type: ignore[method-assign]
    return app


def route_label(rule: str) -> str:
    """
    >>> route_label("/api/blueprints/<int(max=5):blueprint_id>")
    '/api/blueprints/<id>'
    """
    return re.sub("<[^>]*:blueprint_id>", "<id>", rule)


def _note_route() -> None:
    if request.url_rule is not None:
        timings.of(request.environ).route = route_label(request.url_rule.rule)


def _expect_routes(app: Flask, measures: Measures) -> None:
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                measures.expect(method, route_label(rule.rule))
