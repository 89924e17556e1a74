"""CONFIG GET by the hour: a few numbers; what changes is an event and a record. No password is ever asked for."""

from collectors.redis.declare import BYTES, SECONDS, gauge
from metrics.poll import Tier
from metrics.reading import Reading

databases = gauge("redis_databases", "Databases that the server is set to have.")
buffer_limit = gauge(
    "redis_config_client_output_buffer_limit_bytes", "What a client may leave unread.", BYTES, ("class", "limit")
)
buffer_seconds = gauge(
    "redis_config_client_output_buffer_limit_overcome_seconds",
    "How long it may be above the soft limit.",
    SECONDS,
    ("class", "limit"),
)
CONFIG = Reading(
    "CONFIG GET",
    columns={
        "databases": databases,
        "io-threads": gauge("redis_config_io_threads", "Threads that read and write."),
        "maxclients": gauge("redis_config_maxclients", "Clients that are allowed."),
        "maxmemory": gauge("redis_config_maxmemory", "Memory that is allowed, in bytes; 0 is without limit."),
        "slowlog-log-slower-than": gauge("redis_config_slowlog_microseconds", "From when on a command is slow."),
    },
    omitted={"*": "watched for changes, which are events; passwords and users of masters are not asked for"},
    tier=Tier.SLOW,
)
"""By the patterns of config.py, which pass over requirepass, masterauth and what else is secret."""
BUFFERS = Reading(
    "CONFIG GET client-output-buffer-limit",
    labels={"class": "class", "limit": "limit"},
    columns={"bytes": buffer_limit},
    omitted={"seconds": "taken by the next reading"},
    tier=Tier.SLOW,
)
BUFFER_TIMES = Reading(
    "CONFIG GET client-output-buffer-limit, its seconds",
    labels={"class": "class", "limit": "limit"},
    columns={"seconds": buffer_seconds},
    omitted={"bytes": "taken by the reading before"},
    tier=Tier.SLOW,
)
