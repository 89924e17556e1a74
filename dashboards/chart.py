"""A panel as columns of numbers for a browser: a regular grid, null where nothing is known."""

import math
from typing import TypedDict

import numpy as np

from dashboards import amounts
from dashboards.drawing import Drawing
from dashboards.events import MARK_TEXT, marks
from dashboards.survey import Survey
from metrics.points import Column
from metrics.poll import Event


class SeriesData(TypedDict):
    """One line; ``now`` is its last value as the page shows it."""

    name: str
    y: list[float | None]
    now: str


class TargetData(TypedDict):
    """One target line."""

    value: float
    text: str
    far: bool


class EventData(TypedDict):
    """A moment or a span, in seconds of the epoch."""

    kind: str
    at: float
    until: float | None
    text: str


class ChartData(TypedDict):
    """What one chart is drawn from; values are in ``suffix``, which is base units times ``factor``."""

    id: str
    title: str
    t0: float
    step: float
    n: int
    factor: float
    suffix: str
    unit: str
    zero: bool
    series: list[SeriesData]
    targets: list[TargetData]
    events: list[EventData]
    more: int


def chart(survey: Survey, drawn: Drawing) -> ChartData:
    """The data of one panel."""
    scale = drawn.scale
    ends = survey.span.ends
    return {
        "id": drawn.panel.name,
        "title": drawn.panel.title,
        "t0": float(ends[0]),
        "step": survey.span.step,
        "n": len(ends),
        "factor": scale.factor,
        "suffix": scale.suffix,
        "unit": str(drawn.unit),
        "zero": drawn.unit != "ratio",
        "series": [
            {
                "name": stroke.title,
                "y": column(stroke.values * scale.factor),
                "now": str(amounts.amount(float(stroke.values[-1]), drawn.unit)),
            }
            for stroke in drawn.strokes
        ],
        "targets": [
            {"value": round(mark.value * scale.factor, 9), "text": mark.text, "far": mark.far} for mark in drawn.marks
        ],
        "events": [_event(event) for event in marks(survey.events, survey.span.length)],
        "more": drawn.more,
    }


def column(values: Column) -> list[float | None]:
    """Numbers of about six figures, and null for what is not known.

    >>> column(np.array([0.1234567891, np.nan, 2.0]))
    [0.12346, None, 2.0]
    """
    known = values[np.isfinite(values)]
    size = float(np.abs(known).max()) if len(known) else 1.0
    decimals = max(0, 5 - int(np.floor(np.log10(size))) if size > 0 else 0)
    rounded = np.round(values, decimals)
    return [None if math.isnan(value) else value for value in rounded.tolist()]


def _event(event: Event) -> EventData:
    text = event.text if len(event.text) <= MARK_TEXT else f"{event.text[: MARK_TEXT - 1]}…"
    return {"kind": str(event.kind), "at": event.at, "until": event.until, "text": text}
