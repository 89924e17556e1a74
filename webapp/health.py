"""For machines that watch the watcher: /healthz and /metrics."""

import sqlite3
from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, abort, jsonify, request

from alerts.board import Board, Post
from alerts.facts import ORDER
from dashboards.scorecard import scorecard
from dashboards.span import parse
from dashboards.watched import LATE
from metrics.alias import aliased
from metrics.exposition import CONTENT_TYPE, Family, base, families, written
from metrics.model import SOURCE, Labels
from metrics.target import State
from storage.files import StoreError
from storage.store import Health
from webapp.newest import newest
from webapp.site import Site, site

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> tuple[Response, int]:
    """200 while samples are being written and judged, 503 with the reason when they are not."""
    now, health = site().clock(), site().store.health()
    age = None if health.newest is None else max(0.0, now - health.newest)
    longest = max((watched.interval for watched in site().sources), default=10.0)
    problem = health.problem
    if not problem and site().sources and (age is None or age > LATE * longest):
        problem = "no sample yet" if age is None else f"no sample for {age:.0f} s"
    troubles = site().alarms().troubles
    if not problem and any(trouble.grave for trouble in troubles):
        problem = " ".join(f"{trouble.title} {trouble.text}" for trouble in troubles if trouble.grave)
    body = {"ok": not problem, "problem": problem, "newest_sample_age_seconds": age, "version": site().version}
    return jsonify(body), 503 if problem else 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """Everything that is known now, in Prometheus' text format."""
    latest = newest(site().store, site().sources, site().clock())
    found = [*families(site().catalog.metrics, latest), *_own(site()), _verdicts(site())]
    return Response(written(found), content_type=CONTENT_TYPE)


@blueprint.get("/metrics/<layer>")
def layer(layer: str) -> Response:
    """One layer: our own names, and those of the exporter that people use for it.

    ``?source=NAME`` gives one source's samples without the label source, as an exporter of that server would.
    """
    here = site()
    if layer not in here.catalog.layers.values():
        abort(404)
    aliases = here.catalog.aliases.get(layer, ())
    latest = list(_latest(here, layer, {alias.of.name for alias in aliases}, request.args.get("source")))
    theirs = list(aliased(aliases, latest))
    taken = {family.name for family in theirs}
    ours = [family for family in families(here.catalog.metrics, latest) if family.name not in taken]
    return Response(written([*ours, *theirs]), content_type=CONTENT_TYPE)


def _latest(here: Site, layer: str, aliased_: set[str], wanted: str | None) -> Iterator[tuple[str, Labels, float]]:
    """What is declared for the layer; and of what every source has, such as whether it is up, what an alias needs."""
    declared = {name for name, of in here.catalog.layers.items() if of == layer}
    sources = {watched.name for watched in here.sources if watched.kind == layer}
    for metric, labels, value in newest(here.store, here.sources, here.clock()):
        name, source = base(metric, here.catalog.metrics), dict(labels).get(SOURCE, "")
        if name not in declared and not (name in aliased_ and source in sources):
            continue
        if wanted is None:
            yield metric, labels, value
        elif source == wanted:
            yield metric, tuple(label for label in labels if label[0] != SOURCE), value


def _own(here: Site) -> Iterator[Family]:
    health = here.store.health()
    requests, seconds = here.traffic.totals()
    by_code: list[tuple[str, Labels, float]] = [
        ("trivet_web_requests_total", (("code", code),), float(count)) for code, count in sorted(requests.items())
    ]
    yield _gauge("trivet_info", "The running version.", 1.0, (("version", here.version),))
    yield _gauge("trivet_store_bytes", "Size of the series store.", float(health.bytes))
    yield _gauge("trivet_store_polls", "Polls in the series store.", float(health.polls))
    yield _gauge("trivet_store_series", "Series in the series store.", float(health.series))
    yield _gauge("trivet_store_wal_bytes", "Size of the series store's write-ahead log.", float(health.wal_bytes))
    damaged = "Pieces of the store that are damaged: left out or in quarantine."
    yield _gauge("trivet_store_damaged_pieces", damaged, float(health.damaged))
    yield _gauge("trivet_store_problem", "1 where the store says that something is wrong.", float(bool(health.problem)))
    dropped = "Records that were more than is kept of their source."
    yield Family("trivet_store_records_dropped_total", "counter", dropped, _dropped(health))
    yield Family("trivet_web_requests_total", "counter", "Requests answered by the web process.", by_code)
    if here.board is not None:
        yield from _alerting(here, here.board)
    name = "trivet_web_request_seconds_total"
    yield Family(name, "counter", "Seconds spent on answering them.", [(name, (), seconds)])


def _alerting(here: Site, board: Board) -> Iterator[Family]:
    """What fires, what is on its way, and when the process that judges was last through."""
    alarms = here.alarms()
    counts = dict.fromkeys(ORDER, 0)
    for each in alarms.firing:
        counts[each.incident.severity] = counts.get(each.incident.severity, 0) + 1
    name = "trivet_alerts_firing"
    rows: list[tuple[str, Labels, float]] = [
        (name, (("severity", severity),), float(count)) for severity, count in counts.items()
    ]
    yield Family(name, "gauge", "Alerts that fire and are not kept quiet.", rows)
    name = "trivet_alert_stage_age_seconds"
    now = here.clock()
    ages: list[tuple[str, Labels, float]] = [
        (name, (("stage", stage),), max(0.0, now - at)) for stage, at in sorted(board.stages().items())
    ]
    yield Family(name, "gauge", "Seconds since a stage of the process that judges was last through.", ages)
    name = "trivet_alert_config_problem"
    yield _gauge(name, "1 where the newest config file is not in force for alerts.", float(board.config_problem()))
    name = "trivet_alert_deliveries"
    waits: list[tuple[str, Labels, float]] = []
    for post in _posts(board):
        for state, count in (("waiting", post.waiting), ("dead", post.dead)):
            waits.append((name, (("channel", post.channel.name), ("state", state)), float(count)))
    yield Family(name, "gauge", "Messages that are not sent yet, and those that were given up.", waits)


def _posts(board: Board) -> Sequence[Post]:
    try:
        return board.posts()
    except (sqlite3.Error, StoreError, OSError):
        return ()


def _dropped(health: Health) -> list[tuple[str, Labels, float]]:
    name = "trivet_store_records_dropped_total"
    return [(name, (("source", source),), float(count)) for source, count in sorted(health.dropped.items())]


def _verdicts(here: Site) -> Family:
    """1 met, 0 missed; a target that is unknown has no sample."""
    name = "trivet_target_met"
    card = scorecard(here.survey(parse({}, here.clock())), tuple(page.name for page in here.pages if page.whole))
    family = Family(name, "gauge", "1 where a target is met, 0 where it is missed; unknown ones are left out.")
    for row in card.rows:
        for standing in row.standings:
            if standing.state is not State.UNKNOWN:
                subject = standing.verdict.subject
                labels = (("target", row.form.name), ("source", subject.source), *subject.labels)
                family.samples.append((name, labels, float(standing.state is State.MET)))
    return family


def _gauge(name: str, text: str, value: float, labels: Labels = ()) -> Family:
    return Family(name, "gauge", text, [(name, labels, value)])
