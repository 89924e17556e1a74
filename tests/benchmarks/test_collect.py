"""A small run of the benchmark of the collectors: the shape of its JSON, and its file of results."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import collect
from benchmarks.collecting.capacity import Load
from benchmarks.collecting.costs import Pair
from benchmarks.collecting.report import Found
from benchmarks.collecting.weighing import Cost


@pytest.mark.timeout(180)
def test_a_run_has_the_shape_that_was_promised(tmp_path: Path) -> None:
    file, results = tmp_path / "figures.json", tmp_path / "results.md"
    places = ("--json", str(file), "--results", str(results), "--folder", str(tmp_path / "data"))
    words = ("--only", "redis", "--only", "coverage", "--polls", "3")
    done = CliRunner().invoke(collect.main, [*words, *places], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    figures = json.loads(file.read_text())
    assert list(figures) == ["cpu_ms", "capacity", "exporter_coverage"]
    assert figures["cpu_ms"]["redis"]["trivet"] > 0
    assert figures["cpu_ms"]["redis"]["exporter"] > 0
    assert list(figures["exporter_coverage"]) == ["postgres", "pgbouncer", "redis"]
    assert all(share >= 0.95 for share in figures["exporter_coverage"].values()), results.read_text()
    assert figures["capacity"]["sources"] is None
    assert "| Redis, CPU ms (series) | ≤ 1/5 |" in results.read_text()
    assert "not told why" not in results.read_text()
    assert not list((tmp_path / "data").iterdir())


def test_a_bar_that_is_missed_says_so() -> None:
    found = Found(pairs=[Pair("redis", "Redis", Cost(1.0, 9), Cost(4.0, 9), (1, 1))])
    found.crowd = Load(sources=10, series=5, core=0.2, poll_ms=2.0, lag_p99=1.0, done=1.0, resident_mb=50.0)
    verdicts = [row[-1] for row in found.rows()]
    assert verdicts[:2] == ["missed", "missed"]
    assert found.as_json()["capacity"]["core"] == 0.2
