"""`trivet collect`: poll the sources on time and keep what they say."""

import time
from pathlib import Path

import click

from collectors.poller import Poller
from commands import house
from commands.say import Busy, Misused, Stop, say
from commands.signals import stop_event
from metrics.duration import seconds
from storage.files import StoreBusy, StoreError
from storage.remote import opening

PRUNE_EVERY = 3600.0


@click.command()
@house.config_option()
def collect(config: Path) -> None:
    """Poll the sources of the config file until told to stop. One process per data folder."""
    stopping = stop_event()
    settings = house.read(config)
    if not settings.sources:
        raise Misused(f"{config} names no [[source]]: there is nothing to collect.")
    try:
        store = opening.store(settings, say)
    except StoreBusy as error:
        raise Busy(str(error)) from None
    except (StoreError, OSError) as error:
        raise Stop(str(error)) from None
    poller = Poller(settings.sources, store.append, say)
    poller.start()
    say(f"Collecting from {len(settings.sources)} sources into {settings.folder}.")
    try:
        store.prune(time.time() - seconds(settings.store.keep))
        while not stopping.wait(PRUNE_EVERY):
            store.prune(time.time() - seconds(settings.store.keep))
    finally:
        poller.stop()
        store.close()
        say("Collecting stopped.")
