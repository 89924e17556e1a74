"""Who may write: whoever has the token of the config file. No cookie counts, so no site can make a browser do it."""

import hmac
import threading
import time
from collections import deque
from collections.abc import Callable
from urllib.parse import urlsplit

from flask import Request

MOST_WRITES = 60
MOST_GUESSES = 10
PER = 60.0


class Refused(Exception):
    """No: a status, a sentence, and headers."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        """What is answered."""
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers or {}


class Allowance:
    """So many within a time; more are refused."""

    def __init__(self, most: int, per: float = PER, clock: Callable[[], float] = time.monotonic) -> None:
        """All of it is there."""
        self._most, self._per, self._clock = most, per, clock
        self._spent: deque[float] = deque(maxlen=most)
        self._lock = threading.Lock()

    def spend(self) -> float:
        """Seconds to wait; 0 when it was allowed.

        >>> allowance = Allowance(2, 60, clock=lambda: 5.0)
        >>> [allowance.spend() for _ in range(3)]
        [0.0, 0.0, 60.0]
        """
        with self._lock:
            now = self._clock()
            if len(self._spent) == self._most and now - self._spent[0] < self._per:
                return self._per - (now - self._spent[0])
            self._spent.append(now)
            return 0.0


class Gate:
    """Lets writers in."""

    def __init__(self, token: str) -> None:
        """Without a token nobody gets in."""
        self._token = token
        self._writes, self._guesses = Allowance(MOST_WRITES), Allowance(MOST_GUESSES)

    def admit(self, request: Request, *, json: bool = True) -> None:
        """Raises Refused. What a browser would send by itself is refused before the token is looked at."""
        if not self._token:
            text = "Nobody may write yet: set token_file in the [web] part of trivet.toml and start trivet web again."
            raise Refused(403, text)
        same_origin(request)
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(), self._token.encode())
        if scheme.lower() != "bearer" or not right:
            self._hold(self._guesses, "Too many wrong tokens.")
            text = "Send the token of the [web] part of trivet.toml: Authorization: Bearer TOKEN."
            raise Refused(401, text, {"WWW-Authenticate": 'Bearer realm="trivet"'})
        if json and request.mimetype != "application/json":
            raise Refused(415, "Send JSON: Content-Type: application/json.")
        self._hold(self._writes, f"More than {MOST_WRITES} writes a minute.")

    @staticmethod
    def _hold(allowance: Allowance, text: str) -> None:
        wait = allowance.spend()
        if wait:
            raise Refused(429, f"{text} Try again in {wait:.0f} s.", {"Retry-After": f"{wait + 1:.0f}"})


def same_origin(request: Request) -> None:
    """A browser names the page that sends; a program names none. Raises Refused."""
    origin = request.headers.get("Origin")
    elsewhere = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    if elsewhere or (origin is not None and urlsplit(origin).netloc.lower() != request.host.lower()):
        raise Refused(403, "Pages of other sites may not write here.")
