"""Small runs of the whole benchmark: the shape of its JSON, its file of results, and stores that agree."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import questions, store
from benchmarks.engines import NAMES, TRIVET
from benchmarks.questions import Disagreement
from benchmarks.table import QUERIES, Figure, Results, Row, markdown
from metrics.model import Selector

SMALL = ("--series", "20", "--hours", "1", "--crowd", "0.5")


def bench(tmp_path: Path, *words: str) -> tuple[Any, str, str]:
    """The JSON, the file of results and what was printed."""
    file, results = tmp_path / "figures.json", tmp_path / "results.md"
    places = ("--json", str(file), "--results", str(results), "--folder", str(tmp_path / "data"))
    done = CliRunner().invoke(store.main, [*SMALL, *words, *places], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert not list((tmp_path / "data").iterdir())
    return json.loads(file.read_text()), results.read_text(), done.output


def test_a_run_without_peers_has_the_shape_that_was_promised(tmp_path: Path) -> None:
    figures, results, printed = bench(tmp_path, "--no-peers", "--seed", "5")
    assert list(figures) == ["bytes_per_sample", "append_ms", "query_ms"]
    assert list(figures["bytes_per_sample"]) == ["trivet_2h", "trivet_24h", "victoriametrics", "prometheus"]
    assert list(figures["append_ms"]) == list(NAMES)
    assert list(figures["query_ms"]) == ["1x1h", "12x24h", "rate24h", "latest", "10x7d"]
    assert all(list(each) == list(NAMES) for each in figures["query_ms"].values())
    assert all(figures["query_ms"][query][TRIVET] > 0 for query in QUERIES if query != "10x7d")
    assert figures["query_ms"]["10x7d"] == dict.fromkeys(NAMES)
    assert figures["bytes_per_sample"]["victoriametrics"] is None
    assert "20 series × 1 h at 10 s, seed 5, without peers" in results
    assert "| KiB written for each such cycle | ≤ 60 |" in results
    assert "cores" in results
    assert "this run is not judged" in printed


def test_real_peers_give_the_same_answers(tmp_path: Path) -> None:
    """Raises Disagreement where a store's answer is another's not."""
    figures, results, _ = bench(tmp_path)
    assert all(value > 0 for value in figures["bytes_per_sample"].values())
    assert all(value > 0 for value in figures["append_ms"].values())
    measured = [query for query in QUERIES if query != "10x7d"]
    assert all(figures["query_ms"][query][name] > 0 for query in measured for name in NAMES)
    assert "victoriametrics 1." in results
    assert "prometheus 2." in results


class Fixed:
    """A store with one answer."""

    def __init__(self, name: str, answer: float) -> None:
        self.name = name
        self.answer = answer

    def raw(self, *_: Any) -> dict[Any, Any]:
        return {}

    window = rate = raw

    def latest(self, at: float) -> dict[tuple[str, str], float]:
        return {("s000", "fast-00"): self.answer + at}


def test_a_difference_of_more_than_a_billionth_is_a_disagreement() -> None:
    question = questions.latest(0.0)
    questions.check(question, [Fixed("one", 1.0), Fixed("two", 1.0 + 1e-10)])
    with pytest.raises(Disagreement, match=r"1 differ, 1\.0 and 1\.00001"):
        questions.check(question, [Fixed("one", 1.0), Fixed("two", 1.00001)])


def test_no_answer_is_no_agreement() -> None:
    nothing = questions.Question("nothing", [], [lambda each: each.raw(Selector("bench_level"), 0, 0)])
    with pytest.raises(Disagreement, match="no answer"):
        questions.check(nothing, [Fixed("one", 1.0), Fixed("two", 1.0)])


def test_the_table_says_where_ours_is_behind() -> None:
    figures = {"trivet": Figure(3.0), "victoriametrics": Figure(2.0), "prometheus": Figure(6.0, 7.0)}
    row = Row("asking", figures, bar=4.0, to_vm=0.6)
    assert row.verdict() == "missed; behind VictoriaMetrics"
    assert markdown([row]).splitlines()[-1] == (
        "| asking | ≤ 4, ≤ 0.6× VM | 3 | 2 | 1.50× | 6 (7) | 0.50× | missed; behind VictoriaMetrics |"
    )
    assert Row("alone", {"trivet": Figure(3.0)}, bar=4.0, to_vm=0.6).verdict() == (
        "reached; not set beside VictoriaMetrics"
    )
    assert Row("small", figures, bar=4.0, judged=False).verdict() == "behind VictoriaMetrics"


def test_what_was_not_measured_is_null() -> None:
    assert Results().as_json()["query_ms"]["10x7d"] == dict.fromkeys(NAMES)
