"""`trivet silence`: nobody is told for a while, for a reason that is written down."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

import click

from alerts.preview import Preview, confirmed, doubts, known_labels, preview
from alerts.quiet import QuietError, lasts, zone
from alerts.wording import when
from commands import house
from commands.say import Misused, Stop, say
from dashboards.span import SpanError, moment
from metrics.config import Config
from metrics.duration import seconds
from storage.files import StoreError
from storage.incidents import Incidents
from storage.silences import Silence, Silences

MOST = 20
"""Lines of a preview."""

F = TypeVar("F", bound=Callable[..., Any])


class Adding(click.Group):
    """Adds one when no other command is named: `trivet silence --source cache --for 2h --reason backup`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """With `add` put before what begins with an option."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Adding)
def silence() -> None:
    """Tell nobody of some alerts for a while; what fires is still judged, kept and shown.

    Without the word `add`, too: trivet silence --source cache --for 2h --reason backup.
    """


def _described(command: F) -> F:
    """The options that say what a silence covers and when."""
    for option in (
        click.option("--everything", is_flag=True, help="Confirm that all alerts of all sources are meant."),
        house.as_option(),
        click.option("--reason", default="", help="Why, for those who find it."),
        click.option(
            "--zone", "where", help="Time zone of the hours and of times that name none.  [default: alerts.zone]"
        ),
        click.option("--recurring", default="", help='Only in these hours, such as "mon-fri 22:00-06:00".'),
        click.option("--starts", help="When it begins, in ISO 8601; now when left out."),
        click.option("--until", help="When it ends, in ISO 8601."),
        click.option("--for", "length", help="How long it lasts, such as 2h; this or --until."),
        click.option(
            "--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label or tag; several: all fit."
        ),
        click.option("--rule", default="", help="Name of the rule; * stands for any letters."),
        click.option("--source", default="", help="Name of the source; * stands for any letters."),
    ):
        command = option(command)
    return command


@silence.command()
@_described
@house.config_option()
def add(config: Path, **given: Any) -> None:
    """Make a silence; prints its number and what it covers now."""
    settings = house.read(config)
    with _told():
        made = _made(settings, **given)
        made = Silences(settings.folder).add(made)
        click.echo(f"Silence {made.id}: {_words(made)}")
        _show(settings, made)
    click.echo(f"To end it: trivet silence end {made.id}")


@silence.command("preview")
@_described
@house.config_option()
def shown(config: Path, **given: Any) -> None:
    """Say what a silence would cover now, and make none."""
    settings = house.read(config)
    with _told():
        made = _made(settings, **{**given, "reason": given["reason"] or "preview"})
        click.echo(f"It would be: {_words(made)}")
        _show(settings, made)


@silence.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those of the past.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@house.config_option()
def listed(everything: bool, as_json: bool, config: Path) -> None:
    """Silences that hold or are yet to come, the newest first."""
    settings, now = house.read(config), time.time()
    with _told():
        store = Silences(settings.folder)
        found = store.all() if everything else store.lasting(now)
    if as_json:
        click.echo(json.dumps([{**asdict(each), "holds": lasts(each, now)} for each in found], ensure_ascii=False))
        return
    for each in found:
        click.echo(f"{each.id:>4}  {_state(each, now):<8}  {_words(each)}")
    if not found:
        click.echo("No silence holds or is yet to come." if not everything else "There is no silence.")


@silence.command()
@click.argument("number", type=int)
@house.as_option()
@house.config_option()
def end(number: int, who: str, config: Path) -> None:
    """End a silence before its time."""
    settings = house.read(config)
    with _told():
        done = Silences(settings.folder).end(number, time.time(), who)
    if not done:
        raise Stop(f"There is no silence {number} that lasts: `trivet silence list` has those that do.")
    click.echo(f"Silence {number} has ended.")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (QuietError, SpanError) as error:
        raise Misused(f"{error}.") from None
    except (StoreError, sqlite3.Error, OSError) as error:
        raise Stop(f"The silences cannot be read or written: {error}") from None


def _made(
    settings: Config,
    *,
    source: str,
    rule: str,
    labels: Sequence[str],
    length: str | None,
    until: str | None,
    starts: str | None,
    recurring: str,
    where: str | None,
    reason: str,
    who: str,
    everything: bool,
) -> Silence:
    """As the options say, and checked."""
    now, name = time.time(), where or settings.alerts.zone
    begins = _moment(starts, "--starts", name) if starts else now
    made = Silence(
        rule=rule,
        source=source,
        labels=dict(map(_label, labels)),
        starts=begins,
        ends=_end(begins, length, until, name),
        recurring=recurring,
        zone=name,
        reason=reason,
        author=who,
        made=now,
        everything=everything,
    )
    if not reason.strip():
        raise QuietError("a silence has a reason: say why with --reason, for those who find it")
    try:
        confirmed(made, now)
    except QuietError as error:
        hint = " (--everything)" if "confirm" in str(error) else ""
        raise QuietError(f"{error}{hint}") from None
    return made


def _end(begins: float, length: str | None, until: str | None, name: str) -> float:
    if (length is None) == (until is None):
        raise QuietError("a silence has one end: expected --for, such as --for 2h, or --until with a time")
    if until is not None:
        return _moment(until, "--until", name)
    try:
        return begins + seconds(length or "")
    except ValueError as error:
        raise QuietError(f"--for: {error}") from None


def _moment(text: str, option: str, name: str) -> float:
    """A time; one that names no zone is of the silence's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return moment(text, option)
    return (found if found.tzinfo else found.replace(tzinfo=zone(name))).timestamp()


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not name or not sign:
        raise QuietError(f'--label "{text}": expected NAME=VALUE, such as database=shop')
    return name, value


def _words(made: Silence) -> str:
    named = [f"{what} {name}" for what, name in (("rule", made.rule), ("source", made.source)) if name]
    named += [f"{name}={value}" for name, value in made.labels.items()]
    hours = f", {made.recurring} {made.zone}" if made.recurring else ""
    span = f"from {when(made.starts, made.zone)} until {when(made.ends, made.zone)}"
    return f"{', '.join(named) or 'everything'}, {span}{hours}: {made.reason} ({made.author})"


def _state(made: Silence, now: float) -> str:
    if made.ended is not None or made.ends <= now:
        return "ended"
    return "holds" if lasts(made, now) else "waits"


def _show(settings: Config, made: Silence) -> None:
    """What it covers now, and what it names that nobody knows."""
    incidents, tags = Incidents(settings.folder), {each.name: each.tags for each in settings.sources}
    minds = incidents.minds()
    for doubt in doubts(made, house.rule_names(), list(tags), known_labels(minds, tags)):
        say(f"Note: {doubt}. The silence holds for whatever fits it.")
    for line in lines(preview(made, minds, incidents.open(), tags)):
        click.echo(line)


def lines(found: Preview) -> list[str]:
    """A preview for the terminal."""
    if not found.subjects and not found.incidents:
        return ["It covers nothing that is judged now."]
    by_rule = [
        (source, rule, len(list(each)))
        for (source, rule), each in groupby(found.subjects, lambda mind: (mind.source, mind.rule))
    ]
    text = [f"Covers now {len(by_rule)} rules of {len({source for source, _, _ in by_rule})} sources:"]
    text += [f"  {source}  {rule}" + (f", {count} subjects" if count > 1 else "") for source, rule, count in by_rule][
        :MOST
    ]
    text += [f"  and {len(by_rule) - MOST} more"] if len(by_rule) > MOST else []
    text += [f"Firing now, of which nobody is told while it holds: {len(found.incidents)}"] if found.incidents else []
    text += [
        f"  {each.id}  {each.source}  {each.rule}  {_subject(each.labels)}".rstrip() for each in found.incidents[:MOST]
    ]
    return text


def _subject(labels: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{name}={value}" for name, value in labels if value)
