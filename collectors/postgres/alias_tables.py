"""postgres_exporter's families of tables."""

from collections.abc import Iterator, Mapping, Sequence

from collectors.postgres import metrics as own
from collectors.postgres import metrics_tables as tables
from collectors.postgres.alias_terms import DATABASE
from metrics.alias import Alias
from metrics.model import Metric

_TABLE = {**DATABASE, "schema": "schemaname", "table": "relname"}


def _table(names: Mapping[str, Metric], kind: str, zero: bool = False, plus: Sequence[Metric] = ()) -> Iterator[Alias]:
    """Columns of pg_stat_user_tables and pg_statio_user_tables; ``zero`` where there is none of ours."""
    for name, metric in names.items():
        when = "_last_" in name
        yield Alias(name=name, kind=kind, help=metric.help, of=metric, labels=_TABLE, plus=plus, whole=when)
        if zero:
            yield Alias(name=name, kind=kind, help=metric.help, of=own.live_rows, labels=_TABLE, scale=0.0)


TABLES = (
    *_table(
        {
            "pg_stat_user_tables_seq_scan": own.seq_scans,
            "pg_stat_user_tables_seq_tup_read": own.seq_rows,
            "pg_stat_user_tables_idx_scan": own.idx_scans,
            "pg_stat_user_tables_idx_tup_fetch": tables.fetched,
            "pg_stat_user_tables_n_tup_ins": tables.inserted,
            "pg_stat_user_tables_n_tup_upd": tables.updated,
            "pg_stat_user_tables_n_tup_del": tables.deleted,
            "pg_stat_user_tables_n_tup_hot_upd": tables.hot_updated,
            "pg_stat_user_tables_vacuum_count": tables.vacuums,
            "pg_stat_user_tables_autovacuum_count": tables.autovacuums,
            "pg_stat_user_tables_analyze_count": tables.analyzes,
            "pg_stat_user_tables_autoanalyze_count": tables.autoanalyzes,
            "pg_statio_user_tables_heap_blocks_read": tables.heap_read,
            "pg_statio_user_tables_heap_blocks_hit": tables.heap_hit,
            "pg_statio_user_tables_idx_blocks_read": tables.idx_read,
            "pg_statio_user_tables_idx_blocks_hit": tables.idx_hit,
            "pg_statio_user_tables_toast_blocks_read": tables.toast_read,
            "pg_statio_user_tables_toast_blocks_hit": tables.toast_hit,
            "pg_statio_user_tables_tidx_blocks_read": tables.tidx_read,
            "pg_statio_user_tables_tidx_blocks_hit": tables.tidx_hit,
        },
        "counter",
        zero=True,
    ),
    *_table(
        {
            "pg_stat_user_tables_n_live_tup": own.live_rows,
            "pg_stat_user_tables_n_dead_tup": own.dead_rows,
            "pg_stat_user_tables_n_mod_since_analyze": tables.modified,
        },
        "gauge",
    ),
    *_table(
        {
            "pg_stat_user_tables_last_vacuum": tables.last_vacuum,
            "pg_stat_user_tables_last_autovacuum": tables.last_autovacuum,
            "pg_stat_user_tables_last_analyze": tables.last_analyze,
            "pg_stat_user_tables_last_autoanalyze": tables.last_autoanalyze,
        },
        "gauge",
        zero=True,
    ),
    *_table({"pg_stat_user_tables_size_bytes": own.table_size}, "gauge", plus=[tables.indexes_size, tables.toast_size]),
)
