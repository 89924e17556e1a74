"""Alerts and silences for programs: JSON, with the token of [web] for whatever changes something."""

from typing import Any, TypeVar

import msgspec
from flask import Blueprint, Response, abort, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from alerts.board import Board, Firing
from alerts.preview import confirmed
from alerts.quiet import QuietError, lasts
from dashboards.span import SpanError, iso, moment
from metrics.config import nearest
from metrics.duration import seconds
from storage.silences import Silence
from webapp.site import site
from webapp.tokens import Refused

blueprint = Blueprint("alerts_api", __name__, url_prefix="/api/v1")
MOST_BODY = 4096
MOST = 1000
USUAL = 100
T = TypeVar("T", bound=msgspec.Struct)


class PostedSilence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A silence; ``lasts`` is a length such as 2h, ``until`` a time. One that names nothing needs ``everything``."""

    reason: str
    author: str
    rule: str = ""
    source: str = ""
    labels: dict[str, str] = {}
    lasts: str = ""
    starts: str | float | None = None
    until: str | float | None = None
    recurring: str = ""
    zone: str = ""
    everything: bool = False


class PostedAck(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Who looks after an alert."""

    author: str
    note: str = ""


@blueprint.errorhandler(Refused)
def refused(problem: Refused) -> Response:
    """Why not, in a sentence."""
    response = jsonify({"error": problem.text})
    response.status_code = problem.status
    response.headers.update(problem.headers)
    return response


@blueprint.get("/alerts")
def alerts() -> Response:
    """What fires; with ``state=past`` what is over, the newest first: ``limit``, ``before``, ``source``, ``rule``."""
    here = _board()
    if request.args.get("state") != "past":
        return jsonify({"alerts": [_alert(each) for each in here.firing()]})
    rows = here.past(
        min(MOST, _number("limit", USUAL)),
        _number("before", 0),
        request.args.get("source", "")[:200],
        request.args.get("rule", "")[:200],
    )
    return jsonify({"alerts": [_alert(each) for each in rows]})


@blueprint.post("/alerts/<int:number>/ack")
def acknowledge(number: int) -> Response:
    """Somebody looks after it: {"author": "ada", "note": "on it"}."""
    given, here = _given(PostedAck), _board()
    if not given.author.strip():
        raise Refused(422, "author: say who you are.")
    if not here.incidents.acknowledge(number, site().clock(), given.author.strip()[:100], given.note[:500]):
        raise Refused(404, "No alert of this number fires.")
    return jsonify({"id": number, "acknowledged_by": given.author.strip()[:100]})


@blueprint.get("/silences")
def silences() -> Response:
    """Silences that last or are to come; with ``state=all`` also those of the past."""
    here, now = _board(), site().clock()
    found = here.silences.all(MOST) if request.args.get("state") == "all" else here.silences.lasting(now)
    return jsonify({"silences": [_told(each, now) for each in found]})


@blueprint.post("/silences")
def silence() -> Response:
    """Keep something quiet: {"source": "cache", "lasts": "2h", "reason": "backup", "author": "cron"}."""
    given, here, now = _given(PostedSilence), _board(), site().clock()
    try:
        made = _silence(given, here, now)
        confirmed(made, now)
    except (QuietError, SpanError, ValueError) as problem:
        raise Refused(422, f"{problem}.") from None
    made = here.silences.add(made)
    covered = here.covered(made)
    response = jsonify({**_told(made, now), "covers": len(covered.subjects), "firing": len(covered.incidents)})
    response.status_code = 201
    return response


@blueprint.delete("/silences/<int:number>")
def end(number: int) -> Response:
    """Take one back before its end."""
    site().gate.admit(request, json=False)
    if not _board().silences.end(number, site().clock(), "the API"):
        raise Refused(404, "No silence of this number lasts.")
    return jsonify({"id": number, "ended": True})


def _board() -> Board:
    return site().board or abort(404)


def _given(kind: type[T]) -> T:
    """The body, from somebody who may write. Raises Refused."""
    request.max_content_length = MOST_BODY
    site().gate.admit(request)
    if request.content_length is None:
        raise Refused(411, "Say how long it is: Content-Length.")
    try:
        return msgspec.json.decode(request.get_data(), type=kind)
    except RequestEntityTooLarge:
        raise Refused(413, f"At most {MOST_BODY} bytes.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        text = str(problem).replace("`", '"')
        names = [info.name for info in msgspec.structs.fields(kind)]
        unknown = text.partition('unknown field "')[2].partition('"')[0]
        hint = f": expected {', '.join(names)}{nearest(unknown, names)}" if unknown else ""
        raise Refused(422, f"{text}{hint}.") from None


def _silence(given: PostedSilence, here: Board, now: float) -> Silence:
    if bool(given.lasts) == (given.until is not None):
        raise QuietError('say how long, lasts = "2h", or until when')
    starts = now if given.starts is None else moment(str(given.starts), "starts")
    return Silence(
        rule=given.rule,
        source=given.source,
        labels=given.labels,
        starts=starts,
        ends=starts + seconds(given.lasts) if given.until is None else moment(str(given.until), "until"),
        recurring=given.recurring,
        zone=given.zone or here.setup.settings.zone,
        reason=given.reason[:500],
        author=given.author[:100],
        made=now,
        everything=given.everything,
    )


def _alert(each: Firing) -> dict[str, Any]:
    incident = each.incident
    return {
        "id": incident.id,
        "rule": incident.rule,
        "source": incident.source,
        "labels": dict(incident.labels),
        "severity": incident.severity,
        "began": iso(incident.began),
        "fired": iso(incident.fired),
        "resolved": None if incident.resolved is None else iso(incident.resolved),
        "data_lost": incident.lost,
        "value": incident.value,
        "bound": incident.bound,
        "reason": incident.reason,
        "quiet": each.quiet,
        "acknowledged_by": incident.acked_by,
    }


def _told(silence: Silence, now: float) -> dict[str, Any]:
    return {
        "id": silence.id,
        "rule": silence.rule,
        "source": silence.source,
        "labels": silence.labels,
        "starts": iso(silence.starts),
        "until": iso(silence.ends if silence.ended is None else silence.ended),
        "recurring": silence.recurring,
        "zone": silence.zone,
        "reason": silence.reason,
        "author": silence.author,
        "everything": silence.everything,
        "quiet_now": lasts(silence, now),
    }


def _number(name: str, usual: int) -> int:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else usual
