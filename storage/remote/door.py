"""HTTP to one remote: kept connections, one hard deadline per request, a cap on the answer, secrets unsaid.

Redirects are not followed: a token must not go where the config file does not say.
"""

import base64
import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from metrics.config import Remote
from metrics.duration import seconds
from storage.remote.faults import Refused, Waits

MOST_BYTES = 256 * 1024 * 1024
LONGEST_WAIT = 300.0
SHORTLY = 15.0
_FAULTS = (OSError, ValueError, http.client.HTTPException)
_SHUT = {
    401: "set user and password, or token",
    403: "the account may not do this",
    404: "check the URL's path",
    405: "check the URL's path",
    407: "the proxy wants an account",
    408: "",
    425: "",
}
"""Answers of 4xx that speak of the way and not of the samples: a rotated token must not cost an hour of history."""


class _Closed(Exception):
    """There is no kept connection, or it was closed meanwhile: a new one is needed."""


class Door:
    """POST to the URLs of a remote, by any number of threads; connections are kept until `close`."""

    def __init__(self, remote: Remote) -> None:
        """Read the secrets; connect when first asked. Raises OSError when a secret's file cannot be read."""
        self.name = remote.name
        self._timeout = seconds(remote.timeout)
        self._ca_file = remote.ca_file
        self._remote = remote
        self._headers, self._hidden = self._identity()
        self.renewed = False
        """Set when a connection was found closed shortly after it had worked: the remote may have started anew."""
        self._idle: dict[tuple[str, str], list[tuple[http.client.HTTPConnection, float]]] = {}
        self._lock = threading.Lock()

    def post(self, url: str, body: bytes, headers: Mapping[str, str], most: int = MOST_BYTES) -> bytes:
        """The answer's body. Raises Waits or Refused."""
        parts = urlsplit(url)
        with self._said(parts.netloc):
            try:
                status, reason, answer, wait = self._asked(parts, self._kept(parts), body, headers, most)
            except _Closed:
                status, reason, answer, wait = self._asked(parts, self._made(parts), body, headers, most)
        if 200 <= status < 300:
            return answer
        raise self._no(parts.netloc, status, reason, answer, wait)

    def close(self) -> None:
        """Close the connections that are not in use; the next request makes a new one."""
        with self._lock:
            for connection, _ in (each for kept in self._idle.values() for each in kept):
                connection.close()
            self._idle.clear()

    def _identity(self) -> tuple[dict[str, str], list[str]]:
        """Headers of every request, and what of them is never said."""
        secret = _secret(self._remote)
        headers = {"User-Agent": "trivet", **self._remote.headers, **_authorization(self._remote, secret)}
        # A header may be a key too; short ones are tenants' numbers and would hide half of every message.
        keys = (value for value in self._remote.headers.values() if len(value) >= 8)
        return headers, [text for text in (secret, *keys) if text]

    def _kept(self, parts: SplitResult) -> http.client.HTTPConnection:
        """A connection that was used before. Raises _Closed when there is none."""
        with self._lock:
            kept = self._idle.get((parts.scheme, parts.netloc))
            if not kept:
                raise _Closed
            connection, since = kept.pop()
        connection.used = since  # type: ignore[attr-defined]
        return connection

    def _asked(
        self,
        parts: SplitResult,
        connection: http.client.HTTPConnection,
        body: bytes,
        headers: Mapping[str, str],
        most: int,
    ) -> tuple[int, str, bytes, str]:
        used: float | None = getattr(connection, "used", None)
        try:
            found = self._answered(connection, parts.path or "/", body, headers, most)
        except BaseException as error:
            connection.close()
            if used is None or isinstance(error, TimeoutError) or not isinstance(error, _FAULTS):
                raise
            # Servers close what is idle, and ends of servers look the same: a short idleness tells them apart.
            self.renewed |= time.monotonic() - used < SHORTLY
            raise _Closed from None
        with self._lock:
            self._idle.setdefault((parts.scheme, parts.netloc), []).append((connection, time.monotonic()))
        return found

    def _answered(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, headers: Mapping[str, str], most: int
    ) -> tuple[int, str, bytes, str]:
        if connection.sock is None:
            connection.connect()
        with _deadline(connection, self._timeout):
            connection.request("POST", path, body, {**self._headers, **headers})
            response = connection.getresponse()
            answer = response.read(most + 1)
        if len(answer) > most:
            raise TimeoutError(f"an answer of more than {most // 1024 // 1024} MiB")
        return response.status, response.reason, answer, response.headers.get("Retry-After", "")

    def _made(self, parts: SplitResult) -> http.client.HTTPConnection:
        host, port = parts.hostname or "", parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._timeout)
        trusted = ssl.create_default_context(cafile=self._ca_file or None)
        return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=trusted)

    @contextmanager
    def _said(self, place: str) -> Iterator[None]:
        try:
            yield
        except _FAULTS as error:
            text = self._hide(str(error) or type(error).__name__)
            raise Waits(f"{self.name}: {place}: {text}", lost=True) from None

    def _no(self, place: str, status: int, reason: str, answer: bytes, wait: str) -> Waits | Refused:
        words = self._hide(answer[:1000].decode("utf-8", "replace")).strip()
        text = f"{self.name}: {place}: HTTP {status} {reason}: {' '.join(words.split())[:200]}"
        if status >= 500 or status == 429:
            return Waits(text, _after(wait))
        if status in (401, 403):
            # The file may hold a newer secret by now; while it cannot be read, the old one is as good as any.
            with contextlib.suppress(OSError):
                self._headers, self._hidden = self._identity()
        if status in _SHUT or status < 400:
            return Waits(f"{text} ({_SHUT.get(status) or 'it points elsewhere'})")
        return Refused(text, status, words)

    def _hide(self, text: str) -> str:
        for secret in self._hidden:
            text = text.replace(secret, "…")
        return text


@contextmanager
def _deadline(connection: http.client.HTTPConnection, within: float) -> Iterator[None]:
    """Shuts the socket when the time is up: a peer that sends a byte now and then keeps no timeout of its own busy."""
    sock = connection.sock
    fired = threading.Event()

    def shut() -> None:
        fired.set()
        # It may be gone already.
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(within, shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except _FAULTS:
        if fired.is_set():
            raise TimeoutError(f"no answer within {within:g} s") from None
        raise
    finally:
        timer.cancel()


def _secret(remote: Remote) -> str:
    path = remote.password_file or remote.token_file
    return Path(path).read_text(encoding="utf-8").strip() if path else remote.password or remote.token


def _authorization(remote: Remote, secret: str) -> dict[str, str]:
    if remote.user:
        pair = base64.b64encode(f"{remote.user}:{secret}".encode()).decode("ascii")
        return {"Authorization": f"Basic {pair}"}
    return {"Authorization": f"Bearer {secret}"} if secret else {}


def _after(header: str) -> float | None:
    """Seconds of a Retry-After header: a number, or a date.

    >>> _after("7"), _after("soon"), _after("1e9")
    (7.0, None, 300.0)
    """
    try:
        wait = float(header)
    except ValueError:
        try:
            wait = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError):
            return None
    return min(max(wait, 0.0), LONGEST_WAIT)
