"""JSON of any series and of any form, in base units. What cannot be answered says why, with 400."""

from flask import Blueprint, Response, abort, jsonify, request

from dashboards.chart import column
from dashboards.scorecard import scorecard
from dashboards.selecting import SelectorError, selector
from dashboards.span import MOST, SpanError, parse
from dashboards.standing import Standing
from metrics.catalog import Catalog
from metrics.duration import seconds
from metrics.forms import Form
from storage.store import Fold
from webapp.site import site

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
POINTS = 5000
SERIES = 500


@blueprint.errorhandler(SelectorError)
@blueprint.errorhandler(SpanError)
def refused(problem: ValueError) -> tuple[Response, int]:
    """What is wrong with the request, in a sentence."""
    return jsonify({"error": str(problem)}), 400


@blueprint.get("/series")
def series() -> Response:
    """Stored series on a regular grid: ``select``, ``range`` or ``from`` and ``to``, ``step``, ``fold``."""
    asked = request.args.get("select", "")
    if not asked:
        raise SelectorError('say which: select=redis_memory_used_bytes or select=pg_connections{state="active"}')
    chosen = selector(asked)
    span = parse(request.args, site().clock())
    step = _step(span.step)
    n = min(POINTS, max(1, int(span.length // step)))
    t0 = span.end - step * (n - 1)
    found = site().store.window(chosen, t0, step, n, _fold())
    return jsonify(
        {
            "select": str(chosen),
            "t0": t0,
            "step": step,
            "n": n,
            "series": [{"labels": dict(grid.labels), "values": column(grid.values)} for grid in found[:SERIES]],
            "left_out": max(0, len(found) - SERIES),
        }
    )


def _step(usual: float) -> float:
    text = request.args.get("step")
    if not text:
        return usual
    try:
        step = float(text) if text.replace(".", "", 1).isdigit() else seconds(text)
    except ValueError as problem:
        raise SpanError(str(problem)) from None
    if not step >= 1:
        raise SpanError("step is at least 1s")
    return step


def _fold() -> Fold:
    text = request.args.get("fold", "last")
    if text not in {str(fold) for fold in Fold}:
        raise SpanError(f'fold="{text[:40]}" is none: write {", ".join(Fold)}')
    return Fold(text)


@blueprint.get("/forms/<name>")
def form(name: str) -> Response:
    """A derived form over the grid of a range, one line per subject: what its chart shows, in base units."""
    survey = site().asked()
    found = site().catalog.forms.get(name) or abort(404)
    lines = survey.lines(found)
    return jsonify(
        {
            **_described(site().catalog, found),
            "t0": float(survey.span.ends[0]),
            "step": survey.span.step,
            "n": min(MOST, len(survey.span.ends)),
            "window": survey.window(found),
            "series": [
                {"source": line.subject.source, "labels": dict(line.subject.labels), "values": column(line.values)}
                for line in lines
            ],
        }
    )


@blueprint.get("/targets")
def targets() -> Response:
    """Every verdict, with its evidence."""
    survey = site().asked()
    card = scorecard(survey, tuple(page.name for page in site().pages if page.whole))
    rows = [
        {"target": row.form.name, "layer": row.layer, "state": row.state, "subjects": [_told(s) for s in row.standings]}
        for row in card.rows
    ]
    return jsonify({"headline": card.headline, "at": survey.span.end, "targets": rows})


def _told(standing: Standing) -> dict[str, object]:
    verdict = standing.verdict
    return {
        "source": verdict.subject.source,
        "labels": dict(verdict.subject.labels),
        "state": verdict.state,
        "value": verdict.value,
        "bound": verdict.target.bound,
        "direction": verdict.target.direction,
        "from": verdict.start,
        "to": verdict.end,
        "part": verdict.part,
        "whole": verdict.whole,
        "volume": verdict.volume,
        "idle": verdict.idle,
        "reason": verdict.reason,
        "headroom": standing.headroom,
        "time_in_target": standing.inside,
    }


@blueprint.get("/catalog")
def catalog() -> Response:
    """What there is to ask for."""
    known = site().catalog
    return jsonify(
        {
            "metrics": [
                {"name": m.name, "kind": m.kind, "unit": m.unit, "help": m.help, "labels": m.labels}
                for m in known.metrics.values()
            ],
            "forms": [_described(known, found) for found in known.forms.values()],
        }
    )


def _described(known: Catalog, found: Form) -> dict[str, object]:
    target = found.target
    return {
        "name": found.name,
        "title": found.title,
        "help": found.help,
        "unit": found.unit,
        "by": found.by,
        "layer": known.layer_of(found),
        "target": {"direction": target.direction, "bound": target.bound, "window": target.window} if target else None,
    }
