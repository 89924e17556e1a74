"""`python -m tests.collectors.exporting LIBRARY`: the page of a small app under a real library.

In a process of its own: two of the libraries register the same name in the one registry that they share.
The app has answered three times 200 to GET /items/…, once 503 to GET /bad.
"""

import sys
from collections.abc import Callable
from typing import Any

from tests.collectors.asgi import get

ASKED = ("/items/1", "/items/2", "/items/3", "/bad")


def flask() -> bytes:
    from flask import Flask
    from prometheus_flask_exporter import PrometheusMetrics

    app = Flask("shop")
    PrometheusMetrics(app, group_by="url_rule" if "url_rule" in sys.argv else "path")
    app.add_url_rule("/items/<number>", "item", lambda number: number)
    app.add_url_rule("/bad", "bad", lambda: ("no", 503))
    client = app.test_client()
    for path in ASKED:
        client.get(path)
    page: bytes = client.get("/metrics").data
    return page


def fastapi() -> bytes:
    from prometheus_fastapi_instrumentator import Instrumentator

    app = _starlette()
    instrumentator = Instrumentator(should_instrument_requests_inprogress=True).instrument(app)
    return _page(app, lambda: instrumentator.expose(app))


def starlette_exporter() -> bytes:
    from starlette_exporter import PrometheusMiddleware, handle_metrics

    app = _starlette()
    app.add_middleware(PrometheusMiddleware)
    return _page(app, lambda: app.add_route("/metrics", handle_metrics))


def starlette_prometheus() -> bytes:
    from starlette_prometheus import PrometheusMiddleware, metrics

    app = _starlette()
    app.add_middleware(PrometheusMiddleware)
    return _page(app, lambda: app.add_route("/metrics", metrics))


def _starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def item(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.path_params["number"])

    async def bad(_: Request) -> PlainTextResponse:
        return PlainTextResponse("no", 503)

    return Starlette(routes=[Route("/items/{number}", item), Route("/bad", bad)])


def _page(app: Any, expose: Callable[[], object]) -> bytes:
    expose()
    for path in ASKED:
        get(app, path)
    return get(app, "/metrics")[1]


if __name__ == "__main__":
    sys.stdout.buffer.write(globals()[sys.argv[1].replace("-", "_")]())
