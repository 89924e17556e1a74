"""What is taken from the metrics page of an API, and what is judged.

Families are known by Prometheus' usual names; everything else on the page is passed over. Series are summed over
labels that are not declared here.
"""

from metrics.forms import Level, Quantile, Rate, Ratio, Share, only
from metrics.model import Kind, Metric, Op, Unit
from metrics.target import at_least, at_most

EPOCH = "api"
"""process_start_time_seconds; an API of several workers has to report one for all."""

requests = Metric(
    name="http_requests_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Requests that were answered.",
    labels=("method", "route", "code"),
    epoch=EPOCH,
)
duration = Metric(
    name="http_request_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time to answer a request.",
    labels=("route", "method", "cache"),
    epoch=EPOCH,
)
database = Metric(
    name="http_db_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time that a request spent in the database.",
    labels=("route",),
    epoch=EPOCH,
)
pool_wait = Metric(
    name="http_pool_wait_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time that a request waited for a connection of the API's own pool.",
    epoch=EPOCH,
)
cache_requests = Metric(
    name="cache_requests_total",
    kind=Kind.COUNTER,
    unit=Unit.COUNT,
    help="Requests that asked the cache, by what it said.",
    labels=("result",),
    epoch=EPOCH,
)
cache_time = Metric(
    name="http_cache_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    help="Time that a request spent on the cache.",
    labels=("route",),
    epoch=EPOCH,
)
in_flight = Metric(
    name="http_requests_in_flight", kind=Kind.GAUGE, unit=Unit.COUNT, help="Requests that are being answered."
)
connections = Metric(
    name="http_connections_open", kind=Kind.GAUGE, unit=Unit.COUNT, help="Client connections that are open."
)
started = Metric(
    name="process_start_time_seconds",
    kind=Kind.GAUGE,
    unit=Unit.SECONDS,
    help="When the API started, in seconds of the epoch.",
)

_HIT = only("cache", "HIT")
_NO_DURATION = "The API reports no histogram http_request_duration_seconds."
_NO_DATABASE = "The API reports no histogram of database time."

p95 = Share(
    name="api_p95",
    title="p95 latency",
    help="Share of requests answered within 100 ms.",
    advice="Compare with query time, pool wait and cache hits over the same minutes: one of them moved too.",
    absent=_NO_DURATION,
    of=duration,
    bound=0.1,
    target=at_least(0.95, window="5m", hold="2m", traffic=100),
    beside=("api_p95_seconds",),
)
p99 = Share(
    name="api_p99",
    title="p99 latency",
    help="Share of requests answered within 200 ms.",
    advice="Look for the slowest routes: the last per cent is mostly lock waits, cold caches and large answers.",
    absent=_NO_DURATION,
    of=duration,
    bound=0.2,
    target=at_least(0.99, window="5m", hold="2m", traffic=100),
    beside=("api_p99_seconds",),
)
cached = Share(
    name="api_cache_served",
    title="Cache-served latency",
    help="Share of requests served from the cache that were answered within 10 ms.",
    advice="Look at Redis' slow log and at the size of what is cached.",
    absent=_NO_DURATION,
    of=duration,
    bound=0.01,
    having=_HIT,
    target=at_least(0.95, window="5m", hold="2m", traffic=20),
    beside=("api_cache_served_seconds",),
)
errors = Ratio(
    name="api_errors",
    title="Errors",
    help="Share of requests answered with a 5xx, timeouts (504) included.",
    advice="Look at the codes: 503 and 504 speak of pools and timeouts, 500 of the API's own log.",
    absent="The API reports no counter http_requests_total with a label code.",
    part=[requests.having("code", "5..", Op.RE)],
    whole=[requests],
    target=at_most(0.001, window="5m", hold="2m", traffic=100),
    beside=("api_error_rate",),
)
throughput = Rate(
    name="api_throughput",
    title="Throughput",
    help="Requests answered per second.",
    advice="Run a load test: a quiet hour says nothing of what the system can do.",
    of=[requests],
    target=at_least(5000, window="1m", judged_in="a load test"),
)
concurrency = Level(
    name="api_concurrent_users",
    title="Concurrent users",
    help="Connections that are open, or requests being answered where the API reports no connections.",
    advice="Run a load test: a quiet hour says nothing of what the system can do.",
    absent="The API reports neither http_connections_open nor http_requests_in_flight.",
    of=[connections, in_flight],
    highest=True,
    target=at_least(10000, window="1m", judged_in="a load test"),
)
query_p95 = Share(
    name="api_query_p95",
    title="p95 query time",
    help="Share of requests that spent at most 50 ms in the database.",
    advice="Look at the statements that take most time, and at scans of large tables.",
    absent=_NO_DATABASE,
    layer="postgres",
    of=database,
    bound=0.05,
    target=at_least(0.95, window="5m", hold="2m", traffic=100),
    beside=("pg_query_mean", "api_query_p95_seconds"),
)

p95_seconds = Quantile(
    name="api_p95_seconds", title="p95", help="95 of 100 requests were faster, interpolated.", of=duration, q=0.95
)
p99_seconds = Quantile(
    name="api_p99_seconds", title="p99", help="99 of 100 requests were faster, interpolated.", of=duration, q=0.99
)
p50_seconds = Quantile(
    name="api_p50_seconds", title="Median", help="Half of the requests were faster, interpolated.", of=duration, q=0.5
)
cached_seconds = Quantile(
    name="api_cache_served_seconds",
    title="p95 of cache hits",
    help="95 of 100 requests served from the cache were faster, interpolated.",
    of=duration,
    q=0.95,
    having=_HIT,
)
query_p95_seconds = Quantile(
    name="api_query_p95_seconds",
    title="p95 of database time",
    help="95 of 100 requests spent less time in the database, interpolated.",
    absent=_NO_DATABASE,
    layer="postgres",
    of=database,
    q=0.95,
)
cache_time_p95 = Quantile(
    name="api_cache_p95_seconds",
    title="p95 of cache time",
    help="95 of 100 requests spent less time on the cache, interpolated.",
    absent="The API reports no histogram http_cache_duration_seconds.",
    of=cache_time,
    q=0.95,
)
pool_wait_p95 = Quantile(
    name="api_pool_wait_p95_seconds",
    title="p95 of the API's pool wait",
    help="95 of 100 requests waited less for a connection of the API's own pool, interpolated.",
    absent="The API reports no histogram http_pool_wait_seconds.",
    layer="pgbouncer",
    of=pool_wait,
    q=0.95,
)
cache_hit_rate = Ratio(
    name="api_cache_hit_rate",
    title="Cache hit rate",
    help="Share of its questions to the cache that the API got an answer to, by its own count.",
    advice="Compare with Redis' own hit rate: sessions and locks count there too.",
    absent="The API reports no counter cache_requests_total.",
    part=[cache_requests.having("result", "hit|HIT", Op.RE)],
    whole=[cache_requests.having("result", "bypass|BYPASS", Op.NRE)],
)
error_rate = Rate(
    name="api_error_rate",
    title="Errors per second",
    help="Requests per second answered with a 5xx.",
    by=("code",),
    of=[requests.having("code", "5..", Op.RE)],
)
route_rate = Rate(
    name="api_routes", title="Requests by route", help="Requests per second.", by=("route",), of=[requests]
)
code_rate = Rate(name="api_codes", title="Requests by status", help="Requests per second.", by=("code",), of=[requests])
in_flight_level = Level(
    name="api_in_flight", title="Requests in flight", help="Requests that are being answered.", of=[in_flight]
)
