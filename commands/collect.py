"""`trivet collect`: poll the sources on time and keep what they say."""

import gc
import sqlite3
from pathlib import Path

import click

from collectors.poller import Poller
from commands import house
from commands.say import Busy, Misused, Stop, say
from commands.signals import Stopping
from metrics.config import Config
from metrics.duration import seconds
from metrics.poll import Poll
from storage.compaction import Retention
from storage.diary import Diary
from storage.files import StoreBusy, StoreError
from storage.patience import Patience
from storage.remote import opening
from storage.series import SeriesStore
from storage.state import StateStore
from storage.trouble import TroubleFile
from storage.upkeep import Upkeep

LINGER = 0.1
"""Seconds in which polls of several sources share one commit. So much later the next tier of the same turn is asked."""

OBJECTS = 20_000
"""New objects after which Python looks for cycles that nobody holds."""

COMPANY = 5
"""Sources from which on it is likely that another poll comes in that time: to wait for nobody costs more."""


@click.command()
@house.config_option()
def collect(config: Path) -> None:
    """Poll the sources of the config file until told to stop. One process per data folder."""
    stopping = Stopping()
    settings = house.read(config)
    if not settings.sources:
        raise Misused(f"{config} names no [[source]]: there is nothing to collect.")
    linger = LINGER if len(settings.sources) >= COMPANY else 0.0
    try:
        local = SeriesStore(settings.folder, linger=linger, declared=house.kinds())
        store = opening.store(settings, say, local)
        trouble = TroubleFile(settings.folder)
    except StoreBusy as error:
        raise Busy(str(error)) from None
    except (StoreError, OSError) as error:
        raise Stop(str(error)) from None
    except sqlite3.Error as error:
        raise Stop(f"{settings.folder}: {error}: is there room, and may this account write there?") from None
    if local.lost:
        say(f"{settings.folder}: the last {local.lost} numbers written are gone: was the -wal file deleted?")
    patience = Patience(store.append, local, say, trouble.tell)
    diary = Diary(StateStore(settings.folder), say)
    poller = Poller(settings.sources, lambda poll: keep(poll, patience, diary), say)
    upkeep = Upkeep(local, retention(settings), say, lambda: not patience.trouble)
    upkeep.start()
    _settle_memory()
    poller.start()
    say(f"Collecting from {len(settings.sources)} sources into {settings.folder}.")
    try:
        while not stopping.wait():
            continue
    finally:
        poller.stop()
        patience.close()
        upkeep.close()
        store.close()
        trouble.close()
        say("Collecting stopped.")


def _settle_memory() -> None:
    """What was loaded stays, and a poll leaves no cycles: looking for them at every 700 objects costs more than it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)


def keep(poll: Poll, patience: Patience, diary: Diary) -> None:
    """A poll, and what it saw happen."""
    patience.write(poll)
    diary.write(poll.events)


def retention(settings: Config) -> Retention:
    """What [store] says of how long samples are kept."""
    kept = settings.store
    return Retention(
        raw=seconds(kept.keep),
        ten_minutes=seconds(kept.keep_10m),
        hour=seconds(kept.keep_1h),
        most_bytes=kept.most_bytes(),
    )
