"""CLIENT LIST, summed up: no client has a series of its own, and no address is kept."""

from collectors.redis.declare import BYTES, SECONDS, gauge
from metrics.poll import Tier
from metrics.reading import Reading

WHO = ("name", "state")
clients = gauge(
    "redis_clients_by_name",
    "Clients by the name they gave themselves and by what they do, the collector left out.",
    labels=WHO,
    note="state: normal, blocked, multi (in a transaction), pubsub, monitor, replica, master.",
)
CLIENTS = Reading(
    "CLIENT LIST",
    labels={"name": "name", "state": "state"},
    columns={
        "clients": clients,
        "tot-mem": gauge("redis_clients_memory_bytes", "Memory of their connections.", BYTES, WHO),
        "omem": gauge("redis_clients_output_buffer_bytes", "Answers that they have not read yet.", BYTES, WHO),
        "qbuf": gauge("redis_clients_query_buffer_bytes", "What they have sent and is not run yet.", BYTES, WHO),
        "idle": gauge("redis_clients_idle_max_seconds", "The longest that one of them has done nothing.", SECONDS, WHO),
        "age": gauge("redis_clients_age_max_seconds", "The oldest of their connections.", SECONDS, WHO),
    },
    omitted={"*": "of one client alone: address, last command, flags, user, library, subscriptions, buffers' parts"},
    tier=Tier.MEDIUM,
)
"""One row for each group, made by the collector; the smallest beyond 30 are "(rest)", and so are ever new names."""
