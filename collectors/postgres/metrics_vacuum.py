"""Vacuum: what is running, what is due, and how near numbers are to their end."""

from collectors.postgres.declare import gauge
from metrics.model import BEYOND_COUNT, Unit
from metrics.poll import Tier
from metrics.reading import Reading

_TABLE = ("database", "schema", "table")

progress = gauge(
    "pg_progress_ratio",
    "How much of a running command's present phase is done.",
    ("command", "database", "relation", "phase"),
    Unit.RATIO,
    note="Starts again at each phase. A relation of another database than the connection's has its number for a name.",
)
PROGRESS = Reading(
    "progress",
    tier=Tier.MEDIUM,
    view="pg_stat_progress_vacuum, _analyze, _create_index, _cluster, _basebackup, _copy",
    labels={"command": "command", "datname": "database", "relation": "relation", "phase": "phase"},
    columns={"done": progress},
    omitted={
        "index_vacuum_count": "the phase tells it",
        "num_dead_tuples": "of autovacuum_work_mem, in another unit since 17",
        "max_dead_tuples": "of autovacuum_work_mem, in another unit since 17",
        "delay_time": "since 18; part of the time that the phase lasts",
    },
)

working = gauge(
    "pg_autovacuum_started_timestamp_seconds",
    "When autovacuum began to work on a table that it is working on.",
    ("database", "command", "relation", "wraparound"),
    Unit.SECONDS,
    note="wraparound: true when it must, so that no table's rows grow too old, and gives way to nobody.",
)
WORKERS = Reading(
    "autovacuum_workers",
    tier=Tier.MEDIUM,
    view="pg_stat_activity",
    labels={"datname": "database", "command": "command", "relation": "relation", "wraparound": "wraparound"},
    columns={"started": working},
)

due = gauge(
    "pg_autovacuum_due_ratio",
    "How much of what makes autovacuum come is there: at 1 it is due.",
    (*_TABLE, "reason"),
    Unit.RATIO,
    most=BEYOND_COUNT,
    note="By the table's own settings where it has any. reason: dead, inserted, changed (analyze) or age (wraparound). "
    "The ten tables that are furthest, of each database.",
)
due_tables = gauge(
    "pg_autovacuum_due_tables",
    "Tables that autovacuum is due for.",
    ("database", "reason"),
    note="Counts are of the statistics, which a crash or a reset sets to zero.",
)
DUE = Reading(
    "autovacuum",
    tier=Tier.MEDIUM,
    view="pg_class, pg_stat_get_dead_tuples(), pg_stat_get_ins_since_vacuum(), pg_stat_get_mod_since_analyze()",
    labels={"datname": "database", "nspname": "schema", "relname": "table", "reason": "reason"},
    columns={"due": due},
)
DUE_TABLES = Reading(
    "autovacuum_tables",
    tier=Tier.MEDIUM,
    view="pg_class",
    labels={"datname": "database", "reason": "reason"},
    columns={"tables": due_tables},
)
"""Made by the collector of the rows of ``autovacuum``: no further query."""

table_age = gauge(
    "pg_table_xid_age",
    "Transactions since the table's oldest row that is not frozen.",
    _TABLE,
    note="The ten oldest tables of each database.",
)
OLDEST = Reading(
    "oldest",
    tier=Tier.SLOW,
    view="pg_class",
    labels={"datname": "database", "nspname": "schema", "relname": "table"},
    columns={"age": table_age},
)

sequence_used = gauge(
    "pg_sequence_used_ratio",
    "How much of a sequence's range is used up, or of the integer column's that it feeds.",
    ("database", "schema", "sequence"),
    Unit.RATIO,
    note="The twenty nearest to their end. No sample for one that was never used, that begins anew at its end, or that "
    "may not be read: pg_monitor alone does not let one.",
)
sequences_hidden = gauge("pg_sequences_hidden", "Sequences whose last value the role may not read.", ("database",))
SEQUENCES = Reading(
    "sequences",
    tier=Tier.SLOW,
    view="pg_sequences",
    labels={"datname": "database", "nspname": "schema", "relname": "sequence"},
    columns={"used": sequence_used},
)
SEQUENCES_HIDDEN = Reading(
    "sequences_hidden",
    tier=Tier.SLOW,
    view="pg_sequence",
    labels={"datname": "database"},
    columns={"hidden": sequences_hidden},
)
