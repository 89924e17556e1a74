"""The pages that are shipped, in reading order."""

from dashboards.page import LAYERS, Page, Panel, Subjects, known, layer_panels
from metrics.catalog import Catalog

OVERVIEW = (
    Panel(
        name="latency",
        title="API latency",
        note="p95 and p99 of all routes",
        forms=("api_p95_seconds", "api_p99_seconds"),
    ),
    Panel(name="throughput", title="API throughput", note="requests answered", forms=("api_throughput",)),
    Panel(name="errors", title="API errors", note="5xx and timeouts over all requests", forms=("api_errors",)),
    Panel(
        name="acquisition",
        title="Connection acquisition",
        note="mean wait for a server of the pool",
        forms=("pgbouncer_acquisition",),
    ),
    Panel(
        name="pool",
        title="PgBouncer pool",
        note="servers and waiting clients, all pools",
        forms=(
            "pgbouncer_servers_in_use",
            "pgbouncer_servers_open",
            "pgbouncer_clients_waiting",
            "pgbouncer_servers_limit",
        ),
        subjects=Subjects.SUM,
    ),
    Panel(
        name="hits",
        title="Cache hit rates",
        note="Redis, the API's cache, PostgreSQL's buffers",
        forms=("redis_hit_rate", "api_cache_hit_rate", "pg_cache_hit_ratio"),
        lowest=True,
    ),
    Panel(
        name="index-scans",
        title="Index scans",
        note="lowest tables of 1 MB or 10,000 rows",
        forms=("pg_index_scan_ratio_by_table",),
        marks=("pg_index_scan_ratio",),
        lowest=True,
    ),
    Panel(
        name="dead-rows",
        title="Dead rows",
        note="highest tables of 1,000 dead rows",
        forms=("pg_dead_row_ratio_by_table",),
        marks=("pg_dead_row_ratio",),
    ),
)

PICKED = {
    "api": (
        Panel(
            name="latency",
            title="Latency",
            note="of all routes, interpolated",
            forms=("api_p50_seconds", "api_p95_seconds", "api_p99_seconds"),
        ),
        Panel(
            name="within",
            title="Answered in time",
            note="share of requests within the bound",
            forms=("api_p95", "api_p99", "api_cache_served"),
        ),
    ),
    "pgbouncer": (
        Panel(
            name="pool",
            title="Servers of the pool",
            note="all pools",
            forms=("pgbouncer_servers_in_use", "pgbouncer_servers_open", "pgbouncer_servers_limit"),
            subjects=Subjects.SUM,
        ),
        Panel(
            name="network",
            title="Network",
            note="from and to clients",
            forms=("pgbouncer_network_in", "pgbouncer_network_out"),
            subjects=Subjects.SUM,
        ),
    ),
    "redis": (
        Panel(name="memory", title="Memory", note="used and allowed", forms=("redis_memory_used", "redis_memory_max")),
        Panel(
            name="clients",
            title="Clients",
            note="connected and blocked",
            forms=("redis_clients", "redis_clients_blocked"),
        ),
        Panel(
            name="network", title="Network", note="read and written", forms=("redis_network_in", "redis_network_out")
        ),
    ),
    "postgres": (
        Panel(
            name="index-scans-by-table",
            title="Index scans by table",
            note="lowest tables of 1 MB or 10,000 rows",
            forms=("pg_index_scan_ratio_by_table",),
            marks=("pg_index_scan_ratio",),
            lowest=True,
        ),
        Panel(
            name="dead-rows-by-table",
            title="Dead rows by table",
            note="highest tables of 1,000 dead rows",
            forms=("pg_dead_row_ratio_by_table",),
            marks=("pg_dead_row_ratio",),
        ),
        Panel(
            name="query-time",
            title="Query time",
            note="p95 of the API's requests, mean of all statements",
            forms=("api_query_p95_seconds", "pg_query_mean"),
        ),
        Panel(
            name="transactions",
            title="Transactions",
            note="all, and those rolled back",
            forms=("pg_transactions", "pg_rollbacks"),
            subjects=Subjects.SUM,
        ),
        Panel(
            name="ages",
            title="Open transactions",
            note="age of the oldest",
            forms=("pg_longest_transaction", "pg_longest_idle_in_transaction"),
        ),
        Panel(
            name="rare",
            title="Deadlocks and forced checkpoints",
            note="both should stay at zero",
            forms=("pg_deadlocks", "pg_checkpoints_forced"),
            subjects=Subjects.SUM,
        ),
    ),
}

QUESTIONS = {
    "api": "Do users feel it?",
    "pgbouncer": "Are clients waiting, and is the pool the right size?",
    "redis": "Is the cache paying?",
    "postgres": "Is the database healthy?",
}


def shipped(catalog: Catalog) -> tuple[Page, ...]:
    """Every page, with the panels whose forms are declared."""
    overview = Page(
        name="overview",
        title="Overview",
        question="Are we inside our targets, and if not, since when?",
        layers=tuple(LAYERS),
        panels=tuple(known(OVERVIEW, catalog)),
    )
    return (overview, *(_layer(kind, catalog) for kind in LAYERS))


def _layer(kind: str, catalog: Catalog) -> Page:
    return Page(
        name=kind,
        title=LAYERS[kind],
        question=QUESTIONS[kind],
        layers=(kind,),
        panels=layer_panels(kind, PICKED[kind], catalog),
        whole=True,
    )
