"""`trivet alert`: judge what is collected, and tell whoever has to know."""

import signal
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import click

from alerts.channel import Channel
from alerts.engine import Engine, Setup
from alerts.facts import Teller
from alerts.judge import Subjects
from alerts.pulse import Heartbeat, Pulse
from alerts.recorded import FOLDER
from alerts.rule import rules_of
from alerts.sender import Sender
from alerts.sender import Settings as SenderSettings
from commands import house
from commands.collect import retention
from commands.say import Misused, Stop, say
from commands.signals import Stopping
from dashboards import amounts
from dashboards.standing import bound_text
from metrics.config import Config
from metrics.duration import seconds
from metrics.forms import Form
from storage.deliveries import Deliveries
from storage.files import StoreBusy, StoreError
from storage.remote.opening import reader
from storage.series import SeriesStore
from storage.state import StateStore
from storage.upkeep import Upkeep

LEASE = 2.0
"""Seconds between two looks whether the process that judges has ended."""

QUERY = "queryid"


@click.command()
@house.config_option()
def alert(config: Path) -> None:
    """Judge every poll that is stored and send what is due, until told to stop.

    One process per data folder judges; a second one waits and takes over when that ends. SIGHUP reads the config file
    again: a file with a mistake changes nothing, and says so.
    """
    stopping = Stopping()
    settings = house.read(config)
    if not settings.sources:
        raise Misused(f"{config} names no [[source]]: there is nothing to judge.")
    settings.folder.mkdir(parents=True, exist_ok=True)
    judged = _lease(settings.folder / FOLDER, stopping)
    if judged is None:
        return
    try:
        _work(config, settings, judged, stopping)
    except (StoreError, sqlite3.Error, OSError) as error:
        raise Stop(f"{settings.folder}: {error}") from None
    finally:
        judged.close()
        say("Alerting stopped.")


def _lease(folder: Path, stopping: Stopping) -> SeriesStore | None:
    """The judge's own store, whose lock dies with its holder; None when told to stop before it was to be had."""
    told = False
    while not stopping.is_set():
        try:
            return SeriesStore(folder, declared=house.kinds())
        except StoreBusy as error:
            if not told:
                say(f"Another process judges: waiting until it ends. {error}")
            told = True
        except (StoreError, OSError, sqlite3.Error) as error:
            raise Stop(f"{folder}: {error}") from None
        stopping.wait(LEASE)
    return None


def _work(path: Path, settings: Config, judged: SeriesStore, stopping: Stopping) -> None:
    folder, pulse = settings.folder, Pulse(settings.folder)
    upkeep = Upkeep(judged, retention(settings), say)
    upkeep.start()
    sender = Sender(_channels(settings.channels), Deliveries(folder), sends(settings), say)
    sender.start()
    engine = Engine(folder, judged, setup(settings), say, pulse=pulse, wake=sender.wake, impaired=sender.impaired)
    _reloads(path, engine, sender, pulse)
    interval = max(source.every for source in settings.sources)
    if settings.alerts.heartbeat_url:
        heartbeat = Heartbeat(
            settings.alerts.heartbeat_url,
            seconds(settings.alerts.heartbeat),
            pulse,
            interval,
            say,
            settings.alerts.allow_networks,
        )
        threading.Thread(target=heartbeat.run, args=(stopping_event(stopping),), name="heartbeat", daemon=True).start()
    names = ", ".join(channel.name for channel in settings.channels) or "no channel: nobody is told"
    say(f"Judging {len(settings.sources)} sources; {names}.")
    try:
        while not stopping.wait(1.0):
            engine.once()
            if not sender.stuck():
                pulse.passed("sender", time.time())
    finally:
        engine.close()
        sender.stop()
        upkeep.close()


def stopping_event(stopping: Stopping) -> threading.Event:
    """For other threads than the main one, which alone may wait for the signal."""
    event = threading.Event()

    def watch() -> None:
        while not stopping.is_set():
            event.wait(0.5)
        event.set()

    threading.Thread(target=watch, name="stopping", daemon=True).start()
    return event


def sends(settings: Config) -> SenderSettings:
    """What who sends needs to know of the config file."""
    return SenderSettings(settings.web.external_url, settings.alerts.zone, settings.alerts.allow_networks)


def _reloads(path: Path, engine: Engine, sender: Sender, pulse: Pulse) -> None:
    """At HUP the file is read again, all of it, before anything changes."""

    def reload(_number: int, _frame: FrameType | None) -> None:
        try:
            fresh = house.read(path)
            changed = setup(fresh)
            sender.retune(changed.channels, sends(fresh))
            engine.retune(changed)
        except (Misused, Stop) as error:
            say(f"The config file is not taken, the old rules stay in force: {error.message}")
            pulse.config(error.message)
        else:
            say("The config file was read again.")
            pulse.config("")

    signal.signal(signal.SIGHUP, reload)


def setup(settings: Config) -> Setup:
    """What the judge and the messages need of the config file."""
    rules = rules_of(house.catalog(), settings.tunings, settings.bounds)
    return Setup(
        rules=rules,
        sources=[Subjects(name=each.name, kind=each.kind, interval=each.every) for each in settings.sources],
        channels=_channels(settings.channels),
        settings=settings.alerts,
        teller=_teller(settings, rules),
        tags={each.name: each.tags for each in settings.sources},
        behind={each.name: each.behind for each in settings.sources},
    )


def _channels(given: Sequence[Any]) -> list[Channel]:
    return [channel for channel in given if isinstance(channel, Channel)]


def _teller(settings: Config, rules: Any) -> Teller:
    store = reader(settings)

    def value(form: Form, given: float | None) -> str:
        return str(amounts.amount(given, amounts.measure(form)))

    def text(source: str, label: str, given: str) -> str:
        if label != QUERY:
            return given
        kept = store.records(source, "query", [given])
        return " ".join(kept[0].body.split())[:80] if kept else given

    return Teller(
        rules=rules,
        form_value=value,
        form_bound=bound_text,
        forms=house.catalog().forms,
        read=store.raw,
        events=StateStore(settings.folder).events,
        text=text,
    )
