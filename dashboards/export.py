"""CSV of what a page shows. Names come from outside, so no cell may begin what a spreadsheet would run."""

import csv
import io
import math
from collections.abc import Iterable, Sequence

import numpy as np

from dashboards.drawing import Drawing, Mark, Stroke
from dashboards.scorecard import Row, Scorecard
from dashboards.span import iso
from dashboards.standing import Standing
from dashboards.survey import Survey

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


def cell(text: str) -> str:
    """A text that a spreadsheet takes as text: formulas get an apostrophe, control characters become spaces.

    >>> cell("=cmd()"), cell("a\\nb"), cell("orders")
    ("'=cmd()", 'a b', 'orders')
    """
    plain = "".join(" " if ord(char) < 32 or ord(char) == 127 else char for char in text)
    return f"'{plain}" if text.startswith(_STARTS) or plain.lstrip().startswith(("=", "+", "-", "@")) else plain


def number(value: float | None) -> str:
    """A number in base units, empty for what is not known; never a text, so never neutralised.

    >>> number(0.1), number(-3.0), number(None), number(float("nan"))
    ('0.1', '-3', '', '')
    """
    return "" if value is None or math.isnan(value) else f"{value:.10g}"


def series_csv(survey: Survey, drawings: Sequence[Drawing]) -> str:
    """One row per window, one column per line; the second row has units and targets."""
    columns = dict(_columns(drawings))
    rows: list[list[str]] = [["time", *map(cell, columns)], ["UTC", *(cell(note) for note, _ in columns.values())]]
    for i, end in enumerate(survey.span.ends):
        rows.append([iso(float(end)), *(number(float(values[i])) for _, values in columns.values())])
    return _written(rows)


def _columns(drawings: Sequence[Drawing]) -> Iterable[tuple[str, tuple[str, np.ndarray]]]:
    for drawn in drawings:
        for stroke in drawn.strokes:
            yield stroke.name, (_about(drawn, stroke), stroke.values)


def _about(drawn: Drawing, stroke: Stroke) -> str:
    marks: list[Mark] = list(drawn.marks) if len(drawn.panel.forms) == 1 else []
    target = stroke.form.target
    bounds = [f"{target.direction} {target.bound:g}"] if target else [f"{mark.text}" for mark in marks]
    return "; ".join([drawn.unit, *bounds])


HEADER = {
    "target": "",
    "layer": "",
    "subject": "",
    "state": "met, missed or unknown",
    "value": "base unit",
    "unit": "",
    "direction": "",
    "bound": "base unit",
    "headroom": "share of the bound",
    "time_in_target": "ratio",
    "from": "UTC",
    "to": "UTC",
    "part": "",
    "whole": "",
    "volume": "",
    "reason": "",
}


def targets_csv(card: Scorecard) -> str:
    """One row per target and subject, with the evidence behind it."""
    rows = [list(HEADER), list(HEADER.values())]
    rows += [_target_row(row, standing) for row in card.rows for standing in row.standings]
    return _written(rows)


def _target_row(row: Row, standing: Standing) -> list[str]:
    verdict = standing.verdict
    return [
        cell(row.form.name),
        cell(row.layer),
        cell(standing.subject),
        str(verdict.state),
        number(verdict.value),
        str(row.form.unit),
        str(verdict.target.direction),
        number(verdict.target.bound),
        number(standing.headroom),
        number(standing.inside),
        iso(verdict.start) if verdict.start is not None else "",
        iso(verdict.end) if verdict.end is not None else "",
        number(verdict.part),
        number(verdict.whole),
        number(verdict.volume),
        cell(verdict.reason),
    ]


def _written(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
