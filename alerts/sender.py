"""Hands messages over: a thread for each channel, so that one that is dead holds up no other.

A message is claimed by a compare-and-set and settled when the receiver has answered. Whoever dies in between leaves it
claimed; the next one gives it back and sends it again, under the same number.

What is said of Trivet's own trouble needs no file: it is kept in memory, one thing for each channel.
"""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import msgspec

from alerts.channel import Channel, ChannelError, Context
from alerts.message import Fact, Message
from metrics.duration import seconds
from storage.deliveries import Deliveries, Delivery
from storage.files import StoreError

PAUSE = 0.5
"""Seconds between two looks at a queue of which nothing is due."""

FIRST, LONGEST = 2.0, 300.0
"""Seconds until the first and at most until any further try."""

LEAST_TRIES = 3
"""Before a message is given up for its age."""

HANGS = 30.0

TROUBLE = (sqlite3.Error, StoreError, OSError)
"""Of our own files: they end no thread."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What all channels are told."""

    external_url: str = ""
    zone: str = "UTC"
    networks: tuple[str, ...] = ()


@dataclass(slots=True)
class _Unfiled:
    """What a channel is to be told of Trivet's own trouble.

    state   firing or resolved; empty when there is nothing to tell
    heard   it was told that there is some
    """

    state: str = ""
    trouble: str = ""
    since: float = 0.0
    number: str = ""
    made: float = 0.0
    due: float = 0.0
    tries: int = 0
    heard: bool = False

    def message(self, now: float) -> Message:
        """As an incident that is in no file, so that every channel can end what it began."""
        resolved = self.state == "resolved"
        fact = Fact(
            incident=0,
            state=self.state,
            severity="critical",
            rule="trivet_impaired",
            title="Trivet works",
            source="trivet",
            subject="Trivet itself",
            value="well again" if resolved else "impaired",
            bound="well",
            since=self.since,
            lasted=max(0.0, now - self.since) if resolved else None,
            meaning="Trivet cannot use its own files, so it judges nothing and may tell of nothing else.",
            advice="See whether the disk of the data folder is full, read-only or gone; the log says the same.",
            reason=self.trouble,
        )
        kind = "resolved" if resolved else "impaired"
        return Message(kind=kind, at=now, facts=(fact,), firing=int(not resolved), resolved=int(resolved))


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
        self._unsettled: dict[str, Callable[[], None]] = {}
        self._unfiled = {name: _Unfiled() for name in self._grave()}
        self._unfiled_lock = threading.Lock()
        self.alive: dict[str, float] = {}

    def start(self) -> None:
        """What a dead sender had claimed is sent again."""
        self._deliveries.reclaim(self._holder)
        for name in self._channels:
            self._begin(name)

    def retune(self, channels: Sequence[Channel], settings: Settings) -> None:
        """Other channels or settings, from the next try on. One that is gone keeps its messages, and sends none."""
        fresh = {channel.name: channel for channel in channels}
        self._settings = settings
        # One assignment: the threads look at it without a lock.
        self._channels = fresh
        with self._unfiled_lock:
            self._unfiled = {name: self._unfiled.get(name, _Unfiled()) for name in self._grave()}
        alive = {thread.name for thread in self._threads if thread.is_alive()}
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for name in fresh:
            if f"send-{name}" not in alive:
                self._news[name] = threading.Event()
                self._begin(name)
        self.wake()

    def _begin(self, name: str) -> None:
        thread = threading.Thread(target=self._work, args=(name,), name=f"send-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def wake(self) -> None:
        """There may be something new."""
        for news in list(self._news.values()):
            news.set()

    def impaired(self, trouble: str) -> None:
        """Tell of Trivet's own trouble, or that it is over when empty; no file is needed for it. Never waits.

        Whoever was not told of a trouble is not told of its end either.
        """
        now = time.monotonic()
        with self._unfiled_lock:
            for each in self._unfiled.values():
                if trouble:
                    each.trouble, each.since = trouble, self._clock()
                    each.state = "" if each.heard else "firing"
                else:
                    each.state = "resolved" if each.heard else ""
                each.number, each.made, each.due, each.tries = uuid4().hex, now, now, 0
        self.wake()

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
            if name not in self._channels:
                # It may be back with the next config file.
                news.wait(PAUSE)
                news.clear()
                continue
            try:
                sent = self.unfiled(name)
                sent = self.one(name) or sent
            except TROUBLE as error:
                self._once(name, f"Trivet's own trouble, not the channel's: {error}")
                sent = False
            if not sent:
                news.wait(PAUSE)
                news.clear()

    def one(self, name: str) -> bool:
        """Try the channel's next message if one is due; whether there was one."""
        if (settle := self._unsettled.get(name)) is not None:
            # It was handed over, or not, when that could not be written: before that it is not tried again.
            settle()
            del self._unsettled[name]
        channel = self._channels.get(name)
        delivery = self._deliveries.claim(name, self._holder, self._clock()) if channel else None
        if channel is None or delivery is None:
            return False
        try:
            answer = self._handed_over(channel, delivery)
        except ChannelError as error:
            self._failed(channel, delivery, error)
        else:
            sent = self._clock()
            self._settle(name, lambda: self._deliveries.sent(delivery.id, sent, answer))
            self._once(name, "")
        return True

    def _settle(self, name: str, write: Callable[[], None]) -> None:
        """Write what came of a try; when that fails it is kept until it can be written."""
        self._unsettled[name] = write
        write()
        del self._unsettled[name]

    def unfiled(self, name: str) -> bool:
        """Try what the channel is to be told of our own trouble, if that is due; whether it has it now."""
        with self._unfiled_lock:
            each = self._unfiled.get(name)
            if each is None or not each.state or time.monotonic() < each.due:
                return False
            message, number, firing = each.message(self._clock()), each.number, each.state == "firing"
            each.tries += 1
        channel, wait = self._channels.get(name), 0.0
        if channel is None:
            return False
        try:
            channel.send(message, self._context(channel, number))
        except ChannelError as error:
            self._once(name, f"not yet told of our own trouble: {_without(str(error), channel)}")
            over = error.permanent or time.monotonic() - each.made >= seconds(channel.give_up)
            wait = max(min(LONGEST, FIRST * 2 ** (each.tries - 1)), error.retry_after or 0.0)
        except Exception as error:  # noqa: BLE001 - it must not end the thread
            self._once(name, f"not told of our own trouble: {type(error).__name__}")
            over = True
        else:
            over = True
            with self._unfiled_lock:
                each.heard = firing
                if each.number != number:
                    # Meanwhile it has ended, or begun again.
                    each.state = ("" if each.state else "resolved") if firing else each.state
        with self._unfiled_lock:
            each.due = time.monotonic() + wait
            if over and each.number == number:
                each.state = ""
        return over

    def _grave(self) -> list[str]:
        """The channels that hear of the worst; all when there is none of them."""
        grave = [name for name, channel in self._channels.items() if channel.takes("critical", "")]
        return grave or list(self._channels)

    def _handed_over(self, channel: Channel, delivery: Delivery) -> str:
        message = msgspec.json.decode(delivery.body, type=Message)
        context = self._context(channel, delivery.id)
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

    def _context(self, channel: Channel, number: str) -> Context:
        return Context(
            delivery=number,
            deadline=time.monotonic() + seconds(channel.timeout),
            external_url=self._settings.external_url,
            zone=self._settings.zone,
            networks=self._settings.networks,
        )

    def _failed(self, channel: Channel, delivery: Delivery, error: ChannelError) -> None:
        now, text = self._clock(), _without(str(error), channel)
        # A clock that is set forward makes a message old that was hardly tried.
        too_old = now - delivery.made >= seconds(channel.give_up) and delivery.tries >= LEAST_TRIES
        if error.permanent or too_old:
            fallback = channel.fallback if not delivery.instead_of else ""
            self._settle(channel.name, lambda: self._deliveries.dead(delivery.id, text, fallback, now))
            where = f"; it goes to {fallback}" if fallback else ""
            self._once(channel.name, f"given up: {text}{where}")
            if fallback in self._news:
                self._news[fallback].set()
            return
        wait = min(LONGEST, FIRST * 2 ** (delivery.tries - 1)) * random.uniform(0.8, 1.2)  # noqa: S311 - so that not all come at once
        due = now + max(wait, error.retry_after or 0.0)
        self._settle(channel.name, lambda: self._deliveries.failed(delivery.id, text, due))
        self._once(channel.name, f"not yet: {text}")

    def _once(self, name: str, text: str) -> None:
        if self._told.get(name, "") != text:
            self._say(f"channel {name}: {text or 'works again'}")
        self._told[name] = text


def _without(text: str, channel: Channel) -> str:
    for secret in filter(None, channel.secrets()):
        text = text.replace(secret, "…")
    return text


def _bare(message: Message, why: str) -> Message:
    """Only what cannot be misunderstood by any form."""
    facts = tuple(msgspec.structs.replace(fact, worst=(), beside=()) for fact in message.facts)
    return msgspec.structs.replace(message, facts=facts, note=message.note or why, chart="")
