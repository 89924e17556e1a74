"""The line that mends each kind of failure at PgBouncer."""

import re

from collectors.failed import Failed
from metrics.poll import ErrorClass

_HINTS = {
    ErrorClass.UNREACHABLE: "Check host and port, sslmode, and that PgBouncer runs and listens there.",
    ErrorClass.AUTH: (
        'pgbouncer.ini: stats_users = {user}; userlist.txt: "{user}" and its SCRAM secret from pg_authid; then RELOAD'
    ),
    ErrorClass.REFUSED_BY_LIMIT: "pgbouncer.ini: raise max_client_conn, or find who keeps connections: SHOW CLIENTS",
    ErrorClass.NOT_READY: "At the console, as an admin: RESUME or ENABLE the database; or wait until it has started.",
    ErrorClass.FORBIDDEN: "pgbouncer.ini: stats_users = {user}; then RELOAD",
    ErrorClass.MISSING: "This version of PgBouncer has none: upgrade it, or do without.",
    ErrorClass.GONE: "pgbouncer.ini: name the database under [databases]; then RELOAD",
    ErrorClass.CONNECTION_LOST: "See PgBouncer's log: it ended, or something between closed the connection.",
}
_OF_TLS = (
    (
        r"certificate verify failed",
        "Name the authority of PgBouncer's certificate, which must not have expired, in sslrootcert.",
    ),
    (r"does not match host name", "Set host to a name or an address that PgBouncer's certificate holds."),
    (
        r"root certificate file",
        "Set sslrootcert to a file that Trivet's account may read: the authority of PgBouncer's certificate.",
    ),
    (
        r"private key file|certificate file",
        "Let Trivet's account read sslcert and sslkey, and nobody else the key: chmod 600.",
    ),
    (r"SSL required", 'pgbouncer.ini asks for TLS by client_tls_sslmode: set sslmode = "verify-full" and sslrootcert.'),
    (
        r"does not support SSL",
        "pgbouncer.ini: client_tls_sslmode, client_tls_cert_file and client_tls_key_file; then RELOAD",
    ),
    (
        r"alert (certificate required|handshake failure|unknown ca|bad certificate)",
        "pgbouncer.ini asks for a certificate of ours, of an authority in client_tls_ca_file: set sslcert and sslkey.",
    ),
)


def hinted(failed: Failed, user: str) -> Failed:
    """The same failure with what mends it."""
    failure = failed.failure
    if failure.kind is ErrorClass.UNREACHABLE:
        failed = failed.hinted(next((hint for words, hint in _OF_TLS if re.search(words, failure.text)), ""))
    return failed.hinted(_HINTS.get(failure.kind, "").format(user=user))
