"""The line that mends each kind of failure at PgBouncer."""

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


def hinted(failed: Failed, user: str) -> Failed:
    """The same failure with what mends it."""
    return failed.hinted(_HINTS.get(failed.failure.kind, "").format(user=user))
