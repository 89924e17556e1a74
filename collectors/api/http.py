"""GET of one page over a connection that is kept, bounded in time and size.

Redirects are followed within the same origin only: a token must not go where the config file does not say.
"""

import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from collectors.api.source import ApiSource
from collectors.deadline import WATCHDOG, Cut
from collectors.failed import Disconnected, Failed, late
from collectors.source import secret
from metrics.poll import ErrorClass
from metrics.text import clean

MOST_BYTES = 10 * 1024 * 1024
LONGEST_CONNECT = 3.0
# ValueError: an address that is nonsense.
FAULTS = (OSError, ValueError, http.client.HTTPException, zlib.error)
# The older format first: some libraries rename counters in the newer one.
ACCEPT = "text/plain;version=0.0.4;q=1,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1"
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"
MOST_HOPS = 4
REDIRECTS = (301, 302, 303, 307, 308)

_STATUS = {
    401: (ErrorClass.AUTH, "Set token or token_file."),
    403: (ErrorClass.AUTH, "Set token or token_file, or let this address see the page."),
    404: (ErrorClass.GONE, "Set url to the page of Prometheus metrics, mostly /metrics."),
    429: (ErrorClass.REFUSED_BY_LIMIT, "Raise interval, or let this address ask as often."),
    503: (ErrorClass.NOT_READY, ""),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """The text of a page. ``whole``: whether the server said how long it is, so that its end is its end."""

    text: str
    whole: bool


class Page:
    """One connection to one page."""

    def __init__(self, source: ApiSource, deadline: float) -> None:
        """Connect. Raises Disconnected."""
        self._url = urlsplit(source.url)
        self._token = ""
        self._connecting = True
        self._cut: Cut | None = None
        left = max(deadline - time.monotonic(), 0.01)
        with self._said():
            self._token = _sendable(secret(source.token, source.token_file))
            self._connection = _made(self._url, source, min(left, LONGEST_CONNECT))
            self._connection.connect()
        self._connecting = False

    def get(self, deadline: float) -> Answer:
        """The page. Raises Failed."""
        with self._said():
            for _ in range(MOST_HOPS):
                sock = self._socket()
                sock.settimeout(max(deadline - time.monotonic(), 0.01))
                with WATCHDOG.over(sock.fileno(), deadline) as self._cut:
                    self._connection.request("GET", self._path(), headers=self._headers())
                    response = self._connection.getresponse()
                    body = response.read(MOST_BYTES + 1)
                if response.status not in REDIRECTS:
                    return _answer(response, body)
                self._url = self._led(response)
            raise Disconnected(ErrorClass.BAD_REPLY, f"more than {MOST_HOPS - 1} redirects, the last to {self._path()}")

    def _led(self, response: http.client.HTTPResponse) -> SplitResult:
        """Where a redirect leads, if that is the same server. Raises Disconnected."""
        said = f"HTTP {response.status} {response.reason}"
        location = response.getheader("Location", "").strip()
        if not location or not location.isprintable():
            raise Disconnected(ErrorClass.BAD_REPLY, f"{said} without a place to go", "Set url to the page of metrics.")
        there = urlsplit(urljoin(self._url.geturl(), location))
        if _origin(there) == _origin(self._url):
            return there
        if there.scheme not in ("http", "https") or not there.hostname:
            raise Disconnected(
                ErrorClass.BAD_REPLY, f"{said} to a place that is no page", "Set url to the page of metrics."
            )
        # Never an account that stood in it: the line is shown.
        place = there._replace(netloc=there.netloc.rpartition("@")[2], fragment="").geturl()
        raise Disconnected(ErrorClass.BAD_REPLY, f"{said}: the page is elsewhere", f'Set url = "{place}"')

    def close(self) -> None:
        """Raises nothing."""
        self._connection.close()

    def _socket(self) -> socket.socket:
        # The server may have asked to close after the last answer.
        if self._connection.sock is None:
            raise ConnectionResetError("the connection is closed")
        return self._connection.sock

    def _path(self) -> str:
        return (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")

    def _headers(self) -> dict[str, str]:
        own = {"Accept": ACCEPT, "Accept-Encoding": "gzip", "User-Agent": "trivet"}
        return {**own, "Authorization": f"Bearer {self._token}"} if self._token else own

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except FAULTS as error:
            if self._cut is not None and self._cut.fired:
                raise late() from None
            raise _failed(error, connecting=self._connecting).without(self._token) from None
        finally:
            self._cut = None


def _origin(url: SplitResult) -> tuple[str, str, int | None]:
    return url.scheme, (url.hostname or "").lower(), url.port or {"http": 80, "https": 443}.get(url.scheme)


def _sendable(token: str) -> str:
    """The token, if a header can hold it: http.client would show it, escaped, in its error. Raises Disconnected."""
    if token.isascii() and token.isprintable():
        return token
    hint = "Set token, or what token_file holds, to one line without anything else."
    raise Disconnected(ErrorClass.AUTH, "the token has characters that no header may have", hint)


def _made(url: SplitResult, source: ApiSource, patience: float) -> http.client.HTTPConnection:
    host = url.hostname or ""
    if url.scheme == "http":
        return http.client.HTTPConnection(host, url.port, timeout=patience)
    trusted = ssl.create_default_context(cafile=source.ca_file or None)
    return http.client.HTTPSConnection(host, url.port, timeout=patience, context=trusted)


def _answer(response: http.client.HTTPResponse, body: bytes) -> Answer:
    if response.status != http.client.OK:
        kind, hint = _STATUS.get(response.status, (ErrorClass.BAD_REPLY, ""))
        # A new connection for the next: what is left of this answer has not been read.
        raise Disconnected(kind, f"HTTP {response.status} {response.reason}", hint)
    if response.length and len(body) <= MOST_BYTES:
        raise Disconnected(
            ErrorClass.BAD_REPLY, f"the page ended early, {len(body):,} of {len(body) + response.length:,} bytes"
        )
    page = _unpacked(body, response.getheader("Content-Encoding", "")) if len(body) <= MOST_BYTES else body
    if len(page) > MOST_BYTES:
        raise Disconnected(ErrorClass.BAD_REPLY, f"a page of more than {MOST_BYTES // 1024 // 1024} MiB")
    packed = page is not body
    whole = packed or response.chunked or response.getheader("Content-Length") is not None
    text = clean(page)
    if "openmetrics" in response.getheader("Content-Type", "").lower() and not text.rstrip().endswith("# EOF"):
        raise Disconnected(ErrorClass.BAD_REPLY, f"the page ended early, after {len(page):,} bytes: it has no # EOF")
    return Answer(text if whole else _finished(text), whole)


def _finished(text: str) -> str:
    """Without a last line that has no end: it may have been cut within a number."""
    return text[: text.rfind("\n") + 1]


def _unpacked(body: bytes, encoding: str) -> bytes:
    """The page itself, of one packed part or of several; no more than just too much of it."""
    if encoding.strip().lower() in ("", "identity"):
        return body
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        raise Disconnected(ErrorClass.BAD_REPLY, f"a page packed as {encoding[:40]!r}, which was not asked for")
    page, rest = b"", body
    # Zeroes may stand behind the last part.
    while rest.strip(b"\0") and len(page) <= MOST_BYTES:
        if page and not rest.startswith(_MAGIC):
            raise zlib.error("what follows its packed part is not packed")
        unpacking = zlib.decompressobj(_GZIP)
        page += unpacking.decompress(rest, MOST_BYTES + 1 - len(page))
        if not unpacking.eof and len(page) <= MOST_BYTES:
            raise zlib.error("it ends too early")
        rest = unpacking.unused_data
    return page


def _failed(error: Exception, *, connecting: bool) -> Failed:
    text = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        return Disconnected(ErrorClass.UNREACHABLE, text, "Set ca_file to the authority that signed its certificate.")
    if isinstance(error, TimeoutError) and not connecting:
        return Disconnected(ErrorClass.TIMEOUT, text)
    if connecting:
        return Disconnected(ErrorClass.UNREACHABLE, text, "Check url, and that the API runs and listens there.")
    if isinstance(error, OSError | http.client.RemoteDisconnected):
        return Disconnected(ErrorClass.CONNECTION_LOST, text)
    if isinstance(error, http.client.IncompleteRead):
        return Disconnected(ErrorClass.BAD_REPLY, f"the page ended early, after {len(error.partial):,} bytes")
    if isinstance(error, zlib.error):
        return Disconnected(ErrorClass.BAD_REPLY, f"a page that cannot be unpacked: {text}")
    return Disconnected(ErrorClass.BAD_REPLY, f"no HTTP: {text}")
