"""Hands messages over: a thread for each channel, so that one that is dead holds up no other.

A message is claimed by a compare-and-set and settled when the receiver has answered. Whoever dies in between leaves it
claimed; the next one gives it back and sends it again, under the same number.
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from alerts.channel import Channel, ChannelError, Context
from alerts.message import Message
from metrics.duration import seconds
from storage.deliveries import Deliveries, Delivery
from storage.files import StoreError

PAUSE = 0.5
"""Seconds between two looks at a queue of which nothing is due."""

FIRST, LONGEST = 2.0, 300.0
"""Seconds until the first and at most until any further try."""

HANGS = 30.0

TROUBLE = (sqlite3.Error, StoreError, OSError)
"""Of our own files: they end no thread."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all channels are told."""

    external_url: str = ""
    zone: str = "UTC"
    networks: tuple[str, ...] = ()


class Sender:
    """Sends from start() to stop()."""

    def __init__(
        self,
        channels: Sequence[Channel],
        deliveries: Deliveries,
        settings: Settings,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is sent yet. ``say`` is given a line when a channel fails, gives up or works again."""
        self._channels = {channel.name: channel for channel in channels}
        self._deliveries, self._settings, self._say, self._clock = deliveries, settings, say, clock
        self._holder = f"{os.getpid()}-{random.getrandbits(32):08x}"
        self._stopping = threading.Event()
        self._news = {name: threading.Event() for name in self._channels}
        self._threads: list[threading.Thread] = []
        self._told: dict[str, str] = {}
        self.alive: dict[str, float] = {}

    def start(self) -> None:
        """What a dead sender had claimed is sent again."""
        self._deliveries.reclaim(self._holder)
        for name in self._channels:
            thread = threading.Thread(target=self._work, args=(name,), name=f"send-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def wake(self) -> None:
        """There may be something new."""
        for news in self._news.values():
            news.set()

    def stuck(self) -> list[str]:
        """Channels whose thread has ended or hangs beyond any deadline that it was given."""
        now = time.monotonic()
        alive = {thread.name for thread in self._threads if thread.is_alive()}
        return [
            name
            for name, channel in self._channels.items()
            if f"send-{name}" not in alive or now - self.alive.get(name, now) > 2 * seconds(channel.timeout) + HANGS
        ]

    def stop(self, within: float = 5.0) -> None:
        """What is under way may end; what is not is sent after the next start."""
        self._stopping.set()
        self.wake()
        end = time.monotonic() + within
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _work(self, name: str) -> None:
        news = self._news[name]
        while not self._stopping.is_set():
            self.alive[name] = time.monotonic()
            try:
                sent = self.one(name)
            except TROUBLE as error:
                self._once(name, f"Trivet's own trouble, not the channel's: {error}")
                sent = False
            if not sent:
                news.wait(PAUSE)
                news.clear()

    def one(self, name: str) -> bool:
        """Try the channel's next message if one is due; whether there was one."""
        delivery = self._deliveries.claim(name, self._holder, self._clock())
        if delivery is None:
            return False
        channel = self._channels[name]
        try:
            answer = self._handed_over(channel, delivery)
        except ChannelError as error:
            self._failed(channel, delivery, error)
        else:
            self._deliveries.sent(delivery.id, self._clock(), answer)
            self._once(name, "")
        return True

    def _handed_over(self, channel: Channel, delivery: Delivery) -> str:
        message = msgspec.json.decode(delivery.body, type=Message)
        context = Context(
            delivery=delivery.id,
            deadline=time.monotonic() + seconds(channel.timeout),
            external_url=self._settings.external_url,
            zone=self._settings.zone,
            networks=self._settings.networks,
        )
        try:
            return channel.send(message, context)
        except ChannelError:
            raise
        except Exception as error:  # noqa: BLE001 - the form failed, and somebody has to know all the same
            bare = _bare(message, f"{type(error).__name__} in the channel {channel.kind}: please report it")
            try:
                return channel.send(bare, context)
            except ChannelError:
                raise
            except Exception as again:  # noqa: BLE001
                raise ChannelError(f"{type(again).__name__}: {again}", permanent=True) from None

    def _failed(self, channel: Channel, delivery: Delivery, error: ChannelError) -> None:
        now, text = self._clock(), str(error)
        for secret in filter(None, channel.secrets()):
            text = text.replace(secret, "…")
        if error.permanent or now - delivery.made >= seconds(channel.give_up):
            fallback = channel.fallback if not delivery.instead_of else ""
            self._deliveries.dead(delivery.id, text, fallback, now)
            where = f"; it goes to {fallback}" if fallback else ""
            self._once(channel.name, f"given up: {text}{where}")
            if fallback in self._news:
                self._news[fallback].set()
            return
        wait = min(LONGEST, FIRST * 2 ** (delivery.tries - 1)) * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all come at once
        self._deliveries.failed(delivery.id, text, now + max(wait, error.retry_after or 0.0))
        self._once(channel.name, f"not yet: {text}")

    def _once(self, name: str, text: str) -> None:
        if self._told.get(name, "") != text:
            self._say(f"channel {name}: {text or 'works again'}")
        self._told[name] = text


def _bare(message: Message, why: str) -> Message:
    """Only what cannot be misunderstood by any form."""
    facts = tuple(msgspec.structs.replace(fact, worst=(), beside=()) for fact in message.facts)
    return msgspec.structs.replace(message, facts=facts, note=message.note or why, chart="")
