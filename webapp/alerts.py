"""Alerts: what fires, what was, what is kept quiet and what is on its way; and what people do about it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from alerts.board import Board, Whole
from alerts.preview import confirmed
from alerts.quiet import QuietError, lasts, names_all
from dashboards.page import Page
from dashboards.span import SpanError, iso, moment, parse
from dashboards.survey import Survey
from metrics.duration import seconds
from metrics.model import Labels
from storage.deliveries import DEAD
from storage.silences import Silence
from webapp.forms import FIELD, MOST_BODY
from webapp.fragments import partial, tagged
from webapp.site import site
from webapp.tokens import Refused
from webapp.views import Card, cards, panels_of

blueprint = Blueprint("alerts", __name__)
SHOWN = 50
DELIVERIES = 200
MOST_TEXT = 500
AROUND = 0.5
"""How much of its own length is shown before and after an incident, and at least, in seconds:"""
LEAST_AROUND = 900.0
LENGTHS = ("30m", "1h", "2h", "4h", "8h", "1d", "7d")
EVERYTHING = "everything"
"""What has to be typed for a silence that covers all."""


@dataclass
class Typed:
    """What a form holds: kept when it cannot be taken, so that nobody types it again."""

    values: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def get(self, name: str, usual: str = "") -> str:
        """One field."""
        return self.values.get(name, usual)


def board() -> Board:
    """The board of the running app; 404 where alerts are not part of it."""
    return site().board or abort(404)


@blueprint.get("/alerts")
def firing() -> Response:
    """What fires now and what may soon; to htmx, the part that is polled."""
    return _answer("_alerts_live.html" if partial() else "alerts.html", **_firing())


@blueprint.get("/alerts/history")
def history() -> Response:
    """What is over, the newest first, page by page."""
    source, rule = request.args.get("source", "")[:200], request.args.get("rule", "")[:200]
    before = request.args.get("before", "0")
    rows = board().past(SHOWN + 1, int(before) if before.isdigit() else 0, source, rule)
    return _answer(
        "alerts_history.html",
        rows=rows[:SHOWN],
        older=rows[SHOWN - 1].incident.id if len(rows) > SHOWN else None,
        first=before in ("", "0"),
        source=source,
        rule=rule,
        rules=_rules(),
    )


@blueprint.get("/alerts/<int:number>")
def incident(number: int) -> Response:
    """One incident: its numbers, its chart, its history, and what can be done."""
    return _incident(number, Typed())


@blueprint.post("/alerts/<int:number>/ack")
def acknowledge(number: int) -> Response:
    """Somebody looks after it."""

    def do(given: Typed) -> Response:
        name = _name(given)
        if not board().incidents.acknowledge(number, site().clock(), name, given.get("note").strip()[:MOST_TEXT]):
            raise Refused(409, "It is over by now, or there is no such alert: there is nothing to acknowledge.")
        return _to("alerts.incident", number=number)

    return _posted(do, lambda given: _incident(number, given))


@blueprint.post("/alerts/<int:number>/unack")
def unacknowledge(number: int) -> Response:
    """Nobody does any more."""

    def do(given: Typed) -> Response:
        board().incidents.unacknowledge(number, site().clock(), given.get("name").strip()[:100] or "a page")
        return _to("alerts.incident", number=number)

    return _posted(do, lambda given: _incident(number, given))


@blueprint.get("/alerts/silences")
def silences() -> Response:
    """What is kept quiet, and the form for more of it, filled from the address."""
    names = ("rule", "source", "labels", "for", "until", "recurring", "zone", "reason", "name")
    given = {name: value[:MOST_TEXT] for name in names if (value := request.args.get(name, ""))}
    return _silences(Typed(given), preview="preview" in request.args)


@blueprint.post("/alerts/silences")
def silence() -> Response:
    """Keep something quiet."""

    def do(given: Typed) -> Response:
        made = _silence(given)
        if names_all(made) and given.get("confirm").strip() == EVERYTHING:
            made = replace(made, everything=True)
        confirmed(made, site().clock())
        board().silences.add(made)
        return _to("alerts.silences")

    return _posted(do, lambda given: _silences(given, preview=True))


@blueprint.post("/alerts/silences/<int:number>/end")
def end_silence(number: int) -> Response:
    """Take one back before its end."""

    def do(given: Typed) -> Response:
        board().silences.end(number, site().clock(), given.get("name").strip()[:100] or "a page")
        return _to("alerts.silences")

    return _posted(do, _silences)


@blueprint.get("/alerts/deliveries")
def deliveries() -> Response:
    """Channels, and the messages that they got or did not get."""
    return _deliveries(Typed())


@blueprint.post("/alerts/deliveries/<number>/again")
def again(number: str) -> Response:
    """A message that was given up is tried once more."""

    def do(_given: Typed) -> Response:
        if not board().deliveries.again(number, site().clock()):
            raise Refused(409, "This message is not one that was given up.")
        return _to("alerts.deliveries")

    return _posted(do, _deliveries)


@blueprint.post("/alerts/channels/<name>/test")
def test(name: str) -> Response:
    """Send a test to a channel, the way every message goes."""

    def do(_given: Typed) -> Response:
        if name not in [each.name for each in board().setup.channels]:
            raise Refused(404, f"There is no channel {name[:80]} in trivet.toml.")
        if not board().runs():
            raise Refused(409, "Nothing sends yet: start trivet alert, or trivet run, which starts it too.")
        board().test(name)
        return _to("alerts.deliveries")

    return _posted(do, _deliveries)


def _firing() -> dict[str, object]:
    here = board()
    rows = here.firing()
    return {
        "rows": [row for row in rows if not row.quiet],
        "quiet": [row for row in rows if row.quiet],
        "pending": here.pending(),
        "broken": here.broken(),
        "judged": here.runs(),
        "channels": here.setup.channels,
    }


def _incident(number: int, given: Typed) -> Response:
    found = board().whole(number) or abort(404)
    page, panel = _drawn(found)
    survey = _around(found)
    card = _card(page, panel, survey) if page else None
    return _answer(
        "alert.html", whole=found, found=found.firing, view=None, page=page, card=card, survey=survey, given=given
    )


def _drawn(found: Whole) -> tuple[Page | None, str]:
    """On which page and in which of its charts the rule's form is drawn."""
    where = panels_of(site()).get(found.firing.incident.rule, "")
    name, _, panel = where.partition("#")
    return (site().page(name), panel) if panel else (None, "")


def _around(found: Whole) -> Survey:
    """The time of an incident, with some before and after it."""
    incident, now = found.firing.incident, site().clock()
    end = incident.resolved or now
    around = max(LEAST_AROUND, AROUND * (end - incident.began))
    span = {"from": iso(incident.began - around), "to": iso(min(now, end + around))}
    return site().survey(parse(span, now))


def _card(page: Page, panel: str, survey: Survey) -> Card | None:
    number = next((at for at, each in enumerate(page.panels) if each.name == panel), None)
    return None if number is None else cards(page, survey, [number])[0]


def _silences(given: Typed, *, preview: bool = False) -> Response:
    here, now = board(), site().clock()
    rows = here.silences.all(SHOWN)
    covered = None
    if preview or given.problem:
        try:
            covered = here.covered(_silence(given))
        except (QuietError, SpanError, ValueError) as error:
            given = Typed(given.values, given.problem or str(error))
    return _answer(
        "alerts_silences.html",
        lasting=[each for each in rows if each.ended is None and each.ends > now],
        over=[each for each in rows if each.ended is not None or each.ends <= now],
        holds={each.id for each in rows if lasts(each, now)},
        given=given,
        covered=covered,
        preview=preview,
        rules=_rules(),
        titles=dict(_rules()),
        lengths=LENGTHS,
        everything=EVERYTHING,
    )


def _deliveries(given: Typed) -> Response:
    here, channel = board(), request.args.get("channel", "")[:200]
    state = DEAD if request.args.get("state") == DEAD else ""
    return _answer(
        "alerts_deliveries.html",
        posts=here.posts(),
        rows=here.deliveries.newest(DELIVERIES, state, channel),
        channel=channel,
        state=state,
        given=given,
        judged=here.runs(),
    )


def _silence(given: Typed) -> Silence:
    """What the form says. Raises QuietError, ValueError and SpanError."""
    now = site().clock()
    until, length = given.get("until").strip(), given.get("for", LENGTHS[2]).strip()
    ends = moment(until if until.endswith("Z") else f"{until}Z", "until") if until else now + seconds(length)
    return Silence(
        rule=given.get("rule").strip(),
        source=given.get("source").strip(),
        labels=dict(_labels(given.get("labels"))),
        starts=now,
        ends=ends,
        recurring=given.get("recurring").strip(),
        zone=given.get("zone").strip() or board().setup.settings.zone,
        reason=given.get("reason").strip()[:MOST_TEXT],
        author=given.get("name").strip()[:100],
        made=now,
    )


def _labels(text: str) -> Labels:
    """Labels of a form: ``database=shop user=app``. Raises QuietError."""
    found = []
    for word in text.replace(",", " ").split():
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise QuietError(f'"{word}" is no label: expected name=value, such as database=shop')
        found.append((name, value))
    return tuple(found)


def _name(given: Typed) -> str:
    name = given.get("name").strip()[:100]
    if not name:
        raise Refused(400, "Say who you are, so that others know whom to ask.")
    return name


def _rules() -> list[tuple[str, str]]:
    return sorted(((rule.name, rule.title) for rule in board().setup.rules.rules.values()), key=lambda each: each[1])


def _posted(do: Callable[[Typed], Response], shown: Callable[[Typed], Response]) -> Response:
    """What a form does; where it cannot be taken, the page again with what was typed and the reason."""
    request.max_content_length = MOST_BODY
    status, problem, given = 400, "", Typed()
    try:
        given = Typed({name: value for name, value in request.form.items() if name != FIELD})
        site().forms.admit(request)
        return do(given)
    except RequestEntityTooLarge:
        status, problem = 413, f"A form has at most {MOST_BODY // 1024} KiB."
    except Refused as error:
        status, problem = error.status, error.text
    except (QuietError, SpanError, ValueError) as error:
        text = str(error)
        problem = f"{text[0].upper()}{text[1:]}."
    response = shown(Typed(given.values, problem))
    response.status_code = status
    return response


def _to(endpoint: str, **values: Any) -> Response:
    return make_response(redirect(url_for(endpoint, **values), code=303))


def _answer(template: str, **values: object) -> Response:
    values.setdefault("survey", site().survey(parse({}, site().clock())))
    text = render_template(template, now=site().clock(), **values)
    response = make_response(text)
    if "csrf" in text:
        # Its token is another each time.
        response.headers["Cache-Control"] = "no-store"
        return response
    return tagged(response)
