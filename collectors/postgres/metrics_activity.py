"""Sessions: what they do and wait for, how long, and whom they hold up."""

from collectors.postgres.declare import BY_DATABASE, gauge
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Reading

_SESSION = ("database", "state", "backend_type", "user", "application", "wait_event_type", "wait_event")

activity = gauge(
    "pg_activity",
    "Sessions and processes, by what they do, wait for and come from, without ours.",
    _SESSION,
    note="The hundred kinds with most sessions, and (rest), also for names that are ever new. An idle client waits "
    "too, for its next statement: Client.",
)
activity_age = gauge(
    "pg_activity_transaction_seconds", "Age of the oldest transaction among them.", _SESSION, Unit.SECONDS
)
processes = gauge("pg_processes", "Sessions and processes by what they are, without ours.", ("backend_type",))
ACTIVITY_DETAIL = Reading(
    "activity_detail",
    tier=Tier.MEDIUM,
    view="pg_stat_activity",
    labels={
        "datname": "database",
        "state": "state",
        "backend_type": "backend_type",
        "usename": "user",
        "application_name": "application",
        "wait_event_type": "wait_event_type",
        "wait_event": "wait_event",
    },
    columns={"sessions": activity, "transaction": activity_age},
    omitted={
        "leader_pid": "parallel workers are a backend_type",
        "client_*": "in the records of long transactions and lock waits",
        "query*": "in the records of long transactions and lock waits",
        "backend_*": "in the records of long transactions; backend_xmin in xmin",
    },
)
PROCESSES = Reading(
    "processes",
    tier=Tier.MEDIUM,
    view="pg_stat_activity",
    labels={"backend_type": "backend_type"},
    columns={"processes": processes},
)
"""Made by the collector of the rows of ``activity_detail``: no further query."""

longest_transaction = gauge(
    "pg_database_longest_transaction_seconds",
    "Age of the oldest transaction of a client of the database.",
    BY_DATABASE,
    Unit.SECONDS,
)
longest_query = gauge(
    "pg_database_longest_query_seconds", "Longest that a statement has been running.", BY_DATABASE, Unit.SECONDS
)
longest_idle = gauge(
    "pg_database_longest_idle_in_transaction_seconds",
    "Longest that a client of the database has idled in a transaction.",
    BY_DATABASE,
    Unit.SECONDS,
)
waiters = gauge("pg_database_lock_waiters", "Clients of the database that wait for a lock.", BY_DATABASE)
AGES = Reading(
    "ages",
    view="pg_stat_activity",
    labels={"datname": "database"},
    columns={
        "transaction": longest_transaction,
        "query": longest_query,
        "idle": longest_idle,
        "waiters": waiters,
    },
)
"""Databases with clients."""

xmin_age = gauge(
    "pg_xmin_age",
    "Transactions since the oldest that each kind of holder keeps vacuum from removing rows of.",
    ("holder",),
    note="holder: session, slot, prepared or standby; who it is stands in the records of kind xmin.",
)
XMIN = Reading(
    "xmin",
    tier=Tier.MEDIUM,
    view="pg_stat_activity, pg_replication_slots, pg_prepared_xacts, pg_stat_replication",
    labels={"holder": "holder"},
    columns={"age": xmin_age},
)

locks = gauge(
    "pg_locks",
    "Locks by database, mode, and whether they are held or waited for, without ours.",
    ("database", "mode", "granted"),
    note="Database is empty for locks of transactions and of shared catalogs.",
)
LOCKS = Reading(
    "locks",
    tier=Tier.MEDIUM,
    view="pg_locks",
    labels={"datname": "database", "mode": "mode", "granted": "granted"},
    columns={"locks": locks},
)

longest_wait = gauge(
    "pg_longest_lock_wait_seconds",
    "Longest that a session has waited for a lock.",
    unit=Unit.SECONDS,
    note="Before 14 since the statement began, which is earlier.",
)
roots = gauge("pg_lock_roots", "Sessions that hold up others and wait for none themselves.")
BLOCKING = Reading(
    "blocking",
    view="pg_stat_activity, pg_blocking_pids(), pg_locks",
    columns={"waited": longest_wait, "roots": roots},
)
"""Asked only while a session waits for a lock."""
