"""Answers to what goes wrong: a page in plain words, never a trace of the program."""

import logging

from flask import Flask, Response, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from dashboards.span import SpanError
from storage.files import StoreOld, StoreSlow
from webapp.site import site

log = logging.getLogger(__name__)

TEXTS = {
    404: ("There is no such page", "Its address may be mistyped, or it belongs to another version."),
    405: ("That cannot be done here", "This address is for reading only."),
    500: ("That went wrong", "The log of the web process has the details. The data is not affected by it."),
}


def handle(app: Flask) -> None:
    """Put an answer to every failure in place."""

    @app.errorhandler(SpanError)
    def no_range(problem: SpanError) -> Response:
        return _answer(400, "That is no time range", str(problem))

    @app.errorhandler(HTTPException)
    def refused(problem: HTTPException) -> Response:
        code = problem.code or 500
        title, text = TEXTS.get(code, (problem.name, ""))
        return _answer(code, title, text)

    @app.errorhandler(StoreSlow)
    def slow(problem: StoreSlow) -> Response:
        log.warning("%s %s: %s", request.method, request.path, problem)
        return _answer(503, "That took too long", f"{str(problem).capitalize()}, such as a shorter range.")

    @app.errorhandler(StoreOld)
    def old(problem: StoreOld) -> Response:
        log.warning("%s %s: %s", request.method, request.path, problem)
        return _answer(503, "The store is not ready yet", f"{str(problem).capitalize()}.")

    @app.errorhandler(Exception)
    def broken(problem: Exception) -> Response:
        log.error("%s %s failed", request.method, request.path, exc_info=problem)
        damage = site().store.health().problem
        if damage:
            return _answer(503, "The store does not answer", f"{damage}. Pages that are open keep their last values.")
        return _answer(500, *TEXTS[500])


def _answer(code: int, title: str, text: str) -> Response:
    """JSON where JSON was asked for, a page otherwise."""
    if request.path.startswith("/api/") or request.path.endswith(".json"):
        response = jsonify({"error": f"{title}. {text}".strip()})
    else:
        response = Response(render_template("error.html", title=title, text=text, code=code))
    response.status_code = code
    return response
