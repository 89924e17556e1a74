"""What each table was written, cached and vacuumed, and what the tables of a database come to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from collectors.postgres.declare import BY_DATABASE, MILLISECONDS, gauge
from collectors.postgres.declare import total as server_total
from metrics.model import Metric, Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

EPOCH = "relations"
"""That of the server; and another at each start of the collector while tables or indexes are part of a rest."""

BY_TABLE = ("database", "schema", "table")
VIEWS = "pg_stat_user_tables, pg_statio_user_tables, pg_class"
OMITTED: Mapping[str, str] = {
    "relid": "names tell tables apart; a table that is made anew begins at zero",
    "schemaname": "the label schema",
}

_ESTIMATE = "An estimate; zero after a crash or a reset of statistics."
_CACHE = "Blocks not in shared_buffers may still have been in the cache of the operating system."
_TOAST = "No sample for a table without TOAST."
_NEVER = "No sample when it never happened, and none after a crash or a reset of statistics."
_RELPAGES = "By relpages: as of the last VACUUM, ANALYZE or CREATE INDEX."


def total(
    name: str,
    help: str,  # noqa: A002 - the field's own name
    labels: Sequence[str],
    unit: Unit = Unit.COUNT,
    note: str = "",
) -> Metric:
    """A counter of rows that are capped."""
    return replace(server_total(name, help, labels, unit, note), epoch=EPOCH)


inserted = total("pg_table_tup_ins_total", "Rows inserted.", BY_TABLE, note="Those of aborted transactions too.")
updated = total("pg_table_tup_upd_total", "Rows updated.", BY_TABLE, note="Those of aborted transactions too.")
deleted = total("pg_table_tup_del_total", "Rows deleted.", BY_TABLE, note="Those of aborted transactions too.")
hot_updated = total("pg_table_tup_hot_upd_total", "Rows updated without a new index entry.", BY_TABLE)
newpage_updated = total("pg_table_tup_newpage_upd_total", "Rows whose new version went to another page.", BY_TABLE)
fetched = total(
    "pg_table_idx_tup_fetch_heap_total",
    "Rows fetched by index scans.",
    BY_TABLE,
    note="Index-only scans fetch none; pg_table_idx_tup_fetch_total counts theirs too.",
)
modified = gauge("pg_table_mod_since_analyze", "Rows changed since the last analyze.", BY_TABLE, note=_ESTIMATE)
inserted_since = gauge("pg_table_ins_since_vacuum", "Rows inserted since the last vacuum.", BY_TABLE, note=_ESTIMATE)


def _blocks(part: str, what: str, note: str = _CACHE) -> tuple[Metric, Metric]:
    return (
        total(
            f"pg_table_{part}_blks_read_total", f"Blocks of {what} not found in shared buffers.", BY_TABLE, note=note
        ),
        total(f"pg_table_{part}_blks_hit_total", f"Blocks of {what} found in shared buffers.", BY_TABLE, note=note),
    )


heap_read, heap_hit = _blocks("heap", "the table")
idx_read, idx_hit = _blocks("idx", "all its indexes")
toast_read, toast_hit = _blocks("toast", "its TOAST table", f"{_CACHE} {_TOAST}")
tidx_read, tidx_hit = _blocks("tidx", "its TOAST table's index", f"{_CACHE} {_TOAST}")


def _when(name: str, what: str) -> Metric:
    return gauge(f"pg_table_last_{name}_timestamp_seconds", f"When {what}.", BY_TABLE, Unit.SECONDS, note=_NEVER)


last_vacuum = _when("vacuum", "it was last vacuumed by hand, VACUUM FULL not counted")
last_autovacuum = _when("autovacuum", "autovacuum last vacuumed it")
last_analyze = _when("analyze", "it was last analyzed by hand")
last_autoanalyze = _when("autoanalyze", "autovacuum last analyzed it")
last_seq_scan = _when("seq_scan", "it was last read by a sequential scan")
last_idx_scan = _when("idx_scan", "one of its indexes was last scanned")
vacuums = total("pg_table_vacuum_total", "Vacuums by hand, VACUUM FULL not counted.", BY_TABLE)
autovacuums = total("pg_table_autovacuum_total", "Vacuums by autovacuum.", BY_TABLE)
analyzes = total("pg_table_analyze_total", "Analyzes by hand.", BY_TABLE)
autoanalyzes = total("pg_table_autoanalyze_total", "Analyzes by autovacuum.", BY_TABLE)


def _spent(name: str, what: str) -> Metric:
    return total(f"pg_table_{name}_seconds_total", f"Time that {what} took.", BY_TABLE, Unit.SECONDS)


vacuum_seconds = _spent("vacuum", "vacuums by hand")
autovacuum_seconds = _spent("autovacuum", "vacuums by autovacuum")
analyze_seconds = _spent("analyze", "analyzes by hand")
autoanalyze_seconds = _spent("autoanalyze", "analyzes by autovacuum")
indexes_size = gauge("pg_table_indexes_bytes", "Size of its indexes.", BY_TABLE, Unit.BYTES, note=_RELPAGES)
toast_size = gauge(
    "pg_table_toast_bytes",
    "Size of its TOAST table and that one's index.",
    BY_TABLE,
    Unit.BYTES,
    f"{_RELPAGES} {_TOAST}",
)

WORK = Reading(
    "tables_work",
    tier=Tier.MEDIUM,
    since=(13,),
    view=VIEWS,
    labels={"datname": "database", "nspname": "schema", "relname": "table"},
    columns={
        "n_tup_ins": inserted,
        "n_tup_upd": updated,
        "n_tup_del": deleted,
        "n_tup_hot_upd": hot_updated,
        "n_tup_newpage_upd": Column(newpage_updated, since=(16,)),
        "idx_tup_fetch": fetched,
        "n_mod_since_analyze": modified,
        "n_ins_since_vacuum": inserted_since,
        "heap_blks_read": heap_read,
        "heap_blks_hit": heap_hit,
        "idx_blks_read": idx_read,
        "idx_blks_hit": idx_hit,
        "toast_blks_read": toast_read,
        "toast_blks_hit": toast_hit,
        "tidx_blks_read": tidx_read,
        "tidx_blks_hit": tidx_hit,
        "last_vacuum": last_vacuum,
        "last_autovacuum": last_autovacuum,
        "last_analyze": last_analyze,
        "last_autoanalyze": last_autoanalyze,
        "last_seq_scan": Column(last_seq_scan, since=(16,)),
        "last_idx_scan": Column(last_idx_scan, since=(16,)),
        "vacuum_count": vacuums,
        "autovacuum_count": autovacuums,
        "analyze_count": analyzes,
        "autoanalyze_count": autoanalyzes,
        "total_vacuum_time": Column(vacuum_seconds, MILLISECONDS, since=(18,)),
        "total_autovacuum_time": Column(autovacuum_seconds, MILLISECONDS, since=(18,)),
        "total_analyze_time": Column(analyze_seconds, MILLISECONDS, since=(18,)),
        "total_autoanalyze_time": Column(autoanalyze_seconds, MILLISECONDS, since=(18,)),
        "indexes_size": indexes_size,
        "toast_size": toast_size,
    },
    omitted=OMITTED,
)
"""Made by the collector of the rows of ``tables``: no further query. Fewer tables than there have it at the cap."""

tables = gauge("pg_tables", "Tables and materialized views, 20,000 at most.", BY_DATABASE)
indexes = gauge("pg_indexes", "Indexes, 20,000 at most.", BY_DATABASE)
invalid = gauge(
    "pg_indexes_invalid", "Indexes that are maintained and not used: a CREATE INDEX CONCURRENTLY failed.", BY_DATABASE
)
all_tables = gauge("pg_tables_bytes", "Size of all tables without TOAST.", BY_DATABASE, Unit.BYTES, _RELPAGES)
all_indexes = gauge("pg_indexes_bytes", "Size of all indexes.", BY_DATABASE, Unit.BYTES, _RELPAGES)
all_toast = gauge("pg_toast_bytes", "Size of all TOAST tables and their indexes.", BY_DATABASE, Unit.BYTES, _RELPAGES)
SUMS = Reading(
    "tables_sums",
    tier=Tier.MEDIUM,
    since=(13,),
    view=VIEWS,
    labels={"datname": "database"},
    columns={
        "tables": tables,
        "indexes": indexes,
        "invalid": invalid,
        "size": all_tables,
        "indexes_size": all_indexes,
        "toast_size": all_toast,
    },
)
"""Made by the collector of the rows of ``tables`` and ``indexes``: no further query."""

databases = gauge(
    "pg_databases",
    "Databases, by whether their tables are watched.",
    ("state",),
)
WATCHED = Reading(
    "watched", tier=Tier.MEDIUM, view="pg_database", labels={"state": "state"}, columns={"databases": databases}
)
