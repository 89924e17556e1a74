"""What is said of each database as a whole, beside its traffic."""

from collections.abc import Mapping

from collectors.postgres.declare import BY_DATABASE, MILLISECONDS, gauge, total
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

sessions = total("pg_stat_database_sessions_total", "Sessions begun.", BY_DATABASE)
session_seconds = total(
    "pg_stat_database_session_seconds_total",
    "Time that sessions were there.",
    BY_DATABASE,
    Unit.SECONDS,
    note="Booked when a session changes its state: a long one is seen late.",
)
active_seconds = total(
    "pg_stat_database_active_seconds_total", "Time that sessions executed statements.", BY_DATABASE, Unit.SECONDS
)
idle_seconds = total(
    "pg_stat_database_idle_in_transaction_seconds_total",
    "Time that sessions idled in a transaction.",
    BY_DATABASE,
    Unit.SECONDS,
)
abandoned = total("pg_stat_database_sessions_abandoned_total", "Sessions whose client was lost.", BY_DATABASE)
fatal = total("pg_stat_database_sessions_fatal_total", "Sessions ended by a fatal error.", BY_DATABASE)
killed = total("pg_stat_database_sessions_killed_total", "Sessions ended by an operator.", BY_DATABASE)
read_seconds = total(
    "pg_stat_database_blk_read_seconds_total",
    "Time reading blocks.",
    BY_DATABASE,
    Unit.SECONDS,
    note="Zero while track_io_timing is off.",
)
write_seconds = total(
    "pg_stat_database_blk_write_seconds_total",
    "Time that sessions wrote blocks themselves.",
    BY_DATABASE,
    Unit.SECONDS,
    note="Zero while track_io_timing is off.",
)
workers_planned = total(
    "pg_stat_database_parallel_workers_planned_total", "Parallel workers that plans asked for.", BY_DATABASE
)
workers_launched = total(
    "pg_stat_database_parallel_workers_launched_total", "Parallel workers that were started.", BY_DATABASE
)

TRAFFIC: Mapping[str, Column] = {
    "sessions": Column(sessions, since=(14,)),
    "session_time": Column(session_seconds, MILLISECONDS, since=(14,)),
    "active_time": Column(active_seconds, MILLISECONDS, since=(14,)),
    "idle_in_transaction_time": Column(idle_seconds, MILLISECONDS, since=(14,)),
    "sessions_abandoned": Column(abandoned, since=(14,)),
    "sessions_fatal": Column(fatal, since=(14,)),
    "sessions_killed": Column(killed, since=(14,)),
    "blk_read_time": Column(read_seconds, MILLISECONDS),
    "blk_write_time": Column(write_seconds, MILLISECONDS),
    "parallel_workers_to_launch": Column(workers_planned, since=(18,)),
    "parallel_workers_launched": Column(workers_launched, since=(18,)),
}
"""More columns of the reading of pg_stat_database."""

oid = gauge("pg_database_oid", "Number of the database, another when it is dropped and made anew.", BY_DATABASE)
limit = gauge(
    "pg_database_connections_limit", "Most sessions of the database; -1 without a limit.", BY_DATABASE, least=-1
)
xid_age = gauge("pg_database_xid_age", "Transactions since the oldest row that is not frozen.", BY_DATABASE)
mxid_age = gauge("pg_database_mxid_age", "Multixacts since the oldest that may still be in use.", BY_DATABASE)
checksum_failures = gauge(
    "pg_database_checksum_failures",
    "Blocks whose checksum was wrong.",
    BY_DATABASE,
    note="No sample while data checksums are off.",
)
checksum_failed = gauge(
    "pg_database_checksum_last_failure_timestamp_seconds", "When one was last seen.", BY_DATABASE, Unit.SECONDS
)
stats_reset = gauge(
    "pg_database_stats_reset_timestamp_seconds",
    "When the database's statistics were last reset.",
    BY_DATABASE,
    Unit.SECONDS,
    note="No sample before the first reset.",
)
DATABASES = Reading(
    "databases",
    tier=Tier.MEDIUM,
    view="pg_database, pg_stat_database",
    labels={"datname": "database"},
    columns={
        "oid": oid,
        "datconnlimit": limit,
        "xid_age": xid_age,
        "mxid_age": mxid_age,
        "checksum_failures": checksum_failures,
        "checksum_last_failure": checksum_failed,
        "stats_reset": stats_reset,
    },
    omitted={"datdba": "nobody's measure", "encoding": "nobody's measure", "datcollate": "nobody's measure"},
)
"""Templates too: they can be as old as others."""

template = gauge(
    "pg_stat_database_template",
    "Columns of pg_stat_database for template databases and, with the number 0, for the shared catalogs.",
    ("database", "datid", "column"),
    note="Kept apart so that templates are no subjects of targets; in PostgreSQL's own units, milliseconds.",
)
_TEMPLATE_COLUMNS = [
    "numbackends",
    "xact_commit",
    "xact_rollback",
    "blks_read",
    "blks_hit",
    "tup_returned",
    "tup_fetched",
    "tup_inserted",
    "tup_updated",
    "tup_deleted",
    "conflicts",
    "temp_files",
    "temp_bytes",
    "deadlocks",
    "blk_read_time",
    "blk_write_time",
]
_TEMPLATE_SINCE_14 = [
    "session_time",
    "active_time",
    "idle_in_transaction_time",
    "sessions",
    "sessions_abandoned",
    "sessions_fatal",
    "sessions_killed",
]
_TEMPLATE_SINCE_18 = ("parallel_workers_to_launch", "parallel_workers_launched")
TEMPLATES = Reading(
    "templates",
    tier=Tier.SLOW,
    labels={"datname": "database", "datid": "datid"},
    columns={
        **{name: Column(template, labels={"column": name}) for name in _TEMPLATE_COLUMNS},
        **{name: Column(template, labels={"column": name}, since=(14,)) for name in _TEMPLATE_SINCE_14},
        **{name: Column(template, labels={"column": name}, since=(18,)) for name in _TEMPLATE_SINCE_18},
    },
    omitted={
        "stats_reset": "in databases",
        "checksum_*": "in databases",
    },
)

conflicts_by_kind = total(
    "pg_stat_database_recovery_conflicts_total",
    "Queries that recovery cancelled, by what they were in the way of.",
    ("database", "kind"),
    note="Always zero on a primary.",
)
CONFLICTS = Reading(
    "conflicts",
    tier=Tier.MEDIUM,
    labels={"datname": "database"},
    columns={
        **{
            f"confl_{kind}": Column(conflicts_by_kind, labels={"kind": kind})
            for kind in ("tablespace", "lock", "snapshot", "bufferpin", "deadlock")
        },
        "confl_active_logicalslot": Column(conflicts_by_kind, labels={"kind": "active_logicalslot"}, since=(16,)),
    },
    omitted={"datid": "in databases"},
)

size = gauge(
    "pg_database_disk_bytes",
    "Size of the database's files.",
    BY_DATABASE,
    Unit.BYTES,
    note="Of the last hour: the server opens every file for it. pg_database_disk_read_timestamp_seconds is its age.",
)
size_at = gauge(
    "pg_database_disk_read_timestamp_seconds", "When the sizes of databases were last read.", unit=Unit.SECONDS
)
SIZE = Reading(
    "database_size",
    tier=Tier.SLOW,
    view="pg_database_size()",
    labels={"datname": "database"},
    columns={"size": size},
)
SIZES = Reading("database_sizes", tier=Tier.SLOW, view="now()", columns={"at": size_at})
"""Made by the collector: no further query."""

role_limit = gauge("pg_role_connections_limit", "Most sessions of the role; -1 without a limit.", ("role",), least=-1)
ROLES = Reading(
    "roles",
    tier=Tier.SLOW,
    view="pg_roles",
    labels={"rolname": "role"},
    columns={"rolconnlimit": role_limit},
    omitted={"rol*": "who may do what is no measure"},
)
