"""`trivet event`: a deploy, or whatever else every chart should show."""

import sqlite3
import time
from pathlib import Path

import click

from commands import house
from commands.say import Misused, Stop
from dashboards.events import TOLD, EventError, told
from dashboards.span import SpanError, clock, moment
from metrics.config import Config
from metrics.poll import EventKind
from storage.files import StoreError
from storage.state import StateStore


@click.command()
@click.argument("text", required=False)
@click.option("--kind", default=str(EventKind.DEPLOY), show_default=True, help=f"One of {', '.join(TOLD)}.")
@click.option("--source", default="", help="The source that it concerns; all of them when left out.")
@click.option("--at", "start", help="When, in ISO 8601 (UTC when no zone is named); now when left out.")
@click.option("--until", "end", help="When it ended, if it took a while.")
@click.option("--remove", type=int, metavar="NUMBER", help="Forget the event of this number instead.")
@house.config_option()
def event(
    text: str | None, kind: str, source: str, start: str | None, end: str | None, remove: int | None, config: Path
) -> None:
    """Mark every chart with what happened: trivet event "deployed v42".

    Prints the event's number, by which it can be removed. The collector and the pages may be running or not.
    """
    if (text is None) == (remove is None):
        raise Misused('Say what happened: trivet event "deployed v42". Or take one back: trivet event --remove NUMBER.')
    settings = house.read(config)
    try:
        if remove is not None:
            _forget(settings, remove)
        else:
            _note(settings, text or "", kind, source, start, end)
    except (EventError, SpanError) as error:
        raise Misused(f"{error}.") from None
    except (StoreError, sqlite3.Error, OSError) as error:
        raise Stop(f"The event cannot be written: {error}") from None


def _note(settings: Config, text: str, kind: str, source: str, start: str | None, end: str | None) -> None:
    now = time.time()
    at = moment(start, "at") if start else now
    until = moment(end, "until") if end else None
    names = [known.name for known in settings.sources]
    found = told(text, kind, at, now, until=until, source=source, sources=names)
    number = StateStore(settings.folder).add(found)
    click.echo(f"Event {number}: {found.kind}, {clock(found.at, True)} UTC, {found.text}")
    click.echo(f"To take it back: trivet event --remove {number}")


def _forget(settings: Config, number: int) -> None:
    gone = StateStore(settings.folder).remove(number)
    if gone is None:
        raise Stop(f"There is no event {number}. The page Events shows their numbers.")
    click.echo(f"Forgot event {number}: {gone.kind}, {clock(gone.at, True)} UTC, {gone.text}")
