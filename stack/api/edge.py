"""The WSGI layer around Flask: measures what goes through, and tells the client where the time went.

Outside Flask, so that it also counts what never reaches a view (404, 405, a crash). /metrics and /healthz are not
counted: the watchers' own visits are no traffic.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from stack.api import timings
from stack.api.measures import Measures

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]
UNCOUNTED = frozenset({"/metrics", "/healthz"})


class Edge:
    def __init__(self, inner: Wsgi, measures: Measures) -> None:
        self._inner = inner
        self._measures = measures

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in UNCOUNTED:
            return self._inner(environ, start_response)
        spent = timings.of(environ)
        # A 500 until the application says otherwise: an exception below is one.
        code = "500"

        def started(status: str, headers: Headers, *rest: Any) -> Any:
            nonlocal code
            code = status[:3]
            return start_response(status, [*headers, ("Server-Timing", spent.header())], *rest)

        self._measures.begin()
        begin = time.perf_counter()
        try:
            return self._inner(environ, started)
        finally:
            self._measures.end(environ["REQUEST_METHOD"], code, time.perf_counter() - begin, spent)
