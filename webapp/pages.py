"""The pages, their live part, their charts' data and their CSV: one set of routes for all of them."""

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request, url_for

from dashboards.chart import chart
from dashboards.drawing import drawing
from dashboards.export import series_csv, targets_csv
from dashboards.page import Page, Panel
from dashboards.scorecard import scorecard
from dashboards.survey import Survey
from webapp.fragments import answer, partial, tagged
from webapp.site import site
from webapp.tables import table
from webapp.views import cards, panels_of, told, view

blueprint = Blueprint("pages", __name__)
MOST = 40


@blueprint.get("/", defaults={"name": "overview"})
@blueprint.get("/<any(api, pgbouncer, redis, postgres):name>")
def page(name: str) -> Response:
    """A page; to htmx, its main part."""
    here, survey = _page(name), site().asked()

    def values() -> dict[str, object]:
        return {
            "view": view(site(), here, survey),
            "cards": cards(here, survey),
            "told": told(site(), here) if here.whole else [],
            "panels": panels_of(site()),
        }

    return answer("page.html", "_main.html", survey, name, values)


@blueprint.get("/live/<name>")
def live(name: str) -> Response:
    """The part of a page that is polled; a browser that comes here by itself is sent to the page."""
    here = _page(name)
    if not partial():
        return _elsewhere(here)
    survey = site().asked()

    def values() -> dict[str, object]:
        return {"view": view(site(), here, survey), "panels": panels_of(site())}

    return answer("page.html", "_polled.html", survey, name, values)


@blueprint.get("/charts/<name>.json")
def charts(name: str) -> Response:
    """The data of some charts of a page."""
    here, survey = _page(name), site().asked()
    wanted = [found for panel in request.args.getlist("panel")[:MOST] if (found := here.panel(panel))]
    return tagged(jsonify({panel.name: chart(survey, drawing(survey, panel)) for panel in wanted}))


@blueprint.get("/charts/<name>/<panel>")
def values(name: str, panel: str) -> Response:
    """A chart as a table: the way to its numbers without seeing it."""
    here, survey = _page(name), site().asked()
    drawn = drawing(survey, _panel(here, panel))
    return Response(render_template("table.html", page=here, survey=survey, drawn=drawn, table=table(survey, drawn)))


@blueprint.get("/charts/<name>/<panel>.csv")
def chart_csv(name: str, panel: str) -> Response:
    """A chart's values."""
    here, survey = _page(name), site().asked()
    return _csv(series_csv(survey, [drawing(survey, _panel(here, panel))]), panel, survey)


@blueprint.get("/<name>.csv")
def page_csv(name: str) -> Response:
    """The values of all charts of a page, one column per line."""
    here, survey = _page(name), site().asked()
    return _csv(series_csv(survey, [drawing(survey, panel) for panel in here.panels]), name, survey)


@blueprint.get("/<name>/targets.csv")
def verdicts_csv(name: str) -> Response:
    """The verdicts of a page, with their evidence."""
    here, survey = _page(name), site().asked()
    return _csv(targets_csv(scorecard(survey, here.layers)), f"{name}-targets", survey)


def _page(name: str) -> Page:
    return site().page(name) or abort(404)


def _panel(page: Page, name: str) -> Panel:
    return page.panel(name) or abort(404)


def _elsewhere(here: Page) -> Response:
    query = request.query_string.decode("ascii", "replace")
    return make_response(redirect(f"{url_for('pages.page', name=here.name)}?{query}"))


def _csv(text: str, name: str, survey: Survey) -> Response:
    response = Response(text, mimetype="text/csv")
    span = survey.span
    stamp = f"{span.end:.0f}"
    response.headers["Content-Disposition"] = f'attachment; filename="trivet-{name}-{stamp}.csv"'
    return response
