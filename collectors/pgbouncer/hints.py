"""The line that mends each kind of failure at PgBouncer."""

from collectors.failed import Failed
from metrics.poll import ErrorClass

_HINTS = {
    ErrorClass.UNREACHABLE: "Check host and port, sslmode, and that PgBouncer runs and listens there.",
    ErrorClass.AUTH: (
        'pgbouncer.ini: stats_users = {user}; userlist.txt: "{user}" and its SCRAM secret from pg_authid; then RELOAD'
    ),
    ErrorClass.REFUSED_BY_LIMIT: "pgbouncer.ini: raise max_client_conn, or find who keeps connections: SHOW CLIENTS",
    ErrorClass.FORBIDDEN: "pgbouncer.ini: stats_users = {user}; then RELOAD",
}


def hinted(failed: Failed, user: str) -> Failed:
    """The same failure with what mends it."""
    return failed.hinted(_HINTS.get(failed.failure.kind, "").format(user=user))
