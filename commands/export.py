"""`trivet export`: CSV of what a page shows, for reviews and other tools."""

import time
from pathlib import Path

import click

from commands import house
from commands.pages import watched
from commands.say import Misused
from dashboards.drawing import drawing
from dashboards.export import series_csv, targets_csv
from dashboards.pages import shipped
from dashboards.scorecard import scorecard
from dashboards.span import DEFAULT, SpanError, parse
from dashboards.survey import Survey
from metrics.config import nearest
from storage.remote.opening import reader

WHAT = ("targets", "charts")


@click.command()
@click.argument("page", default="overview")
@click.option(
    "--what", type=click.Choice(WHAT), default="targets", show_default=True, help="The scorecard or the charts."
)
@click.option("--range", "span", help=f"How far back, such as 15m, 6h or 7d.  [default: {DEFAULT}]")
@click.option("--from", "start", help="Begin, in ISO 8601 (UTC when no zone is named).")
@click.option("--to", "end", help="End; now when left out.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), default="-", help="File."
)
@house.config_option()
def export(
    page: str, what: str, span: str | None, start: str | None, end: str | None, output: Path, config: Path
) -> None:
    """Write a page's targets or charts as CSV.

    PAGE is overview or the name of a layer. The collector may be running. The first row names the columns, the second
    gives units and targets; times are UTC.
    """
    settings = house.read(config)
    pages = {shown.name: shown for shown in shipped(house.catalog())}
    if page not in pages:
        raise Misused(f'There is no page "{page}": expected {", ".join(pages)}{nearest(page, pages)}.')
    given = {"range": span or "", "from": start or "", "to": end or ""}
    try:
        survey = Survey(
            store=reader(settings),
            catalog=house.catalog(),
            sources=watched(settings.sources),
            bounds=settings.bounds,
            span=parse({key: value for key, value in given.items() if value}, time.time()),
        )
    except SpanError as error:
        raise Misused(f"{error}.") from None
    if what == "targets":
        text = targets_csv(scorecard(survey, pages[page].layers))
    else:
        text = series_csv(survey, [drawing(survey, panel) for panel in pages[page].panels])
    with click.open_file(str(output), "w", encoding="utf-8") as file:
        file.write(text)
