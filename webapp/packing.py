"""Text answers packed on their way out: pages are mostly repetition."""

import gzip

from flask import Response, request

_TEXT = ("text/", "application/json")
LEAST = 1024


def packed(response: Response) -> Response:
    """Gzip where the browser takes it and it pays."""
    fits = (response.mimetype or "").startswith(_TEXT) and response.status_code == 200
    if response.direct_passthrough or not fits or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    body = response.get_data()
    if len(body) >= LEAST and request.accept_encodings["gzip"]:
        response.set_data(gzip.compress(body, 5, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response
