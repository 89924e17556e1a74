"""Is the monitor itself right? Its sources, its store and its versions."""

import platform
from importlib import metadata

from flask import Blueprint, Response, render_template

from dashboards.amounts import amount
from dashboards.span import clock
from dashboards.watched import headline, silence
from metrics.duration import spoken
from metrics.model import Unit
from webapp.site import site

blueprint = Blueprint("status", __name__)
_PARTS = ("Flask", "granian", "plotly", "numpy")


@blueprint.get("/status")
def status() -> Response:
    """Every source with its last poll, and the store."""
    survey, health = site().asked(), site().store.health()
    now = survey.span.end
    facts = [
        ("Series", f"{health.series:,}"),
        ("Polls", f"{health.polls:,}"),
        ("Size", str(amount(float(health.bytes), Unit.BYTES))),
        ("Not yet written back (WAL)", str(amount(float(health.wal_bytes), Unit.BYTES))),
        ("Oldest sample", clock(health.oldest, True) + " UTC" if health.oldest is not None else "none yet"),
        ("Newest sample", f"{spoken(max(0.0, now - health.newest))} ago" if health.newest is not None else "none yet"),
        ("Damaged pieces", f"{health.damaged:,}"),
    ]
    facts += [(f"Records dropped of {source}", f"{count:,}") for source, count in sorted(health.dropped.items())]
    versions = [("Trivet", site().version or "unknown"), ("Python", platform.python_version())]
    versions += [(name, metadata.version(name)) for name in _PARTS]
    return Response(
        render_template(
            "status.html",
            survey=survey,
            conditions=survey.conditions,
            headline=headline(survey.conditions),
            silence=silence(survey.conditions, now),
            banner=site().banner(),
            health=health,
            facts=facts,
            versions=[*versions, ("htmx", "4.0.1"), ("plotly.js basic", "4.1.1")],
            now=now,
        )
    )
