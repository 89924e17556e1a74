"""Errors as the client sees them: a JSON problem body (RFC 9457) that names the field, and when to come again.

Problem
├── Invalid       400, with the field
├── Denied        401
├── Missing       404
├── Unavailable   503, with Retry-After: the database is away, or all its connections are taken
└── TooSlow       504: the database gave up on the statement
"""

from http import HTTPStatus

import orjson
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

RETRY_AFTER_SECONDS = 2


class Problem(Exception):  # noqa: N818 - it is the body as well
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class Invalid(Problem):
    status = HTTPStatus.BAD_REQUEST


class Denied(Problem):
    status = HTTPStatus.UNAUTHORIZED


class Missing(Problem):
    status = HTTPStatus.NOT_FOUND


class Unavailable(Problem):
    status = HTTPStatus.SERVICE_UNAVAILABLE


class TooSlow(Problem):
    status = HTTPStatus.GATEWAY_TIMEOUT


def register(app: Flask) -> None:
    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, _of_werkzeug)
    app.register_error_handler(500, _of_bug)


def answer(problem: Problem) -> Response:
    response = _body(problem.status, problem.detail, problem.field)
    if problem.status is HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def _of_werkzeug(error: HTTPException) -> Response:
    response = _body(HTTPStatus(error.code or 500), error.description or error.name)
    # Allow of a 405, Location of a redirect: what the exception knows beyond its text.
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _of_bug(_error: Exception) -> Response:
    # The traceback is in the log (Flask writes it); its text is nobody else's business.
    return _body(HTTPStatus.INTERNAL_SERVER_ERROR, "Something broke on our side.")


def _body(status: HTTPStatus, detail: str, field: str | None = None) -> Response:
    body: dict[str, object] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
    }
    if field is not None:
        body["field"] = field
    return Response(orjson.dumps(body), status.value, content_type="application/problem+json")
