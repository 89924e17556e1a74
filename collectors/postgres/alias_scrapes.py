"""What postgres_exporter says of its own work, told of ours: dashboards ask whether the numbers are fresh."""

from metrics import watch
from metrics.alias import Alias

_COLLECTORS = {
    "database": "slow",
    "locks": "medium",
    "replication": "medium",
    "replication_slot": "medium",
    "roles": "slow",
    "stat_bgwriter": "fast",
    "stat_database": "fast",
    "stat_user_tables": "medium",
    "statio_user_tables": "medium",
    "wal": "medium",
}
"""Their default collectors, and the tier in which we ask the same."""

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
