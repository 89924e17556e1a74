"""INFO all, by the minute: every field that is not watched at every interval, and why some are left."""

from collectors.redis.declare import counter, gauge
from collectors.redis.metrics import BESIDE, BY_THE_MINUTE, FAST, LEFT
from collectors.redis.metrics_persistence import AOF, LOADING, TIMES
from collectors.redis.metrics_replication import FORMER
from metrics.poll import Tier
from metrics.reading import Reading

ALL = Reading(
    "INFO all",
    columns=BY_THE_MINUTE,
    omitted={
        **dict.fromkeys(FAST, "taken at every interval, by INFO"),
        **LEFT,
    },
    tier=Tier.MEDIUM,
)
WHERE_ANY = Reading("INFO all, where not -1", columns={**TIMES, **FORMER}, tier=Tier.MEDIUM)
AOF_ON = Reading("INFO persistence with an append-only file", columns=AOF, omitted=BESIDE, tier=Tier.MEDIUM)
LOADS = Reading("INFO persistence while loading", columns=LOADING)

IDENTITY = (
    "role", "redis_version", "redis_mode", "os", "maxmemory_policy", "run_id", "tcp_port", "process_id",
    "master_replid", "redis_build_id",
)  # fmt: skip
instance = gauge("redis_instance_info", "1: what the server says of itself.", labels=(*IDENTITY, "valkey_version"))
INSTANCE = Reading(
    "INFO server",
    labels={name: name for name in (*IDENTITY, "valkey_version")},
    columns={"there": instance},
    tier=Tier.MEDIUM,
)
"""One row, made of INFO all."""

KEYS_LEFT = Reading(
    "INFO keyspace, the databases without keys",
    labels={"db": "db"},
    columns={"empty": gauge("redis_db_empty", "1: a database that holds no key.", labels=("db",))},
    tier=Tier.MEDIUM,
)
"""One row for each database that is not in INFO keyspace; known only where CONFIG GET may be asked."""

THREADS = Reading(
    "INFO threads",
    labels={"thread": "thread"},
    columns={
        "clients": gauge("redis_io_thread_clients", "Clients that a thread serves.", labels=("thread",)),
        "reads": counter("redis_io_thread_reads_total", "Reads of a thread.", labels=("thread",)),
        "writes": counter("redis_io_thread_writes_total", "Writes of a thread.", labels=("thread",)),
    },
    since=(8, 0),
    tier=Tier.MEDIUM,
)
MODULES = Reading(
    "INFO modules",
    labels={"name": "name", "ver": "version"},
    columns={"there": gauge("redis_module_info", "1: a module that is loaded.", labels=("name", "version"))},
    omitted=dict.fromkeys(
        ("api", "filters", "usedby", "using", "options"), "how modules hang together: nothing to measure"
    ),
    tier=Tier.MEDIUM,
)
ENGINES = Reading(
    "INFO scripting engines",
    labels={"name": "engine"},
    columns={
        "used_memory": gauge("redis_scripting_engine_used_memory", "Memory of one, in bytes.", labels=("engine",)),
        "memory_overhead": gauge(
            "redis_scripting_engine_overhead", "What managing it takes, in bytes.", labels=("engine",)
        ),
    },
    omitted={"module": "the module of the engine", "abi_version": "for those who write engines"},
    since=(99,),
    tier=Tier.MEDIUM,
)
