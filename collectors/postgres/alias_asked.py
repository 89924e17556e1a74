"""Families of postgres_exporter's collectors that are off by default and that people ask for (--collector.NAME)."""

from collectors.postgres import metrics as own
from collectors.postgres import metrics_database as database
from collectors.postgres import metrics_indexes as indexes
from collectors.postgres import metrics_statements as statements
from collectors.postgres import metrics_vacuum as vacuum
from collectors.postgres import metrics_wal as wal
from collectors.postgres.alias_terms import DATABASE, plain
from metrics.alias import Alias

_INDEX = {"schema": "schemaname", "table": "relname", "index": "indexrelname"}
_STATEMENT = {**DATABASE, "user": "user", "queryid": "queryid"}


def _table(relation: str) -> str:
    """As they cut it out of what a worker says.

    >>> _table("public.orders"), _table("odd.na.me")
    ('orders', 'na')
    """
    return relation.split(".")[1] if "." in relation else ""


def _kept(relation: str) -> str:
    return f"{_table(relation)} (to prevent wraparound)"


ASKED = (
    *plain(
        {
            "pg_long_running_transactions": own.open_transactions,
            "pg_long_running_transactions_oldest_timestamp_seconds": own.longest_transaction,
        },
        "gauge",
        {},
    ),
    *(
        Alias(
            name="pg_stat_activity_autovacuum_timestamp_seconds",
            kind="gauge",
            help=vacuum.working.help,
            of=vacuum.working,
            labels={"relation": "relname"},
            spoken={"relation": spoken},
            where={"wraparound": must},
        )
        for must, spoken in (("false", _table), ("true", _kept))
    ),
    *(
        # Of all databases together: theirs has no label for them.
        Alias(
            name=f"pg_statio_user_indexes_{name}_total",
            kind="counter",
            help=metric.help,
            of=metric,
            labels=_INDEX,
            summed=True,
        )
        for name, metric in (("idx_blks_read", indexes.blocks_read), ("idx_blks_hit", indexes.blocks_hit))
    ),
    *(
        # A template that takes no connections has no say there.
        Alias(
            name=f"pg_database_wraparound_age_{name}_seconds",
            kind="gauge",
            help=f"{metric.help} No seconds, whatever the name says.",
            of=metric,
            labels=DATABASE,
            where={"database": "~(?!template0$).*"},
        )
        for name, metric in (("datfrozenxid", database.xid_age), ("datminmxid", database.mxid_age))
    ),
    Alias(
        name="pg_stat_checkpointer_stats_reset_total",
        kind="counter",
        help=wal.checkpointer_reset.help,
        of=wal.checkpointer_reset,
        whole=True,
    ),
    *(
        Alias(
            name=f"pg_stat_statements_{name}_total",
            kind="counter",
            help=metric.help,
            of=metric,
            labels=_STATEMENT,
            where={"queryid": "~-?[0-9]+"},
        )
        for name, metric in (
            ("calls", statements.calls),
            ("seconds", statements.seconds),
            ("rows", statements.rows),
            ("block_read_seconds", statements.shared_read_seconds),
            ("block_write_seconds", statements.shared_write_seconds),
        )
    ),
)
