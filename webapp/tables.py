"""A drawing as rows of text, newest first."""

from collections.abc import Iterator

from dashboards.amounts import amount
from dashboards.drawing import Drawing
from dashboards.span import clock, iso
from dashboards.survey import Survey


def table(survey: Survey, drawn: Drawing) -> Iterator[tuple[str, str, list[str]]]:
    """For each window its end, for machines and for people, and the values of all lines."""
    ends = survey.span.ends
    for i in range(len(ends) - 1, -1, -1):
        at = float(ends[i])
        cells = [str(amount(float(stroke.values[i]), drawn.unit, drawn.scale)) for stroke in drawn.strokes]
        yield iso(at), clock(at, True) + f":{int(at) % 60:02d}", cells
