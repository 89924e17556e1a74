"""The formats that can be imported: each takes a file apart into series, times and values.

openmetrics      OpenMetrics text with a timestamp on every line
prometheus       the answer of Prometheus' /api/v1/query_range, JSON
victoriametrics  what VictoriaMetrics' /api/v1/export gives, one JSON object a line
csv              a header with time, metric and value; every other column is a label
"""

import csv
import datetime
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from prometheus_client.openmetrics.parser import text_fd_to_metric_families

from storage.importing.gathered import Gathered
from storage.importing.problems import MOST, BadLine, metric, milliseconds

Reads = Callable[[Path, Gathered], Iterator[BadLine]]
NAME = "__name__"


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(msgspec.Struct):
    result: list[_Series]
    result_type: str = msgspec.field(name="resultType", default="matrix")


class _Answer(msgspec.Struct):
    data: _Data


class _Exported(msgspec.Struct):
    metric: dict[str, str]
    values: list[float | str | None]
    timestamps: list[int]


def openmetrics(path: Path, into: Gathered) -> Iterator[BadLine]:
    """The parser gives up at the first mistake, so there is one at most."""
    line = 0

    def counted(file: Any) -> Iterator[str]:
        nonlocal line
        for text in file:
            line += 1
            yield text

    with path.open(encoding="utf-8", newline="\n") as file:
        try:
            for family in text_fd_to_metric_families(counted(file)):  # type: ignore[no-untyped-call]
                for sample in family.samples:
                    if sample.timestamp is None:
                        raise BadLine(line, f"{sample.name} has no timestamp: expected one after the value")
                    number = into.number(metric(line, sample.name), sample.labels)
                    into.add(number, milliseconds(line, float(sample.timestamp)), float(sample.value))
        except BadLine as bad:
            yield bad
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
            yield BadLine(line, f"{error or type(error).__name__}: expected OpenMetrics text that ends in # EOF")


def prometheus(path: Path, into: Gathered) -> Iterator[BadLine]:
    """One document."""
    raw = path.read_bytes()
    try:
        found = msgspec.json.decode(raw, type=_Answer).data
        if found.result_type != "matrix":
            raise BadLine(1, f"a {found.result_type}: expected the matrix that query_range answers")
        for series in found.result:
            number = into.number(*_named(1, series.metric))
            for at, value in series.values:
                into.add(number, milliseconds(1, at), _number(1, value))
    except BadLine as bad:
        yield bad
    except msgspec.MsgspecError as error:
        yield BadLine(
            _line_of(raw, str(error)), f'{error}: expected {{"data": {{"result": [{{"metric", "values"}}]}}}}'
        )


def victoriametrics(path: Path, into: Gathered) -> Iterator[BadLine]:
    """One series, or a part of one, a line."""
    decoder = msgspec.json.Decoder(_Exported)
    with path.open("rb") as file:
        for line, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                _exported(line, decoder.decode(raw), into)
            except BadLine as bad:
                yield bad
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                yield BadLine(line, f'{error}: expected {{"metric": …, "values": …, "timestamps": …}}')


def comma_separated(path: Path, into: Gathered) -> Iterator[BadLine]:
    """An empty cell is no label."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, restkey="")
        lacking = [name for name in ("time", "metric", "value") if name not in (reader.fieldnames or ())]
        if lacking:
            yield BadLine(1, f"no column {', '.join(lacking)}: expected a header with time, metric and value")
            return
        try:
            for row in reader:
                try:
                    _row(reader.line_num, row, into)
                except BadLine as bad:
                    yield bad
        except csv.Error as error:
            yield BadLine(reader.line_num, str(error))


FORMATS: Mapping[str, Reads] = {
    "openmetrics": openmetrics,
    "prometheus": prometheus,
    "victoriametrics": victoriametrics,
    "csv": comma_separated,
}


def detected(path: Path) -> str:
    """The format of a file, by how it begins."""
    with path.open("rb") as file:
        begin = file.read(65536).lstrip()
    first = begin.split(b"\n", 1)[0]
    if begin.startswith(b"{"):
        return "prometheus" if b'"data"' in begin[:2000] and b'"timestamps"' not in first else "victoriametrics"
    header = [cell.strip().strip('"') for cell in first.decode("utf-8", "replace").split(",")]
    return "csv" if {"time", "metric"} <= set(header) else "openmetrics"


def read(path: Path, form: str, into: Gathered) -> list[str]:
    """Take a file in; what is wrong with it."""
    problems = []
    try:
        for bad in FORMATS[form or detected(path)](path, into):
            problems.append(bad.told(path))
            if len(problems) > MOST:
                break
    except UnicodeDecodeError as error:
        problems.append(f"{path}: is no UTF-8 text: {error.reason} at byte {error.start}")
    except OSError as error:
        problems.append(f"{path}: cannot be read: {error.strerror}")
    return problems


def _exported(line: int, found: _Exported, into: Gathered) -> None:
    if len(found.values) != len(found.timestamps):
        raise BadLine(line, f"{len(found.values)} values and {len(found.timestamps)} timestamps: expected as many")
    number = into.number(*_named(line, found.metric))
    for at, value in zip(found.timestamps, found.values, strict=True):
        # Null is how it writes the mark of a series that ended.
        if value is not None:
            into.add(number, milliseconds(line, at / 1000), _number(line, value))


def _row(line: int, row: dict[str, Any], into: Gathered) -> None:
    if "" in row or None in row.values():
        raise BadLine(line, "more or fewer cells than the header has")
    at, name, value = (row.pop(column) for column in ("time", "metric", "value"))
    into.add(into.number(metric(line, name), row), milliseconds(line, _time(line, at)), _number(line, value))


def _named(line: int, labels: dict[str, str]) -> tuple[str, dict[str, str]]:
    name = labels.pop(NAME, None)
    if name is None:
        raise BadLine(line, f"a series without {NAME}: expected the answer to a selector, not to an expression")
    return metric(line, name), labels


def _number(line: int, text: str | float) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadLine(line, f"{text[:80]!r} is no number" if isinstance(text, str) else "no number") from None


def _time(line: int, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        try:
            moment = datetime.datetime.fromisoformat(text)
        except ValueError:
            raise BadLine(line, f"{text[:80]!r} is no time: expected 1760000000 or 2025-10-09T08:53:20Z") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()
    return found if math.isfinite(found) else 0.0


def _line_of(raw: bytes, error: str) -> int:
    """The line of the byte that msgspec names."""
    _, _, at = error.partition("(byte ")
    return raw.count(b"\n", 0, int(at.rstrip(")"))) + 1 if at.rstrip(")").isdigit() else 1
