"""History of other programs comes in whole or not at all, and what is wrong with it is said where it is."""

import json
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from metrics.model import Selector
from storage.compaction import Retention
from storage.files import StoreError
from storage.importing.formats import detected
from storage.importing.load import load
from storage.importing.problems import ImportRefused
from storage.series import SeriesStore
from storage.store import Fold

BEGIN = 1_760_000_000
FOREVER = Retention(raw=1e10, ten_minutes=1e10, hour=1e10)


def openmetrics() -> str:
    """Two series of one family, and a gauge."""
    lines = ["# TYPE http_requests counter", "# HELP http_requests All."]
    for code in ("200", "500"):
        lines += [f'http_requests_total{{code="{code}",source="web"}} {i * 5.0} {BEGIN + 15 * i}' for i in range(40)]
    lines += ["# TYPE load gauge", *(f"load {i / 4} {BEGIN + 15 * i}.5" for i in range(40)), "# EOF"]
    return "\n".join(lines) + "\n"


def prometheus() -> str:
    """What query_range answers."""
    values = [[BEGIN + 15 * i, str(i * 5.0)] for i in range(40)]
    series = [
        {"metric": {"__name__": "http_requests_total", "code": code, "source": "web"}, "values": values}
        for code in ("200", "500")
    ]
    series.append({"metric": {"__name__": "load"}, "values": [[BEGIN + 15 * i + 0.5, str(i / 4)] for i in range(40)]})
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": series}})


def victoriametrics() -> str:
    """What export gives, in two parts and with a mark of staleness."""
    lines: list[dict[str, object]] = []
    for code in ("200", "500"):
        metric = {"__name__": "http_requests_total", "code": code, "source": "web"}
        for part in (range(30), range(30, 40)):
            stamps = [(BEGIN + 15 * i) * 1000 for i in part]
            lines.append({"metric": metric, "values": [i * 5 for i in part], "timestamps": stamps})
        lines[-1]["values"] = [*lines[-1]["values"], None]  # type: ignore[misc]
        lines[-1]["timestamps"] = [*lines[-1]["timestamps"], (BEGIN + 700) * 1000]  # type: ignore[misc]
    stamps = [(BEGIN + 15 * i) * 1000 + 500 for i in range(40)]
    lines.append({"metric": {"__name__": "load"}, "values": [i / 4 for i in range(40)], "timestamps": stamps})
    return "\n".join(map(json.dumps, lines)) + "\n"


def comma_separated() -> str:
    """Times in both shapes; an empty cell is no label."""
    lines = ["metric,time,code,source,value"]
    lines += [f"http_requests_total,{BEGIN + 15 * i},{c},web,{i * 5.0}" for c in ("200", "500") for i in range(40)]
    lines += [f"load,{BEGIN + 15 * i}.5,,,{i / 4}" for i in range(1, 40)]
    lines.append("load,2025-10-09T08:53:20.500Z,,,0")
    return "\r\n".join(lines)


TEXTS = {
    "openmetrics": openmetrics,
    "prometheus": prometheus,
    "victoriametrics": victoriametrics,
    "csv": comma_separated,
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SeriesStore]:
    """An empty store."""
    with closing(SeriesStore(tmp_path / "data")) as opened:
        yield opened


def bring(store: SeriesStore, path: Path, text: str, replace: bool = False, form: str = "") -> dict[str, float]:
    """Import one text."""
    path.write_text(text, encoding="utf-8", newline="")
    return dict(load(store, [path], "old", form, replace, FOREVER, lambda line: None))


@pytest.mark.parametrize("form", TEXTS)
def test_each_format_brings_the_same(store: SeriesStore, tmp_path: Path, form: str) -> None:
    """Found by how the file begins, compressed at once, every value where it was."""
    path = tmp_path / "file"
    done = bring(store, path, TEXTS[form]())
    assert detected(path) == form
    assert (done["samples"], done["series"], done["polls"]) == (120, 3, 80)
    first, second = store.raw(Selector("http_requests_total"), 0, 1e10)
    assert first.labels == {"source": "old", "exported_source": "web", "code": "200"}
    assert first.values.tolist() == second.values.tolist() == [i * 5.0 for i in range(40)]
    assert first.times.tolist() == [BEGIN + 15.0 * i for i in range(40)]
    (load_,) = store.raw(Selector("load"), 0, 1e10)
    assert load_.times.tolist() == [BEGIN + 15 * i + 0.5 for i in range(40)]
    assert load_.values.tolist() == [i / 4 for i in range(40)]
    assert store._writer.execute("select count(*) from hot").fetchone() == (0,)


@pytest.mark.parametrize(
    ("form", "text", "where", "words"),
    [
        ("openmetrics", openmetrics().replace("# EOF\n", ""), 123, "EOF"),
        ("openmetrics", "up 1\n# EOF\n", 2, "no timestamp"),
        ("openmetrics", f"up one {BEGIN}\n# EOF\n", 1, "expected OpenMetrics"),
        ("prometheus", prometheus()[:-3], 1, "truncated"),
        ("prometheus", '{"data": {\n"result": [{"metric": {}, "values": [[1, 2]]}]}}', 1, "str"),
        ("prometheus", '{"data": {"result": [{"metric": {}, "values": []}]}}', 1, "__name__"),
        ("prometheus", '{"data": {"resultType": "vector", "result": []}}', 1, "query_range"),
        ("victoriametrics", victoriametrics() + "{oops}\n", 6, "malformed"),
        ("victoriametrics", '{"metric":{"__name__":"x"},"values":[1],"timestamps":[]}', 1, "as many"),
        ("victoriametrics", '{"metric":{"__name__":"x"},"values":["a"],"timestamps":[1760000000000]}', 1, "no number"),
        ("csv", comma_separated() + "\r\nload,yesterday,,,1", 122, "is no time"),
        ("csv", comma_separated() + "\r\nload,1760000000000,,,1", 122, "seconds of the epoch"),
        ("csv", comma_separated() + "\r\nload,1760000000", 122, "cells"),
        ("csv", comma_separated() + "\r\nlo-ad,1760000000,,,1", 122, "name of a metric"),
        ("csv", "time,value\n", 1, "no column metric"),
    ],
)
def test_one_bad_line_and_nothing_is_imported(
    store: SeriesStore, tmp_path: Path, form: str, text: str, where: int, words: str
) -> None:
    """File, line and what was expected."""
    path = tmp_path / "file"
    with pytest.raises(ImportRefused) as refused:
        bring(store, path, text, form=form)
    first = str(refused.value).splitlines()[0]
    assert first.startswith(f"{path}:{where}: ")
    assert words in first
    assert str(refused.value).endswith("Nothing was imported.")
    assert store.series() == []


def test_polls_that_are_there_are_not_replaced_unasked(store: SeriesStore, tmp_path: Path) -> None:
    """A second import at the same times would drop what the first has of other metrics."""
    path = tmp_path / "file"
    bring(store, path, openmetrics())
    with pytest.raises(ImportRefused, match="at 80 of these 80 times"):
        bring(store, path, prometheus())
    bring(store, path, prometheus(), replace=True)
    assert sum(len(points.times) for points in store.raw(Selector("load"), 0, 1e10)) == 40


def test_an_import_that_ends_half_way_says_so(
    store: SeriesStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How much there is, and what to do."""
    monkeypatch.setattr("storage.importing.load.TOGETHER", 30)
    whole, calls = store.append_many, []

    def fails_late(polls: list[object]) -> None:
        calls.append(polls)
        if len(calls) > 2:
            raise OSError("No space left on device")
        whole(polls)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "append_many", fails_late)
    with pytest.raises(StoreError, match="60 of 80 polls were imported, then: No space left.*--replace"):
        bring(store, tmp_path / "file", openmetrics())


def test_special_values(store: SeriesStore, tmp_path: Path) -> None:
    """What is no finite number is kept as it is."""
    text = f"time,metric,value\n{BEGIN},x,NaN\n{BEGIN + 1},x,Inf\n{BEGIN + 2},x,-inf\n{BEGIN + 3},x,1e-320\n"
    huge = f"{BEGIN},huge,1e308\n{BEGIN + 1},huge,1.5e308\n{BEGIN + 2},huge,-1.7e308\n"
    bring(store, tmp_path / "file", text + huge)
    for fold in Fold:
        for metric in ("x", "huge"):
            store.window(Selector(metric), BEGIN - 10, 3600, 3, fold)
    (points,) = store.raw(Selector("x"), 0, 1e10)
    assert math.isnan(points.values[0])
    assert points.values[1:].tolist() == [math.inf, -math.inf, 1e-320]
