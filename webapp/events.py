"""What happened: a page, its JSON, and the door by which a deploy script says so."""

from dataclasses import dataclass
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, jsonify, make_response, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from dashboards.events import TITLES, EventError, kind_of, told
from dashboards.span import SpanError, clock, iso, moment, parse
from metrics.config import nearest
from metrics.duration import spoken
from metrics.poll import Event, EventKind
from storage.state import Noted
from webapp.fragments import partial, tagged
from webapp.site import Site, site
from webapp.tokens import Refused

blueprint = Blueprint("events", __name__)
MOST_BODY = 4096
SHOWN = 500
MOST = 5000


class Posted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The body of a POST; times are ISO 8601 or seconds of the epoch."""

    text: str
    kind: str = str(EventKind.DEPLOY)
    source: str = ""
    at: str | float | None = None
    until: str | float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One event as the page says it."""

    id: int
    kind: str
    iso: str
    time: str
    lasted: str
    source: str
    text: str


@blueprint.errorhandler(Refused)
def refused(problem: Refused) -> Response:
    """Why not, in a sentence."""
    return _no(problem.status, problem.text, problem.headers)


@blueprint.errorhandler(EventError)
def no_kind(problem: EventError) -> Response:
    """What is wrong with the page's address."""
    text = render_template("error.html", title="There is no such kind of event", text=f"{problem}.", code=400)
    return make_response(text, 400)


@blueprint.get("/events")
def page() -> Response:
    """Events of a range, newest first; to htmx, the main part."""
    survey, kind, source = site().asked(), _kind(), _source()
    found = _noted(site(), survey.span.start, survey.span.end, kind, source, SHOWN + 1)
    kept = {name: value for name, value in (("kind", kind), ("source", source)) if value}
    text = render_template(
        "_events.html" if partial() else "events.html",
        survey=survey,
        rows=[_row(noted) for noted in found[:SHOWN]],
        more=len(found) > SHOWN,
        kinds={str(name): title for name, title in TITLES.items()},
        kind=kind,
        source=source,
        names=[watched.name for watched in site().sources],
        path=url_for("events.page"),
        kept=kept,
        keep=f"&{urlencode(kept)}" if kept else "",
    )
    return tagged(make_response(text))


@blueprint.get("/api/v1/events")
def listed() -> Response:
    """Events of a range, newest first: ``range`` or ``from`` and ``to``, ``kind``, ``source``, ``limit``."""
    try:
        span = parse(request.args, site().clock())
        limit = min(MOST, int(request.args.get("limit", SHOWN)))
        found = _noted(site(), span.start, span.end, _kind(), _source(), max(0, limit))
    except (SpanError, EventError) as problem:
        return _no(400, f"{problem}")
    except ValueError:
        return _no(400, "limit is a whole number")
    return jsonify({"from": span.start, "to": span.end, "events": [_told(noted) for noted in found]})


@blueprint.post("/api/v1/events")
def post() -> Response:
    """Keep an event: {"text": "deployed v42", "kind": "deploy"}, with the token of [web]."""
    request.max_content_length = MOST_BODY
    here = site()
    here.gate.admit(request)
    if request.content_length is None:
        # Of a body without a length only the beginning would be read, and taken for all of it.
        raise Refused(411, "Say how long it is: Content-Length.")
    if here.journal is None:
        raise Refused(503, "Events are not kept here.")
    try:
        event = _event(here, request.get_data())
    except RequestEntityTooLarge:
        raise Refused(413, f"An event has at most {MOST_BODY} bytes.") from None
    except (EventError, SpanError) as problem:
        raise Refused(422, f"{problem}.") from None
    response = jsonify(_told(Noted(here.journal.add(event), event)))
    response.status_code = 201
    return response


def _event(here: Site, body: bytes) -> Event:
    try:
        given = msgspec.json.decode(body, type=Posted)
    except msgspec.DecodeError as problem:
        raise EventError(_explained(str(problem))) from None
    now = here.clock()
    return told(
        given.text,
        given.kind,
        now if given.at is None else moment(str(given.at), "at"),
        now,
        until=None if given.until is None else moment(str(given.until), "until"),
        source=given.source,
        sources=[watched.name for watched in here.sources],
    )


def _explained(problem: str) -> str:
    text = problem.replace("`", '"')
    names = [info.name for info in msgspec.structs.fields(Posted)]
    unknown = text.partition('unknown field "')[2].partition('"')[0]
    return f"{text}: expected {', '.join(names)}{nearest(unknown, names)}" if unknown else text


def _noted(here: Site, start: float, end: float, kind: str, source: str, most: int) -> list[Noted]:
    return here.journal.noted(start, end, kind, source, most) if here.journal else []


def _kind() -> str:
    text = request.args.get("kind", "")
    return str(kind_of(text)) if text else ""


def _source() -> str:
    return request.args.get("source", "")[:100]


def _told(noted: Noted) -> dict[str, object]:
    event = noted.event
    until = None if event.until is None else iso(event.until)
    return {
        "id": noted.id,
        "kind": str(event.kind),
        "at": iso(event.at),
        "until": until,
        "source": event.source,
        "text": event.text,
    }


def _row(noted: Noted) -> Row:
    event = noted.event
    lasted = "" if event.until is None else spoken(event.until - event.at)
    time = f"{clock(event.at, True)}:{int(event.at) % 60:02d}"
    return Row(noted.id, TITLES[event.kind], iso(event.at), time, lasted, event.source, event.text)


def _no(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    response = jsonify({"error": text})
    response.status_code = status
    response.headers.update(headers or {})
    return response
