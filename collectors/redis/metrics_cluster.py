"""Clusters and Sentinel: CLUSTER INFO, asked of cluster nodes alone, and INFO sentinel."""

from collectors.redis.declare import BYTES, SECONDS, counter, gauge
from metrics.poll import Tier
from metrics.reading import Column, Reading

enabled = gauge("redis_cluster_enabled", "1 when the server is a node of a cluster.")
state_ok = gauge("redis_cluster_state", "1 while the cluster serves all its slots as this node sees it.")

_BYTES = ("", "pubsub_", "module_")
CLUSTER = Reading(
    "CLUSTER INFO",
    columns={
        "cluster_state_ok": state_ok,
        "cluster_slots_assigned": gauge("redis_cluster_slots_assigned", "Slots that a node serves."),
        "cluster_slots_ok": gauge("redis_cluster_slots_ok", "Slots whose node answers."),
        "cluster_slots_pfail": gauge("redis_cluster_slots_pfail", "Slots whose node may be down."),
        "cluster_slots_fail": gauge("redis_cluster_slots_fail", "Slots whose node is down."),
        "cluster_known_nodes": gauge("redis_cluster_known_nodes", "Nodes that this one knows."),
        "cluster_size": gauge("redis_cluster_size", "Masters that serve slots."),
        "cluster_current_epoch": gauge("redis_cluster_current_epoch", "Rises at each failover."),
        "cluster_my_epoch": gauge("redis_cluster_my_epoch", "The epoch of this node's own slots."),
        "cluster_stats_messages_sent": counter("redis_cluster_messages_sent_total", "Messages on the cluster's bus."),
        "cluster_stats_messages_received": counter("redis_cluster_messages_received_total", "The same, received."),
        "total_cluster_links_buffer_limit_exceeded": Column(
            counter("redis_cluster_links_freed_total", "Links dropped for their buffer."), since=(7, 0)
        ),
        "cluster_nodes_pfail": Column(
            gauge("redis_cluster_nodes_pfail", "Nodes that may be down (Valkey)."), since=(99,)
        ),
        "cluster_nodes_fail": Column(gauge("redis_cluster_nodes_fail", "Nodes that are down (Valkey)."), since=(99,)),
        "cluster_voting_nodes_pfail": Column(
            gauge("redis_cluster_voting_nodes_pfail", "Of those, the ones that vote (Valkey)."), since=(99,)
        ),
        "cluster_voting_nodes_fail": Column(
            gauge("redis_cluster_voting_nodes_fail", "Of those, the ones that vote (Valkey)."), since=(99,)
        ),
        **{
            f"cluster_stats_{part}bytes_{way}": Column(
                counter(f"redis_cluster_{part}bytes_{way}_total", f"Bytes {way} on the bus (Valkey).", BYTES),
                since=(99,),
            )
            for part in _BYTES
            for way in ("sent", "received")
        },
    },
    omitted={
        "cluster_state": "taken as cluster_state_ok",
        "cluster_stats_messages_*": "by kind of message: their sum is taken",
    },
    tier=Tier.MEDIUM,
)

SENTINEL = Reading(
    "INFO sentinel",
    columns={
        "sentinel_masters": gauge("redis_sentinel_masters", "Masters that this Sentinel watches."),
        "sentinel_tilt": gauge("redis_sentinel_tilt", "1 while it does nothing because the clock jumped."),
        "sentinel_total_tilt": Column(
            counter("redis_sentinel_tilts_total", "How often it was so (Valkey)."), since=(99,)
        ),
        "sentinel_running_scripts": gauge("redis_sentinel_running_scripts", "Scripts that run."),
        "sentinel_scripts_queue_length": gauge("redis_sentinel_scripts_queue_length", "Scripts that wait."),
        "sentinel_simulate_failure_flags": gauge("redis_sentinel_simulate_failure_flags", "Set by tests of Sentinel."),
    },
    omitted={"*": "of the process, as of every server: taken by INFO"},
)
TILT = Reading(
    "INFO sentinel, where not -1",
    columns={
        "sentinel_tilt_since_seconds": Column(
            gauge("redis_sentinel_tilt_seconds", "For how long it has done nothing.", SECONDS), since=(7, 0)
        )
    },
)
MASTER = ("master", "address")
SENTINEL_MASTERS = Reading(
    "INFO sentinel, each master",
    labels={"name": "master", "address": "address"},
    columns={
        "ok": gauge("redis_sentinel_master_ok", "1 while the master answers this Sentinel.", labels=MASTER),
        "slaves": gauge("redis_sentinel_master_slaves", "Its replicas that are known.", labels=MASTER),
        "sentinels": gauge("redis_sentinel_master_sentinels", "Sentinels that watch it.", labels=MASTER),
    },
    omitted={"status": "taken as ok"},
)
