"""htmx, by way of htmx-flask, and what that (written for htmx 1) does not know of htmx 4.

- ``request.htmx.target`` and ``trigger`` are other headers now: neither is used here.
- ``HX-Request-Type: full`` and history restores want the whole page.
- Answers to one address differ by those headers, so Vary names them.
"""

from collections.abc import Callable

from flask import Response, make_response, render_template
from htmx_flask import request

from dashboards.survey import Survey
from webapp.site import LONGEST, site

VARY = ("HX-Request", "HX-Request-Type", "HX-History-Restore-Request")


def partial() -> bool:
    """Whether a fragment is wanted, not a page."""
    whole = request.headers.get("HX-Request-Type") == "full"
    return bool(request.htmx) and not request.htmx.history_restore_request and not whole


def answer(page: str, fragment: str, survey: Survey, name: str, values: Callable[[], dict[str, object]]) -> Response:
    """The fragment for htmx, the page that includes the very same template for everybody else.

    Rendered once for all who ask for the same part of the same survey.
    """
    template = fragment if partial() else page
    key = (template, name, survey.span.query, survey.span.end)
    return tagged(make_response(site().texts.get(key, LONGEST, lambda: render_template(template, **values()))))


def tagged(response: Response) -> Response:
    """With an ETag, and as 304 when the browser has it already."""
    response.vary.update(VARY)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response
