"""One POST to a receiver: its address looked at before it is connected to, its time bounded whatever it does.

Private, loopback and link-local addresses are refused unless a network that holds them is named in the config file: an
address in a file may be somebody else's by the time it is resolved. Redirects are not followed.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from alerts.channel import ChannelError

MOST_ANSWER = 64 * 1024
SHOWN_ANSWER = 300
AGAIN = (408, 425, 429)
"""Answers of 4xx after which another try may end otherwise."""

LONGEST_WAIT = 3600.0


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    deadline: float,
    networks: Sequence[str] = (),
    secrets: Sequence[str] = (),
    method: str = "POST",
    ca_file: str = "",
) -> str:
    """Send and give the beginning of what the receiver answered. Raises ChannelError, without the secrets.

    deadline   a time of time.monotonic()
    networks   of private addresses that may be reached
    """
    try:
        return _post(url, body, headers, deadline, networks, method, ca_file)
    except ChannelError as error:
        raise ChannelError(
            _without(str(error), secrets), permanent=error.permanent, retry_after=error.retry_after
        ) from None


def _post(
    url: str, body: bytes, headers: Mapping[str, str], deadline: float, networks: Sequence[str], method: str, ca: str
) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ChannelError("the address is neither http nor https", permanent=True)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = checked_address(parts.hostname, port, networks)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    try:
        with _connected(address, port, deadline) as raw:
            sock = _wrapped(raw, parts.hostname, ca) if parts.scheme == "https" else raw
            connection = http.client.HTTPConnection(parts.hostname, port)
            connection.sock = sock
            given = {"Host": host, "User-Agent": "trivet", "Content-Length": str(len(body)), **headers}
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            said = response.read(MOST_ANSWER).decode("utf-8", "replace")
            return _judged(response, said)
    except ssl.SSLCertVerificationError as error:
        raise ChannelError(f"its certificate is not trusted: {error.verify_message}") from None
    except TimeoutError:
        raise ChannelError("no answer in time") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= deadline:
            raise ChannelError("no answer in time") from None
        raise ChannelError(f"{type(error).__name__}: {error}") from None


def checked_address(host: str, port: int, networks: Sequence[str]) -> str:
    """The address of a name, if it may be reached. Raises ChannelError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ChannelError(f"{host} cannot be resolved: {error.strerror}") from None
    allowed = [ipaddress.ip_network(network, strict=False) for network in networks]
    refused = ""
    for *_, sockaddr in found:
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None) or address
        if any(mapped.version == net.version and mapped in net for net in allowed):
            return str(sockaddr[0])
        if mapped.is_global and not mapped.is_multicast:
            return str(sockaddr[0])
        refused = str(mapped)
    raise ChannelError(
        f"{host} is {refused}, which is no public address: name its network in allow_networks of [alerts]",
        permanent=True,
    )


@contextmanager
def _connected(address: str, port: int, deadline: float) -> Iterator[socket.socket]:
    """A connection that is shut when the time is over: a receiver that dribbles defeats any timeout of a read."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock = socket.create_connection((address, port), timeout=left)
    late = threading.Timer(max(0.01, deadline - time.monotonic()), _shut, [sock])
    late.daemon = True
    late.start()
    try:
        yield sock
    finally:
        late.cancel()
        sock.close()


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _wrapped(sock: socket.socket, host: str, ca_file: str) -> ssl.SSLSocket:
    return ssl.create_default_context(cafile=ca_file or None).wrap_socket(sock, server_hostname=host)


def _judged(response: http.client.HTTPResponse, said: str) -> str:
    shown = " ".join(said.split())[:SHOWN_ANSWER]
    status = response.status
    if 200 <= status < 300:
        return f"HTTP {status} {shown}".strip()
    words = f"HTTP {status} {response.reason}: {shown}".rstrip(": ")
    if 300 <= status < 400:
        raise ChannelError(f"{words}: redirects are not followed, set its last address", permanent=True)
    final = 400 <= status < 500 and status not in AGAIN
    raise ChannelError(words, permanent=final, retry_after=_wait(response.getheader("Retry-After", "")))


def _wait(text: str) -> float | None:
    """Seconds of a Retry-After, which is a number or a date.

    >>> _wait("2"), _wait("soon"), _wait("999999")
    (2.0, None, 3600.0)
    """
    with suppress(ValueError):
        return min(LONGEST_WAIT, max(0.0, float(text)))
    with suppress(ValueError, TypeError):
        return min(LONGEST_WAIT, max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()))
    return None


def _without(text: str, secrets: Sequence[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return text
