"""TLS to Redis: the handshake by a deadline, and the line that mends each way it fails."""

import re
import socket
import ssl
import time

from collectors.deadline import WATCHDOG
from collectors.failed import Disconnected
from collectors.redis.source import RedisSource
from metrics.poll import ErrorClass

_OURS = r"alert (certificate required|handshake failure|unknown ca|bad certificate|certificate|access denied)"
"""What a server says that wants a certificate of ours, or another one: with TLS 1.3 only when it is asked something."""

OUR_CERTIFICATE = "The server wants a certificate of ours, of an authority that it trusts: set cert_file and key_file."
_HINTS = (
    (r"has expired|not yet valid", "Renew the certificate of the server, or set the clock that is wrong."),
    (r"mismatch, certificate", "Set host to a name or an address that the certificate of the server holds."),
    (r"verify failed", "Name the authority of the server's certificate in ca_file."),
    (r"", "See whether TLS is spoken on this port; if not, set tls = false."),
)


def context(source: RedisSource) -> ssl.SSLContext:
    """What is trusted and shown. Raises Disconnected when one of the files cannot be taken."""
    try:
        made = ssl.create_default_context(cafile=source.ca_file or None)
    except (OSError, ValueError) as error:
        raise _no_file(source.ca_file, error) from None
    if source.cert_file:
        try:
            made.load_cert_chain(source.cert_file, source.key_file or None)
        except (OSError, ValueError) as error:
            raise _no_file(f"{source.cert_file} {source.key_file}".strip(), error) from None
    return made


def encrypted(plain: socket.socket, context_: ssl.SSLContext, host: str, deadline: float) -> ssl.SSLSocket:
    """The handshake. Raises Disconnected when the deadline comes, else what the socket raises; then it is closed."""
    # It is many small steps, and a timeout of its own would begin anew with each.
    with WATCHDOG.over(plain.fileno(), deadline) as cut:
        try:
            plain.settimeout(max(deadline - time.monotonic(), 0.01))
            return context_.wrap_socket(plain, server_hostname=host)
        except OSError as error:
            plain.close()
            if cut.fired or isinstance(error, TimeoutError):
                hint = "See why it does not answer, and whether TLS is spoken on this port; if not, set tls = false."
                text = "no answer to the handshake of TLS before the deadline"
                raise Disconnected(ErrorClass.TIMEOUT, text, hint) from None
            raise


def failed(error: ssl.SSLError, *, connecting: bool) -> Disconnected:
    """What an error of TLS means."""
    text = str(error)
    kind = ErrorClass.UNREACHABLE if connecting else ErrorClass.CONNECTION_LOST
    if re.search(_OURS, text):
        return Disconnected(ErrorClass.AUTH, text, OUR_CERTIFICATE)
    if not connecting:
        return Disconnected(kind, text)
    return Disconnected(kind, text, next(hint for pattern, hint in _HINTS if re.search(pattern, text)))


def _no_file(files: str, error: Exception) -> Disconnected:
    hint = "Let Trivet's account read them: certificates and keys in PEM, of which cert_file and key_file are a pair."
    return Disconnected(ErrorClass.UNREACHABLE, f"{files}: {error}", hint)
