"""What postgres_exporter says of its own work, told of ours: dashboards ask whether the numbers are fresh."""

from metrics import watch
from metrics.alias import Alias

_COLLECTORS = {
    "database": "slow",
    "database_wraparound": "medium",
    "locks": "medium",
    "long_running_transactions": "fast",
    "postmaster": "fast",
    "replication": "medium",
    "replication_slot": "medium",
    "roles": "slow",
    "stat_activity_autovacuum": "medium",
    "stat_bgwriter": "fast",
    "stat_checkpointer": "fast",
    "stat_database": "fast",
    "stat_statements": "medium",
    "stat_user_tables": "medium",
    "statio_user_indexes": "medium",
    "statio_user_tables": "medium",
    "wal": "medium",
}
"""Their collectors that we answer for, and the tier in which we ask the same."""

SCRAPES = (
    *(
        Alias(
            name="pg_scrape_collector_success",
            kind="gauge",
            help="Whether the last poll of the server got an answer.",
            of=watch.UP,
            add={"collector": name},
        )
        for name in _COLLECTORS
    ),
    *(
        Alias(
            name="pg_scrape_collector_duration_seconds",
            kind="gauge",
            help="How long the last poll took that asked for it, among others.",
            of=watch.POLL_SECONDS,
            where={"tier": tier},
            add={"collector": name},
        )
        for name, tier in _COLLECTORS.items()
    ),
    Alias(
        name="pg_exporter_last_scrape_duration_seconds",
        kind="gauge",
        help="How long the last poll took.",
        of=watch.POLL_SECONDS,
        where={"tier": "fast"},
    ),
    Alias(
        name="pg_exporter_last_scrape_error",
        kind="gauge",
        help="1 when the last poll of the server failed.",
        of=watch.UP,
        scale=-1.0,
        offset=1.0,
    ),
)
