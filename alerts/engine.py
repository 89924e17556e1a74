"""One pass: take what is new, judge it, write it down, and write the messages that are due.

What is Trivet's own trouble (a locked or full file) is said once, and the next pass tries again: nothing ends the loop.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alerts.causes import explained
from alerts.channel import Channel
from alerts.dispatch import Situation, plan
from alerts.facts import Teller
from alerts.judge import Judge, Now, Pass, Subjects
from alerts.pulse import Pulse
from alerts.recorded import Record
from alerts.rule import Rules
from metrics.alerting import Alerting
from metrics.duration import seconds
from metrics.poll import Poll
from storage.deliveries import Deliveries
from storage.files import StoreError
from storage.incidents import Incidents
from storage.series import SeriesStore
from storage.silences import Silences
from storage.tail import Tail

TROUBLE = (sqlite3.Error, StoreError, OSError)
LASTS = 30.0
"""Seconds that a trouble of our own has to last before somebody is told, and its end as well."""

MOST_UNRECORDED = 5_000
"""Polls of judged values that wait for a store that cannot write; changes wait however many they are."""

RECENT = 86_400.0
"""Seconds for which an incident that has ended is looked at, for channels that were not told of its end."""


def boot() -> str:
    """Which start of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def moment() -> Now:
    """Now, by the wall and by the clock that goes on while the machine sleeps."""
    return Now(time.time(), boot(), time.clock_gettime(time.CLOCK_BOOTTIME))


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the config file says, and how to say things."""

    rules: Rules
    sources: Sequence[Subjects]
    channels: Sequence[Channel]
    settings: Alerting
    teller: Teller
    tags: Mapping[str, Mapping[str, str]]
    behind: Mapping[str, Sequence[str]]


class Engine:
    """Judges and dispatches. One thread; one process at a time, which holds the lock of ``judged``."""

    def __init__(
        self,
        folder: Path,
        judged: SeriesStore,
        setup: Setup,
        say: Callable[[str], None],
        *,
        pulse: Pulse,
        wake: Callable[[], None],
        impaired: Callable[[str], None] = lambda text: None,
        clock: Callable[[], Now] = moment,
        lasts: float = LASTS,
    ) -> None:
        """``wake`` is called when there is something to send.

        impaired  given our own trouble once it has lasted, and nothing when it is over; must need no file
        """
        self._impaired, self._lasts = impaired, lasts
        self._turned: float | None = None
        self._ill = False
        self._say, self._clock, self._wake, self._pulse = say, clock, wake, pulse
        self._setup = setup
        self._incidents, self._deliveries = Incidents(folder), Deliveries(folder)
        self._silences = Silences(folder)
        self._judged = judged
        self._record = Record(judged)
        self._judge = Judge(setup.rules, setup.sources, self._incidents.minds())
        self._tail = Tail(folder, back=self._judge.back)
        self._unwritten: deque[Pass] = deque()
        self._unrecorded: deque[Poll] = deque(maxlen=MOST_UNRECORDED)
        self._told = ""
        self._lock = threading.Lock()
        self._waiting: list[Setup] = []

    def retune(self, setup: Setup) -> None:
        """Take other rules, sources or channels with the next pass; from any thread."""
        with self._lock:
            self._waiting = [setup]

    def run(self, stopping: threading.Event, every: float = 1.0) -> None:
        """Pass after pass until told to stop."""
        while not stopping.wait(every):
            self.once()

    def once(self) -> bool:
        """One pass; whether it was whole."""
        now = self._clock()
        try:
            self._retuned(now)
            fresh = self._tail.new()
            if fresh:
                self._pulse.passed("collected", now.wall)
            self._keep(self._judge.look(fresh, now))
            self._written()
            self._pulse.passed("judged", now.wall)
            if self._dispatch(now.wall):
                self._wake()
            self._pulse.passed("dispatched", now.wall)
            while self._unrecorded:
                self._judged.append(self._unrecorded[0])
                self._unrecorded.popleft()
            self._pulse.passed("recorded", now.wall)
            self._pulse.broken(list(self._judge.broken()))
        except TROUBLE as error:
            self._trouble(f"{type(error).__name__}: {error}")
            return False
        self._trouble("")
        return True

    def close(self) -> None:
        """Let go of the files."""
        self._tail.close()

    def _retuned(self, now: Now) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for setup in waiting:
            self._keep(self._judge.retune(setup.rules, setup.sources, now))
            self._setup = setup

    def _keep(self, found: Pass) -> None:
        """What was judged is judged once: when it cannot be written it is kept until it can."""
        if found.changes or found.minds or found.gone:
            self._unwritten.append(found)
        self._unrecorded.extend(self._record.polls(found.judgements))

    def _written(self) -> None:
        while self._unwritten:
            found = self._unwritten[0]
            self._incidents.record(found.changes, found.minds, found.gone)
            self._unwritten.popleft()

    def _dispatch(self, now: float) -> int:
        setup = self._setup
        there = self._incidents.since(now - RECENT)
        told = self._deliveries.told()
        known = {incident.id for incident in there}
        late = [self._incidents.one(number) for number in {each.incident for each in told} - known]
        there += [incident for incident in late if incident is not None]
        if not there:
            return 0
        group = seconds(setup.settings.group)
        situation = Situation(
            incidents=there,
            told=told,
            channels=setup.channels,
            rules=setup.rules,
            settings=setup.settings,
            silences=self._silences.lasting(now),
            inhibited=explained([incident for incident in there if incident.resolved is None], setup.behind),
            tags=setup.tags,
            lately=self._deliveries.lately(now - group),
        )
        letters = plan(now, situation)
        by_number = {incident.id: incident for incident in there}
        for letter in letters:
            message = setup.teller.message(letter, by_number, now)
            body = msgspec.json.encode(message).decode()
            self._deliveries.queue(
                letter.channel, letter.kind, body, now, firing=letter.firing, resolved=letter.resolved
            )
        return len(letters)

    def _trouble(self, text: str) -> None:
        if text != self._told:
            self._say(f"Trivet's own trouble: {text}" if text else "judging again")
        self._told = text
        self._pulse.trouble(text)
        self._tell_of(text)

    def _tell_of(self, text: str) -> None:
        """Somebody outside hears once of a trouble that lasts, whatever its words become, and once of its end."""
        if bool(text) == self._ill:
            self._turned = None
            return
        now = time.monotonic()
        self._turned = now if self._turned is None else self._turned
        if now - self._turned >= self._lasts:
            self._ill, self._turned = bool(text), None
            self._impaired(text)
