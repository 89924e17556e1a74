"""`trivet alerts`: what fires, what was, who looks after it, and what did not arrive."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from alerts.board import Board, Firing, Pending
from alerts.sender import Sender
from alerts.wording import when
from commands import house
from commands.alert import sends, setup
from commands.say import Misused, Stop
from metrics.config import Config, nearest
from metrics.duration import seconds, spoken
from storage.deliveries import DEAD, QUEUED, SENT, Delivery
from storage.files import StoreError

MOST = 100
PAUSE = 0.1
PATIENCE = 15.0
"""Seconds beyond a channel's own limit for which a test waits for who sends."""

FRESH = 15.0
"""Seconds since its last pass within which the process that judges is taken for running."""


@click.group()
def alerts() -> None:
    """See and handle alerts. `trivet alert` is the process that judges."""


@alerts.command("list")
@click.option("--all", "past", is_flag=True, help="Those that are over, the newest first.")
@click.option("--source", default="", help="Only of this source.")
@click.option("--rule", default="", help="Only of this rule.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@house.config_option()
def listed(config: Path, past: bool, source: str, rule: str, as_json: bool) -> None:
    """What fires and what is pending. Exits with 1 while something fires of which somebody is told, else with 0."""
    settings = house.read(config)
    with _told():
        board = _board(settings)
        rows = board.past(MOST, 0, source, rule) if past else board.firing()
        soon = [] if past else board.pending()
    rows = [each for each in rows if source in ("", each.incident.source) and rule in ("", each.incident.rule)]
    soon = [each for each in soon if source in ("", each.source) and rule in ("", each.rule.name)]
    if as_json:
        click.echo(json.dumps([_plain(each) for each in rows], ensure_ascii=False))
    else:
        for each in rows:
            click.echo(_line(each, settings.alerts.zone))
        for waiting in soon:
            click.echo(_soon(waiting))
        if not rows and not soon:
            click.echo("No alert is over." if past else "Nothing fires.")
    if not past and any(not each.quiet for each in rows):
        raise SystemExit(1)


@alerts.command()
@click.argument("number", type=int)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@house.config_option()
def show(number: int, config: Path, as_json: bool) -> None:
    """One alert: its numbers, the worst offenders, what coincided, and every change and message."""
    settings = house.read(config)
    with _told():
        found = _board(settings).whole(number)
    if found is None:
        raise Stop(f"There is no alert {number}: `trivet alerts list --all` has those of the past.")
    if as_json:
        moments = [asdict(each) for each in found.moments]
        click.echo(json.dumps({**_plain(found.firing), "history": moments}, ensure_ascii=False))
        return
    zone, fact = settings.alerts.zone, found.firing.fact
    click.echo(_line(found.firing, zone))
    for text in (fact.meaning, fact.advice, *(f"worst: {each}" for each in fact.worst)):
        if text:
            click.echo(f"  {text}")
    for text in fact.beside:
        click.echo(f"  at that time: {text}")
    for each in found.moments:
        click.echo(f"  {when(each.at, zone)}  {each.what}{f': {each.text}' if each.text else ''}")


@alerts.command()
@click.argument("number", type=int)
@click.option("--note", default="", help="What is being done.")
@click.option("--undo", is_flag=True, help="Nobody looks after it any more.")
@house.as_option()
@house.config_option()
def ack(number: int, config: Path, note: str, undo: bool, who: str) -> None:
    """Look after an alert: it is then neither repeated nor escalated."""
    settings = house.read(config)
    with _told():
        incidents, now = _board(settings).incidents, time.time()
        done = (
            incidents.unacknowledge(number, now, who) if undo else incidents.acknowledge(number, now, who, note[:500])
        )
    if not done:
        raise Stop(f"No alert {number} fires{' that somebody looks after' if undo else ''}: `trivet alerts list`.")
    click.echo(f"Nobody looks after alert {number} any more." if undo else f"{who} looks after alert {number}.")


@alerts.command()
@click.option("--dead", is_flag=True, help="Only those that were given up.")
@click.option("--channel", default="", help="Only to this channel.")
@house.config_option()
def deliveries(config: Path, dead: bool, channel: str) -> None:
    """Messages, the newest first, with the receivers' own words."""
    settings = house.read(config)
    with _told():
        found = _board(settings).deliveries.newest(MOST, DEAD if dead else "", channel)
    for each in found:
        numbers = ", ".join(map(str, each.incidents[:5]))
        text = each.error or each.answer
        about = f" of {numbers}" if numbers else ""
        click.echo(
            f"{each.id}  {when(each.made, settings.alerts.zone)}  {each.channel}  {each.state}  {each.kind}{about}"
            f"{f': {text}' if text else ''}"
        )
    if not found:
        click.echo("No message.")


@alerts.command()
@click.argument("number")
@house.config_option()
def resend(number: str, config: Path) -> None:
    """Try a message once more that was given up."""
    settings = house.read(config)
    with _told():
        done = _board(settings).deliveries.again(number, time.time())
    if not done:
        raise Stop(f"No message {number} was given up: `trivet alerts deliveries --dead`.")
    click.echo("It is sent by trivet alert as soon as that runs.")


@alerts.command()
@click.argument("channel")
@house.config_option()
def test(channel: str, config: Path) -> None:
    """Send a test to a channel the way every message goes; exits with 1 and the receiver's words when it fails."""
    settings = house.read(config)
    names = [str(getattr(each, "name", "")) for each in settings.channels]
    if channel not in names:
        known = ", ".join(names) or "none is configured"
        raise Misused(f'"{channel}" is no [[channel]]: {known}{nearest(channel, names)}.')
    with _told():
        found = _tested(settings, channel)
    if found.state == SENT:
        click.echo(f"{channel} took it: {found.answer or 'no answer text'}")
        return
    said = found.error or "nobody has sent it yet; is trivet alert stuck?"
    raise Stop(f"{channel} did not take it: {said}")


def _tested(settings: Config, channel: str) -> Delivery:
    """Sent by the process that runs, or by ourselves where none does."""
    board = _board(settings)
    limit = next(seconds(each.timeout) for each in board.setup.channels if each.name == channel)
    number, end = board.test(channel), time.monotonic() + limit + PATIENCE
    age = time.time() - board.stages().get("dispatched", 0.0)
    sender = None if age < FRESH else Sender(board.setup.channels, board.deliveries, sends(settings), lambda _: None)
    while True:
        if sender is not None:
            sender.one(channel)
        found = board.deliveries.one(number)
        if found is None:
            raise Stop("the test was forgotten before it was sent")
        # The first failure says what is wrong: whoever asks need not wait for the last.
        if found.state in (SENT, DEAD) or found.error or time.monotonic() > end:
            if found.state == QUEUED:
                # Nobody waits for it any more.
                board.deliveries.dead(number, found.error or "not sent in time")
            return found
        time.sleep(PAUSE)


def _board(settings: Config) -> Board:
    return Board(settings.folder, setup(settings))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (StoreError, sqlite3.Error, OSError) as error:
        raise Stop(f"state.db cannot be read or written: {error}") from None


def _line(each: Firing, zone: str) -> str:
    incident, fact = each.incident, each.fact
    over = incident.resolved is not None
    state = "resolved" if over else "firing, data lost" if incident.lost else "firing"
    lasted = spoken((incident.resolved or time.time()) - incident.began)
    notes = [each.quiet, f"{incident.acked_by} looks after it" if incident.acked_by else "", fact.reason]
    text = f"{incident.id:>5}  {state}  [{incident.severity}]  {fact.subject}: {fact.title} {each.fired_value}, "
    text += f"target {fact.bound}, since {when(incident.began, zone)}, {lasted}"
    return "; ".join([text, *filter(None, notes)])


def _soon(each: Pending) -> str:
    held, hold = spoken(each.mind.held), spoken(each.target.hold)
    return f"       pending  [{each.target.severity}]  {each.subject}: {each.rule.title}, missed for {held} of {hold}"


def _plain(each: Firing) -> dict[str, object]:
    incident = asdict(each.incident)
    incident["labels"] = dict(each.incident.labels)
    return {**incident, "title": each.fact.title, "quiet": each.quiet, "told": list(each.channels)}
