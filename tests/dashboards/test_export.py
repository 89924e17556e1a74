"""CSV that a spreadsheet reads as data, whatever the names in it."""

import csv
import io
from collections.abc import Callable
from datetime import datetime

import pytest

from dashboards.drawing import drawing
from dashboards.export import HEADER, cell, series_csv, targets_csv
from dashboards.page import alone
from dashboards.scorecard import scorecard
from dashboards.survey import Survey
from metrics.catalog import Catalog
from storage.series import SeriesStore
from tests.dashboards import declared
from tests.dashboards.conftest import NOW


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")'])
def test_no_cell_begins_what_a_spreadsheet_would_run(name: str) -> None:
    assert not cell(name).lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))


def test_hostile_subjects_stay_in_their_cell(empty: SeriesStore) -> None:
    declared.sell(empty, NOW - 300, NOW, {'=cmd|"x"!A1': (9, 10), "a\r\nb,c": (9, 10)})
    seen = declared.survey(empty, NOW)
    rows = read(targets_csv(scorecard(seen, ("redis",))))
    assert {len(row) for row in rows} == {len(HEADER)}
    columns = read(series_csv(seen, [drawing(seen, alone(declared.share))]))
    assert {len(row) for row in columns} == {3}
    assert len(columns) == 2 + 30


def test_columns_are_named_and_have_units_and_targets(survey: Callable[..., Survey], catalog: Catalog) -> None:
    seen = survey()
    names, units, *rows = read(series_csv(seen, [drawing(seen, alone(catalog.forms["redis_hit_rate"]))]))
    assert names == ["time", 'redis_hit_rate{source="cache"}']
    assert units == ["UTC", "ratio; at least 0.8"]
    assert datetime.fromisoformat(rows[-1][0]).timestamp() == NOW
    assert 0.5 < float(rows[-1][1]) < 1
    assert any(row[1] == "" for row in rows)


def test_verdicts_come_with_their_evidence(survey: Callable[..., Survey]) -> None:
    rows = read(targets_csv(scorecard(survey(), ("redis",))))
    found = dict(zip(rows[0], rows[2], strict=True))
    assert float(found["part"]) / float(found["whole"]) == pytest.approx(float(found["value"]))
