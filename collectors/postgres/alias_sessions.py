"""postgres_exporter's families of sessions and locks."""

from collectors.postgres import metrics_activity as activity
from collectors.postgres import metrics_database as database
from collectors.postgres.alias_terms import DATABASE, SERVER
from metrics.alias import Alias

STATES = (
    "active",
    "idle",
    "idle in transaction",
    "idle in transaction (aborted)",
    "fastpath function call",
    "disabled",
)
MODES = (
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
)

_SESSION = {
    **DATABASE,
    "state": "state",
    "user": "usename",
    "application": "application_name",
    "backend_type": "backend_type",
    "wait_event_type": "wait_event_type",
    "wait_event": "wait_event",
}
_NOBODY = dict.fromkeys(("usename", "application_name", "backend_type", "wait_event_type", "wait_event"), "")
ACTIVITY = tuple(
    alias
    for name, metric in (
        ("pg_stat_activity_count", activity.activity),
        ("pg_stat_activity_max_tx_duration", activity.activity_age),
    )
    for alias in (
        Alias(
            name=name,
            kind="gauge",
            help=metric.help,
            of=metric,
            labels=_SESSION,
            beside=SERVER,
            where={"database": "~.+", "state": "~.+"},
        ),
        *(
            # Each database and state is there, with nobody in it.
            Alias(
                name=name,
                kind="gauge",
                help=metric.help,
                of=database.oid,
                labels=DATABASE,
                add={"state": state, **_NOBODY},
                beside=SERVER,
                scale=0.0,
            )
            for state in STATES
        ),
    )
)
LOCKS = (
    Alias(
        name="pg_locks_count",
        kind="gauge",
        help="Locks, held and waited for.",
        of=activity.locks,
        labels={**DATABASE, "mode": "mode"},
        where={"database": "~.+"},
        summed=True,
    ),
    *(
        Alias(
            name="pg_locks_count",
            kind="gauge",
            help="Locks, held and waited for.",
            of=database.oid,
            labels=DATABASE,
            add={"mode": mode},
            scale=0.0,
        )
        for mode in MODES
    ),
)
