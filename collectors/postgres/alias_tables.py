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


_BLOCKS = {
    "heap_{}_read": tables.heap_read,
    "heap_{}_hit": tables.heap_hit,
    "idx_{}_read": tables.idx_read,
    "idx_{}_hit": tables.idx_hit,
    "toast_{}_read": tables.toast_read,
    "toast_{}_hit": tables.toast_hit,
    "tidx_{}_read": tables.tidx_read,
    "tidx_{}_hit": tables.tidx_hit,
}
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
        },
        "counter",
        zero=True,
    ),
    # 0.17's name, and the column's own, which dashboards go on asking for.
    *(
        alias
        for word in ("blocks", "blks")
        for alias in _table(
            {f"pg_statio_user_tables_{name.format(word)}": metric for name, metric in _BLOCKS.items()},
            "counter",
            zero=True,
        )
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
