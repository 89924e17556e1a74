"""A platform made of waves: polls as the four collectors would give them, for pages that need something to show."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dashboards.watched import Watched
from metrics.model import Sample, labelled
from metrics.poll import ErrorClass, Failure, Poll, Record, Tier
from storage.store import Store

INTERVAL = 10.0
SOURCES = (
    Watched("web", "api", {"environment": "demo"}),
    Watched("pooler", "pgbouncer", {"environment": "demo"}),
    Watched("cache", "redis", {"environment": "demo"}),
    Watched("main", "postgres", {"environment": "demo", "role": "primary"}),
)
EDGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, float("inf"))
TABLES = ("users", "deployments", "resources", "cost_analysis", "audit_logs", "notifications", "sessions")


@dataclass
class Feed:
    """Counters that go on from poll to poll; ``down`` names sources that do not answer."""

    totals: dict[tuple[str, tuple[tuple[str, str], ...]], float] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)

    def fill(self, store: Store, start: float, end: float, pause: tuple[float, float] = (0.0, 0.0)) -> None:
        """Polls of every source at every interval, but for a pause."""
        at = start
        while at <= end:
            for poll in self.polls(at, INTERVAL):
                if not pause[0] < at < pause[1]:
                    store.append(poll)
            at += INTERVAL

    def polls(self, at: float, passed: float) -> Iterator[Poll]:
        """One round of all sources."""
        makers = {"api": self._api, "pgbouncer": self._pgbouncer, "redis": self._redis, "postgres": self._postgres}
        for watched in SOURCES:
            yield self._poll(watched, at, list(makers[watched.kind](at, passed)))

    def _poll(self, watched: Watched, at: float, samples: Sequence[Sample]) -> Poll:
        up = watched.name not in self.down
        own = [
            _gauge("trivet_source_up", float(up)),
            _gauge("trivet_poll_duration_seconds", 0.012 if up else 1.0, tier="fast"),
            _gauge("trivet_poll_lag_seconds", 0.003, tier="fast"),
            self._count("trivet_polls_missed_total", 0),
            self._count("trivet_poll_errors_total", 0 if up else 1, error="unreachable"),
        ]
        failure = None if up else Failure(ErrorClass.UNREACHABLE, "connection refused", f"start {watched.name}")
        body = '{"kind": "unreachable", "text": "connection refused", "hint": "sudo systemctl start it"}'
        return Poll(
            source=watched.name,
            tier=Tier.FAST,
            at=at,
            duration=0.012,
            up=up,
            error=failure,
            epochs={"postgres": 1.0, "redis_run": 1.0, "api": 1.0} if up else {},
            samples=[*own, *(samples if up else ())],
            records=() if up else (Record("error", "last", body),),
        )

    def _count(self, name: str, by: float, **labels: str) -> Sample:
        key = (name, labelled(labels))
        self.totals[key] = self.totals.get(key, 0.0) + by
        return Sample(*key, self.totals[key])

    def _api(self, at: float, passed: float) -> Iterator[Sample]:
        for route, share in (("/v1/deployments", 0.6), ("/v1/resources", 0.4)):
            rate = 21 * share * wave(at, 0.12, 1)
            hits = 0.78 + 0.05 * wave(at, 1, 2) - 0.05
            for cache, part, slow in (("HIT", hits, 0.004), ("MISS", 1 - hits, 0.045 * wave(at, 0.3, 3))):
                n = rate * part * passed
                yield from self._histogram(
                    "http_request_duration_seconds", n, slow, route=route, method="GET", cache=cache
                )
            yield from self._histogram("http_db_duration_seconds", rate * (1 - hits) * passed, 0.018, route=route)
            bad = 0.0004 * rate * passed
            yield self._count("http_requests_total", rate * passed - bad, method="GET", route=route, code="200")
            yield self._count("http_requests_total", bad, method="GET", route=route, code="503")
            yield self._count("cache_requests_total", rate * hits * passed, result="hit")
            yield self._count("cache_requests_total", rate * (1 - hits) * passed, result="miss")
        yield from self._histogram("http_pool_wait_seconds", 5 * passed, 0.002)
        yield _gauge("http_requests_in_flight", round(2 * wave(at, 0.5, 4)))
        yield _gauge("http_connections_open", round(18 * wave(at, 0.2, 5)))

    def _histogram(self, name: str, n: float, mean: float, **labels: str) -> Iterator[Sample]:
        for bound in EDGES:
            inside = 1.0 if bound == math.inf else 1 - math.exp(-bound / mean)
            yield self._count(f"{name}_bucket", n * inside, le="+Inf" if bound == math.inf else f"{bound:g}", **labels)
        yield self._count(f"{name}_sum", n * mean, **labels)
        yield self._count(f"{name}_count", n, **labels)

    def _pgbouncer(self, at: float, passed: float) -> Iterator[Sample]:
        done = 14 * wave(at, 0.15, 6) * passed
        wait = 0.0042 * wave(at, 0.35, 7)
        for name, by in (
            ("transactions", done),
            ("queries", done * 3),
            ("server_assignments", done),
            ("received_bytes", done * 900),
            ("sent_bytes", done * 5200),
            ("transaction_seconds", done * 0.05),
            ("query_seconds", done * 0.03),
            ("wait_seconds", done * wait),
        ):
            yield self._count(f"pgbouncer_stats_{name}_total", by, database="platform")
        pool = {"database": "platform", "user": "app"}
        active = round(8 * wave(at, 0.4, 8))
        for name, value in (
            ("client_active_connections", 40.0),
            ("client_waiting_connections", max(0.0, round(1.4 * wave(at, 1.0, 9) - 1.2))),
            ("client_longest_wait_seconds", max(0.0, 0.004 * wave(at, 1.0, 9))),
            ("server_active_connections", active),
            ("server_idle_connections", 12.0),
            ("server_used_connections", 0.0),
            ("server_testing_connections", 0.0),
            ("server_login_connections", 0.0),
            ("server_cancel_connections", 0.0),
            ("server_canceled_connections", 0.0),
            ("server_open_connections", active + 12.0),
            ("server_limit_connections", 30.0),
            ("session_mode", 0.0),
        ):
            yield _gauge(f"pgbouncer_pools_{name}", value, **pool)
        yield _gauge("pgbouncer_used_clients", 42.0)
        yield _gauge("pgbouncer_config_max_client_connections", 1000.0)

    def _redis(self, at: float, passed: float) -> Iterator[Sample]:
        lookups = 19 * wave(at, 0.15, 1) * passed
        hits = 0.87 - 0.06 * wave(at, 1.0, 2) + 0.05
        for name, by in (
            ("keyspace_hits", lookups * hits),
            ("keyspace_misses", lookups * (1 - hits)),
            ("commands_processed", lookups * 1.6),
            ("evicted_keys", 0.0),
            ("expired_keys", passed * 1.1),
            ("rejected_connections", 0.0),
            ("net_input_bytes", lookups * 190),
            ("net_output_bytes", lookups * 4100),
            ("cpu_system_seconds", passed * 0.011),
            ("cpu_user_seconds", passed * 0.008),
        ):
            yield self._count(f"redis_{name}_total", by)
        yield _gauge("redis_memory_used_bytes", 212e6 * wave(at, 0.05, 3))
        yield _gauge("redis_memory_max_bytes", 2.0**31)
        yield _gauge("redis_connected_clients", round(14 * wave(at, 0.2, 4)))
        yield _gauge("redis_blocked_clients", 0.0)
        yield _gauge("redis_slowlog_length", 3.0)
        yield _gauge("redis_uptime_seconds", at % 1e6)
        yield _gauge("redis_db_keys", 21400.0, db="db0")

    def _postgres(self, at: float, passed: float) -> Iterator[Sample]:
        base = {"database": "platform"}
        blocks = 900 * wave(at, 0.2, 5) * passed
        hit = 0.992 - 0.004 * wave(at, 1, 6)
        for name, by in (
            ("blks_hit", blocks * hit),
            ("blks_read", blocks * (1 - hit)),
            ("xact_commit", 14 * passed),
            ("xact_rollback", 0.1 * passed),
            ("tup_inserted", 3 * passed),
            ("tup_updated", 2 * passed),
            ("tup_deleted", 0.2 * passed),
            ("deadlocks", 0.0),
            ("temp_bytes", 0.0),
        ):
            yield self._count(f"pg_stat_database_{name}_total", by, **base)
        for i, table in enumerate(TABLES):
            yield from self._table(at, passed, i, {**base, "schema": "public", "table": table})
        for state, count in (("active", 4), ("idle", 14), ("idle in transaction", 1)):
            yield _gauge("pg_connections", round(count * wave(at, 0.2, count)), state=state)
        yield _gauge("pg_max_connections", 97.0)
        yield _gauge("pg_in_recovery", 0.0, **base)
        yield _gauge("pg_tables_lost_rows_ratio", 0.0, **base)
        yield _gauge("pg_lock_waiters", 0.0)
        yield _gauge("pg_longest_transaction_seconds", 0.3 * wave(at, 0.9, 2))
        yield self._count("pg_statements_seconds_total", 0.4 * passed, **base)
        yield self._count("pg_statements_calls_total", 42 * passed, **base)
        for query, cost in (("-713", 0.2), ("42", 0.1), ("915", 0.05)):
            yield self._count("pg_query_seconds_total", cost * passed, user="app", queryid=query, **base)
            yield self._count("pg_query_calls_total", 10 * passed, user="app", queryid=query, **base)

    def _table(self, at: float, passed: float, i: int, labels: dict[str, str]) -> Iterator[Sample]:
        seq = (0.003 + 0.011 * i) * wave(at, 0.5, i)
        yield self._count("pg_table_idx_scan_total", 12 * passed * (1 - seq), **labels)
        yield self._count("pg_table_seq_scan_total", 12 * passed * seq, **labels)
        yield self._count("pg_table_idx_tup_fetch_total", 60 * passed, **labels)
        yield self._count("pg_table_seq_tup_read_total", 9 * passed * seq, **labels)
        rows = 30000.0 * (i + 1)
        dead = rows * (0.012 * i + 0.01 + 0.008 * wave(at, 1, i))
        yield _gauge("pg_table_live_rows", rows, **labels)
        yield _gauge("pg_table_dead_rows", dead, **labels)
        yield _gauge("pg_table_size_bytes", rows * 180, **labels)
        yield _gauge("pg_table_rows", rows, **labels)


def _gauge(name: str, value: float, **labels: str) -> Sample:
    return Sample(name, labelled(labels), float(value))


def wave(at: float, swing: float, phase: int) -> float:
    """About one, with slow and fast ripples that never repeat in a day."""
    slow = math.sin(at / 1700 + phase * 1.7)
    fast = math.sin(at / 83 + phase) * 0.4 + math.sin(at / 31.7 + phase * 3.1) * 0.25
    return 1 + swing * 0.6 * (slow + fast)
