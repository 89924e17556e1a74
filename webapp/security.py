"""What every answer carries, and which requests get none: all of it by hand, and all in one place."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def hostname(host: str) -> str:
    """A Host header without its port, in lower case.

    >>> hostname("Trivet.Example:8080"), hostname("[::1]:80"), hostname("a b")
    ('trivet.example', '::1', '')
    """
    try:
        return "" if any(char in host for char in " /@?#\\") else urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def guard(app: Flask, allowed_hosts: Iterable[str]) -> None:
    """Refuse names that are not ours (a page elsewhere may resolve its name to us), and set the headers."""
    known = {*LOOPBACK, *(host.lower().strip("[]") for host in allowed_hosts)}

    @app.before_request
    def refuse() -> Response | None:
        name = hostname(request.headers.get("Host", ""))
        if name in known:
            return None
        text = (
            f"Trivet does not answer to the name {name[:80]!r}.\n"
            "Open it under localhost, or add the name to allowed_hosts in the [web] part of trivet.toml.\n"
        )
        return Response(text, status=421, mimetype="text/plain")

    @app.after_request
    def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class Prefixed:
    """WSGI: serves under a path prefix, whether the proxy in front strips it or not."""

    def __init__(self, app: Callable[..., Iterable[bytes]], prefix: str) -> None:
        self._app, self._prefix = app, "/" + prefix.strip("/")

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Move the prefix from the path to the script's name."""
        path = environ.get("PATH_INFO", "")
        if path == self._prefix or path.startswith(f"{self._prefix}/"):
            environ["PATH_INFO"] = path[len(self._prefix) :] or "/"
        environ["SCRIPT_NAME"] = self._prefix
        return self._app(environ, start_response)
