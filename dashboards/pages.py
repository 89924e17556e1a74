"""The pages that are shipped, in reading order."""

from dashboards.layers import PICKED
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
