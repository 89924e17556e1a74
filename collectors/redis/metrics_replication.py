"""INFO replication: a master's replicas, a replica's master, and the backlog between them."""

from collections.abc import Mapping

from collectors.redis.declare import BYTES, SECONDS, gauge
from metrics.forms import Level
from metrics.model import Metric
from metrics.poll import Tier
from metrics.reading import Column, Reading

BACKLOG: Mapping[str, Column | Metric] = {
    "repl_backlog_active": gauge("redis_repl_backlog_is_active", "1 while there is a backlog."),
    "repl_backlog_size": gauge("redis_replication_backlog_bytes", "Room of the backlog.", BYTES),
    "repl_backlog_first_byte_offset": gauge("redis_repl_backlog_first_byte_offset", "Where the backlog begins."),
    "repl_backlog_histlen": gauge("redis_repl_backlog_history_bytes", "What is in the backlog.", BYTES),
    "replicas_waiting_psync": Column(
        gauge("redis_replicas_waiting_psync", "Replicas whose sync waits (Valkey)."), since=(99,)
    ),
}

FORMER: Mapping[str, Column | Metric] = {
    "second_repl_offset": gauge("redis_second_repl_offset", "Up to where the former master's stream is served."),
}
"""Only after a failover or a restart that kept it."""

link_up = gauge("redis_replica_link_up", "1 while a replica's connection to its master stands.")
offset = gauge("redis_replica_offset_bytes", "How much of the stream a replica has applied.", BYTES)

REPLICA: Mapping[str, Column | Metric] = {
    "master_link_ok": link_up,
    "master_sync_in_progress": gauge("redis_replica_sync_in_progress", "1 while everything is fetched anew."),
    "slave_repl_offset": offset,
    "slave_read_repl_offset": Column(
        gauge("redis_replica_read_offset_bytes", "How much of the stream it has read.", BYTES), since=(7, 0)
    ),
    "slave_priority": gauge("redis_slave_priority", "Lower is chosen first at a failover; 0 never."),
    "slave_read_only": gauge("redis_replica_read_only", "1 when clients may not write to it."),
    "replica_announced": gauge("redis_replica_announced", "1 when Sentinel is told of it."),
    "replica_full_sync_buffer_size": Column(
        gauge("redis_replica_full_sync_buffer_bytes", "Stream kept during a full sync.", BYTES), since=(8, 0)
    ),
    "replica_full_sync_buffer_peak": Column(
        gauge("redis_replica_full_sync_buffer_peak_bytes", "The most of it.", BYTES), since=(8, 0)
    ),
    "replicas_repl_buffer_size": Column(
        gauge("redis_replicas_repl_buffer_bytes", "The same in Valkey.", BYTES), since=(99,)
    ),
    "replicas_repl_buffer_peak": Column(
        gauge("redis_replicas_repl_buffer_peak_bytes", "The most of it in Valkey.", BYTES), since=(99,)
    ),
}
"""Only on a replica."""

LINK: Mapping[str, Column | Metric] = {
    "master_last_io_seconds_ago": gauge(
        "redis_replica_last_io_seconds", "Since the master was last heard, while the link stands.", SECONDS
    ),
    "master_link_down_since_seconds": gauge(
        "redis_replica_link_down_seconds", "Since the link went down; unknown when it never stood.", SECONDS
    ),
    "master_sync_total_bytes": gauge(
        "redis_replica_sync_bytes", "Size of what is fetched; unknown when it comes without a file.", BYTES
    ),
    "master_sync_read_bytes": gauge("redis_replica_sync_read_bytes", "How much of it came.", BYTES),
    "master_sync_left_bytes": gauge("redis_replica_sync_left_bytes", "How much of it is left.", BYTES),
    "master_sync_last_io_seconds_ago": gauge(
        "redis_replica_sync_last_io_seconds", "Since something of it came.", SECONDS
    ),
}
"""Only on a replica: the first while its link stands, the second while it is down, the others while it is filled."""

MASTER = Reading(
    "INFO replication of a replica",
    labels={"master_host": "master_host", "master_port": "master_port"},
    columns={
        "there": gauge(
            "redis_master", "1: the master that this replica follows.", labels=("master_host", "master_port")
        )
    },
    tier=Tier.FAST,
)
"""One row, on a replica."""

WHO = ("ip", "port", "state")
lag_bytes = gauge("redis_connected_replica_lag_bytes", "What the replica has not confirmed yet.", BYTES, WHO)
lag_seconds = gauge(
    "redis_connected_replica_lag_seconds",
    "Since the replica last confirmed.",
    SECONDS,
    WHO,
    note="Whole seconds; 0 also while the replica loads. A frozen replica shows here first.",
)

REPLICAS = Reading(
    "INFO replication of a master",
    labels={"ip": "ip", "port": "port", "state": "state"},
    columns={
        "offset": gauge("redis_connected_replica_offset_bytes", "How much of the stream it has confirmed.", BYTES, WHO),
        "lag": lag_seconds,
        "lag_bytes": lag_bytes,
    },
    omitted={"type": "Valkey's word for replica or slot migration", "slot": "its number changes at each reconnect"},
)
"""One row for each replica; lag_bytes is made by the collector: master_repl_offset less offset."""

replica_lag = Level(
    name="redis_replica_lag",
    title="Replica lag",
    help="What the replica that is furthest behind has not confirmed yet.",
    of=[lag_bytes],
    highest=True,
    absent="No replica is connected.",
)
