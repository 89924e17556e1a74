"""Messages on their way to channels, and what each channel was told last of each incident."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from storage.ledger import Ledger

QUEUED, SENDING, SENT, DEAD = "queued", "sending", "sent", "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message for one channel.

    id     told to the receiver too: the same for every try, so that it can tell a second one
    kind   firing, repeat, resolved, mixed, escalation, test, impaired
    body   what is to be said, as JSON: rendered when it is sent
    due    not before this, in seconds of the epoch
    instead_of  the delivery to another channel that could not be made
    """

    id: str
    channel: str
    kind: str
    incidents: tuple[int, ...]
    body: str
    made: float
    due: float
    tries: int = 0
    state: str = QUEUED
    holder: str = ""
    claimed: float | None = None
    error: str = ""
    answer: str = ""
    sent: float | None = None
    instead_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one channel was told last of one incident: firing, resolved, or dead where that could not be handed over.

    times   how often it was told that it fires
    """

    incident: int
    channel: str
    state: str
    at: float
    times: int
    delivery: str


_COLUMNS = (
    "id, channel, kind, incidents, body, made, due, tries, state, holder, claimed, error, answer, sent, instead_of"
)


class Deliveries(Ledger):
    """The queue of each channel. A message is written together with what it makes the channel know."""

    def told(self) -> list[Told]:
        """What is known where, of incidents that fire or whose end some channel was not told."""
        with self.reading() as db:
            rows = db.execute(
                "select t.incident, t.channel, t.state, t.at, t.times, t.delivery from told t"
                " join incident i on i.id = t.incident where i.resolved is null or t.state = 'firing'"
            )
            return [Told(incident=i, channel=c, state=s, at=a, times=n, delivery=d) for i, c, s, a, n, d in rows]

    def told_of(self, incident: int) -> list[Told]:
        """What is known where of one incident."""
        with self.reading() as db:
            rows = db.execute(
                "select incident, channel, state, at, times, delivery from told where incident = ?", (incident,)
            )
            return [Told(incident=i, channel=c, state=s, at=a, times=n, delivery=d) for i, c, s, a, n, d in rows]

    def queue(
        self,
        channel: str,
        kind: str,
        body: str,
        now: float,
        *,
        firing: Sequence[int] = (),
        resolved: Sequence[int] = (),
        due: float | None = None,
        instead_of: str = "",
    ) -> str:
        """One message and, in the same transaction, what it makes the channel know; its id."""
        number = uuid4().hex
        with self.writing() as db:
            _insert(db, number, channel, kind, (*firing, *resolved), body, now, now if due is None else due, instead_of)
            for incident in firing:
                db.execute(
                    "insert into told (incident, channel, state, at, times, delivery) values (?, ?, 'firing', ?, 1, ?)"
                    " on conflict (incident, channel) do update set state = 'firing', at = excluded.at,"
                    " times = told.times + 1, delivery = excluded.delivery",
                    (incident, channel, now, number),
                )
            for incident in resolved:
                db.execute(
                    "update told set state = 'resolved', at = ?, delivery = ? where incident = ? and channel = ?",
                    (now, number, incident, channel),
                )
        return number

    def claim(self, channel: str, holder: str, now: float) -> Delivery | None:
        """The channel's first message if it is due: nobody else has it then. Order is kept, also when the clock is set
        back between two: a later one waits.

        One that a process claimed which died has to be given back first, by ``reclaim``.
        """
        with self.writing() as db:
            row = db.execute(
                f"select {_COLUMNS} from delivery where channel = ? and state in ('queued', 'sending')"  # noqa: S608
                " order by rowid limit 1",
                (channel,),
            ).fetchone()
            if row is None:
                return None
            found = _delivery(row)
            # A due time that was reckoned by a clock which has been set back since is none.
            set_back = now < (found.made if found.claimed is None else found.claimed)
            if found.state != QUEUED or (found.due > now and not set_back):
                return None
            taken = db.execute(
                "update delivery set state = 'sending', holder = ?, claimed = ?, tries = tries + 1"
                " where id = ? and state = 'queued'",
                (holder, now, found.id),
            ).rowcount
            row = db.execute(f"select {_COLUMNS} from delivery where id = ?", (found.id,)).fetchone()  # noqa: S608
        return _delivery(row) if taken else None

    def reclaim(self, holder: str) -> int:
        """What others than this holder had claimed goes back into the queue: they are dead when this is called."""
        with self.writing() as db:
            return db.execute(
                "update delivery set state = 'queued', holder = '' where state = 'sending' and holder != ?", (holder,)
            ).rowcount

    def sent(self, delivery: str, now: float, answer: str = "") -> None:
        """The receiver has it."""
        with self.writing() as db:
            db.execute(
                "update delivery set state = 'sent', sent = ?, answer = ?, error = '' where id = ?",
                (now, answer, delivery),
            )
            # One that was given up and sent once more.
            db.execute("update told set state = 'firing' where delivery = ? and state = 'dead'", (delivery,))

    def failed(self, delivery: str, error: str, due: float) -> None:
        """Not this time: again when it is due."""
        self._settle(delivery, "state = 'queued', holder = '', error = ?, due = ?", (error, due))

    def dead(self, delivery: str, error: str, fallback: str = "", now: float = 0.0) -> None:
        """Given up, and shown; in the same transaction it becomes one for another channel.

        Whoever did not get that something fires is not told of its end; whoever got it instead is.
        """
        with self.writing() as db:
            db.execute("update delivery set state = 'dead', holder = '', error = ? where id = ?", (error, delivery))
            if fallback:
                kind, incidents, body = db.execute(
                    "select kind, incidents, body from delivery where id = ?", (delivery,)
                ).fetchone()
                number = uuid4().hex
                _insert(db, number, fallback, kind, json.loads(incidents), body, now, now, delivery)
                db.execute(
                    "insert into told (incident, channel, state, at, times, delivery)"
                    " select incident, ?, 'firing', ?, 1, ? from told where delivery = ? and state = 'firing'"
                    " on conflict (incident, channel) do nothing",
                    (fallback, now, number, delivery),
                )
            # Of one that had been told before, only the repeat was lost.
            db.execute(
                "update told set state = 'dead' where delivery = ? and state = 'firing' and times = 1", (delivery,)
            )

    def again(self, delivery: str, now: float) -> bool:
        """A dead one into the queue once more."""
        with self.writing() as db:
            return bool(
                db.execute(
                    "update delivery set state = 'queued', due = ?, tries = 0 where id = ? and state = 'dead'",
                    (now, delivery),
                ).rowcount
            )

    def one(self, number: str) -> Delivery | None:
        """One of them."""
        return next(iter(self._some("where id = ?", number)), None)

    def newest(self, limit: int, state: str = "", channel: str = "") -> list[Delivery]:
        """The newest first."""
        return self._some(
            "where ? in ('', state) and ? in ('', channel) order by rowid desc limit ?",
            *(state, channel, limit),
        )

    def of_incident(self, incident: int) -> list[Delivery]:
        """All that spoke of an incident, the oldest first."""
        return self._some("where exists (select 1 from json_each(incidents) where value = ?) order by rowid", incident)

    def lately(self, since: float) -> dict[str, list[float]]:
        """By channel, when its messages were made since then."""
        found: dict[str, list[float]] = {}
        with self.reading() as db:
            for channel, made in db.execute("select channel, made from delivery where made > ?", (since,)):
                found.setdefault(channel, []).append(made)
        return found

    def waiting(self) -> dict[tuple[str, str], tuple[int, float]]:
        """By channel and state, how many are not sent, and when the oldest of them was made."""
        with self.reading() as db:
            rows = db.execute(
                "select channel, state, count(*), min(made) from delivery where state != 'sent' group by 1, 2"
            )
            return {(channel, state): (count, oldest) for channel, state, count, oldest in rows}

    def forget(self, before: float) -> int:
        """Sent and dead ones that were made before."""
        with self.writing() as db:
            return db.execute("delete from delivery where state in ('sent', 'dead') and made < ?", (before,)).rowcount

    def _settle(self, delivery: str, what: str, values: Iterable[object]) -> None:
        with self.writing() as db:
            db.execute(f"update delivery set {what} where id = ?", (*values, delivery))  # noqa: S608 - our own words

    def _some(self, where: str, *values: object) -> list[Delivery]:
        with self.reading() as db:
            return [_delivery(row) for row in db.execute(f"select {_COLUMNS} from delivery {where}", values)]  # noqa: S608


def _insert(
    db: sqlite3.Connection,
    number: str,
    channel: str,
    kind: str,
    incidents: Sequence[int],
    body: str,
    now: float,
    due: float,
    instead_of: str,
) -> None:
    db.execute(
        f"insert into delivery ({_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, 0, 'queued', '', null, '', '', null, ?)",  # noqa: S608
        (number, channel, kind, json.dumps(incidents), body, now, due, instead_of),
    )


def _delivery(row: Sequence[object]) -> Delivery:
    given = dict(zip(_COLUMNS.replace(" ", "").split(","), row, strict=True))
    return Delivery(**{**given, "incidents": tuple(json.loads(str(given["incidents"])))})  # type: ignore[arg-type]
