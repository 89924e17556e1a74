import re
import subprocess
import sys

import pytest

import collectors
from metrics.catalog import discover
from metrics.forms import terms
from metrics.model import Kind, Unit
from metrics.poll import Tier
from metrics.target import Direction

CATALOG = discover(collectors)

TARGETS = {
    "api_p95": (Direction.AT_LEAST, 0.95),
    "api_p99": (Direction.AT_LEAST, 0.99),
    "api_cache_served": (Direction.AT_LEAST, 0.95),
    "api_errors": (Direction.AT_MOST, 0.001),
    "api_throughput": (Direction.AT_LEAST, 5000),
    "api_concurrent_users": (Direction.AT_LEAST, 10000),
    "api_query_p95": (Direction.AT_LEAST, 0.95),
    "pg_cache_hit_ratio": (Direction.AT_LEAST, 0.90),
    "pg_dead_row_ratio": (Direction.AT_MOST, 0.05),
    "pg_index_scan_ratio": (Direction.AT_LEAST, 0.95),
    "pgbouncer_acquisition": (Direction.AT_MOST, 0.005),
    "pgbouncer_pool_efficiency": (Direction.AT_LEAST, 0.90),
    "pgbouncer_server_connections": (Direction.AT_MOST, 1.0),
    "redis_hit_rate": (Direction.AT_LEAST, 0.80),
}


def test_declarations_load_no_driver() -> None:
    code = (
        "import sys, collectors; from metrics.catalog import discover; from collectors.source import Source;"
        "discover(collectors); print(sorted({'psycopg', 'redis', 'flask', 'apscheduler'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_config_types_load_no_driver() -> None:
    code = (
        "import sys, importlib, pkgutil, collectors\n"
        "for each in pkgutil.iter_modules(collectors.__path__):\n"
        "    if each.ispkg: importlib.import_module(f'collectors.{each.name}.source')\n"
        "print(sorted({'psycopg', 'redis', 'flask', 'apscheduler'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_target_is_declared_with_its_bound() -> None:
    found = {form.name: (form.target.direction, form.target.bound) for form in CATALOG.targets() if form.target}
    assert found == TARGETS


@pytest.mark.parametrize("form", CATALOG.forms.values(), ids=lambda form: form.name)
def test_a_form_reads_like_one(form: object) -> None:
    declared = CATALOG.forms[getattr(form, "name", "")]
    assert len(declared.title) <= 32
    assert re.fullmatch(r"[^.]+\.", declared.help) or declared.help.count(". ") == 0
    assert declared.help.endswith(".")
    assert not declared.advice or declared.advice.endswith(".")
    if declared.target:
        assert declared.advice
    for term in declared.inputs():
        known = {*CATALOG.metrics[term.metric.name].labels, "le"}
        assert set(declared.by) <= known


def test_what_is_read_by_the_minute_is_judged_over_five() -> None:
    """A window of a minute has one sample of a minute: no change can be told. Of gauges the last one is judged."""
    slow = {
        metric.name
        for readings in CATALOG.readings.values()
        for reading in readings
        if reading.tier is not Tier.FAST
        for metric in reading.metrics()
        if metric.kind is not Kind.GAUGE
    }
    found = {
        form.name: form.target.window
        for form in CATALOG.targets()
        if form.target and slow & {term.metric.name for term in form.inputs()}
    }
    assert "pg_index_scan_ratio" in found
    assert set(found.values()) == {300.0}
    idle = {
        term.metric.name
        for form in CATALOG.targets()
        for guard in getattr(form, "guards", ())
        for term in terms(guard.idle)
    }
    assert idle
    assert not idle & slow


def test_metrics_of_seconds_and_bytes_say_so_and_readings_feed_declared_ones() -> None:
    fed = {
        metric.name for readings in CATALOG.readings.values() for reading in readings for metric in reading.metrics()
    }
    assert fed <= set(CATALOG.metrics)
    for name, metric in CATALOG.metrics.items():
        assert metric.unit is not Unit.SECONDS or "seconds" in name
