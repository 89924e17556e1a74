"""INFO memory, by the minute: what of it is not watched at every interval."""

from collections.abc import Mapping

from collectors.redis.declare import BYTES, RATIO, counter, gauge
from metrics.model import BEYOND_COUNT, Metric
from metrics.reading import Column

memory_used = gauge("redis_memory_used_bytes", "Memory that Redis has allocated.", BYTES)

COLUMNS: Mapping[str, Column | Metric] = {
    "used_memory_overhead": gauge(
        "redis_memory_used_overhead_bytes", "Memory for what is not data: buffers, tables.", BYTES
    ),
    "used_memory_startup": gauge("redis_memory_used_startup_bytes", "Memory used right after the start.", BYTES),
    "used_memory_dataset": gauge(
        "redis_memory_used_dataset_bytes", "Memory of keys and values.", BYTES, part_of=memory_used
    ),
    "used_memory_lua": gauge("redis_memory_used_lua_bytes", "Memory of the engine of EVAL scripts.", BYTES),
    "used_memory_scripts": gauge("redis_memory_used_scripts_bytes", "Memory of scripts and functions.", BYTES),
    "used_memory_vm_eval": Column(
        gauge("redis_memory_used_vm_eval_bytes", "Memory of the virtual machine of EVAL.", BYTES), since=(7, 0)
    ),
    "used_memory_vm_functions": Column(
        gauge("redis_memory_used_vm_functions_bytes", "Memory of the virtual machine of functions.", BYTES),
        since=(7, 0),
    ),
    "used_memory_vm_total": Column(
        gauge("redis_memory_used_vm_bytes", "Memory of the scripts' virtual machines.", BYTES), since=(7, 0)
    ),
    "used_memory_scripts_eval": Column(
        gauge("redis_memory_used_scripts_eval_bytes", "Memory of EVAL scripts.", BYTES), since=(7, 0)
    ),
    "used_memory_functions": Column(
        gauge("redis_memory_used_functions_bytes", "Memory of functions.", BYTES), since=(7, 0)
    ),
    "number_of_cached_scripts": gauge("redis_cached_scripts", "EVAL scripts that are kept."),
    "number_of_functions": Column(gauge("redis_functions", "Functions."), since=(7, 0)),
    "number_of_libraries": Column(gauge("redis_function_libraries", "Libraries of functions."), since=(7, 0)),
    "total_system_memory": gauge("redis_total_system_memory_bytes", "Memory of the machine.", BYTES),
    "allocator_allocated": gauge("redis_allocator_allocated_bytes", "Bytes that the allocator has given out.", BYTES),
    "allocator_active": gauge("redis_allocator_active_bytes", "Bytes of the pages that hold them.", BYTES),
    "allocator_resident": gauge("redis_allocator_resident_bytes", "Resident bytes of the allocator.", BYTES),
    "allocator_muzzy": Column(
        gauge("redis_allocator_muzzy_bytes", "Bytes that the system may take back when it needs them.", BYTES),
        since=(8, 0),
    ),
    "allocator_frag_ratio": gauge(
        "redis_allocator_frag_ratio", "Active over allocated bytes.", RATIO, most=BEYOND_COUNT
    ),
    "allocator_frag_bytes": gauge(
        "redis_allocator_frag_bytes", "Active less allocated bytes.", BYTES, least=-BEYOND_COUNT
    ),
    "allocator_rss_ratio": gauge("redis_allocator_rss_ratio", "Resident over active bytes.", RATIO, most=BEYOND_COUNT),
    "allocator_rss_bytes": gauge(
        "redis_allocator_rss_bytes", "Resident less active bytes.", BYTES, least=-BEYOND_COUNT
    ),
    "rss_overhead_ratio": gauge(
        "redis_rss_overhead_ratio", "Resident bytes of all over the allocator's.", RATIO, most=BEYOND_COUNT
    ),
    "rss_overhead_bytes": gauge(
        "redis_rss_overhead_bytes", "Resident bytes of all less the allocator's.", BYTES, least=-BEYOND_COUNT
    ),
    "mem_fragmentation_bytes": gauge(
        "redis_mem_fragmentation_bytes", "Resident less allocated memory.", BYTES, least=-BEYOND_COUNT
    ),
    "mem_not_counted_for_evict": gauge(
        "redis_mem_not_counted_for_eviction_bytes", "Memory that maxmemory does not count.", BYTES
    ),
    "mem_replication_backlog": gauge("redis_mem_replication_backlog_bytes", "Memory of the backlog.", BYTES),
    "mem_total_replication_buffers": Column(
        gauge("redis_mem_total_replication_buffers_bytes", "Memory of all buffers of replication.", BYTES),
        since=(7, 0),
    ),
    "mem_replica_full_sync_buffer": Column(
        gauge("redis_mem_replica_full_sync_buffer_bytes", "Memory for the stream during a full sync.", BYTES),
        since=(8, 0),
    ),
    "mem_replicas_repl_buffer": Column(
        gauge("redis_mem_replicas_repl_buffer_bytes", "The same in Valkey.", BYTES), since=(99,)
    ),
    "mem_clients_slaves": gauge("redis_mem_clients_slaves", "Memory of the connections of replicas.", note="In bytes."),
    "mem_clients_normal": gauge("redis_mem_clients_normal", "Memory of all other connections.", note="In bytes."),
    "mem_cluster_links": Column(
        gauge("redis_mem_cluster_links_bytes", "Memory of the links in a cluster.", BYTES), since=(7, 0)
    ),
    "mem_cluster_slot_import": Column(
        gauge("redis_mem_cluster_slot_import_bytes", "Memory of slots that come in.", BYTES), since=(99,)
    ),
    "mem_cluster_slot_export": Column(
        gauge("redis_mem_cluster_slot_export_bytes", "Memory of slots that go out.", BYTES), since=(99,)
    ),
    "mem_aof_buffer": gauge("redis_mem_aof_buffer_bytes", "Memory of the append-only file's buffer.", BYTES),
    "mem_overhead_db_hashtable_rehashing": Column(
        gauge("redis_mem_overhead_db_hashtable_rehashing_bytes", "Memory for tables that grow just now.", BYTES),
        since=(7, 4),
    ),
    "active_defrag_running": gauge(
        "redis_active_defrag_running", "CPU percent that defragmentation aims at; 0 is off."
    ),
    "lazyfree_pending_objects": gauge("redis_lazyfree_pending_objects", "Objects that wait to be freed."),
    "lazyfreed_objects": counter("redis_lazyfreed_objects_total", "Objects freed in the background."),
    "engines_count": Column(gauge("redis_scripting_engines", "Scripting engines (Valkey)."), since=(99,)),
    "engines_total_used_memory": Column(
        gauge("redis_scripting_engines_used_bytes", "Memory of all scripting engines (Valkey).", BYTES), since=(99,)
    ),
    "engines_total_memory_overhead": Column(
        gauge("redis_scripting_engines_overhead_bytes", "What managing them takes (Valkey).", BYTES), since=(99,)
    ),
}
"""Those since (99,) are Valkey's alone: taken where they are, missed nowhere."""
