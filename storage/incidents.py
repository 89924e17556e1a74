"""What is firing, since when, and every change on the way: a change is a row that is written before anybody is told."""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from metrics.model import Labels
from storage.ledger import Ledger

Evidence = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The state of one rule for one subject as it is kept; ``body`` is the judge's own, as JSON."""

    key: str
    rule: str
    source: str
    labels: Labels
    phase: str
    at: float
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One change of phase, as it is written.

    opens, closes  whether an incident begins or ends with it
    """

    mind: Remembered
    at: float
    old: str
    new: str
    severity: str
    began: float
    opens: bool = False
    closes: bool = False
    lost: bool = False
    flapping: bool = False
    by_wall: bool = False
    value: float | None = None
    bound: float | None = None
    reason: str = ""
    evidence: Evidence = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One alert from its firing to its end.

    began, fired, resolved  seconds of the epoch: first miss, told, well again; None while it lasts
    value, ended_value      in the form's base unit, when it fired and when it ended
    """

    id: int
    key: str
    rule: str
    source: str
    labels: Labels
    severity: str
    began: float
    fired: float
    resolved: float | None
    lost: bool
    flapping: bool
    value: float | None
    ended_value: float | None
    bound: float | None
    reason: str
    evidence: Evidence
    acked: float | None
    acked_by: str
    ack_note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One change of phase that belongs to an incident, or led to none."""

    id: int
    incident: int | None
    key: str
    at: float
    old: str
    new: str
    lost: bool
    value: float | None
    bound: float | None
    reason: str
    evidence: Evidence
    by_wall: bool


_INCIDENT = (
    "id, key, rule, source, labels, severity, began, fired, resolved, lost, flapping, value, ended_value, bound,"
    " reason, evidence, acked, acked_by, ack_note"
)
_ALERT = "id, incident, key, at, old, new, lost, value, bound, reason, evidence, by_wall"


class Incidents(Ledger):
    """Written by the judge alone, but for acknowledgements; read by all."""

    def minds(self) -> list[Remembered]:
        """The state of every rule and subject."""
        with self.reading() as db:
            rows = db.execute("select key, rule, source, labels, phase, at, body from mind").fetchall()
        return [
            Remembered(key=key, rule=rule, source=source, labels=_labels(labels), phase=phase, at=at, body=body)
            for key, rule, source, labels, phase, at, body in rows
        ]

    def record(self, changes: Sequence[Changed], minds: Iterable[Remembered] = (), gone: Iterable[str] = ()) -> None:
        """Changes with the states they led to, further states, and keys that are no more: all in one transaction."""
        minds, gone = list(minds), list(gone)
        if not changes and not minds and not gone:
            return
        with self.writing() as db:
            for change in changes:
                _keep(db, change.mind)
                _write(db, change)
            for mind in minds:
                _keep(db, mind)
            for key in gone:
                db.execute("delete from mind where key = ?", (key,))

    def open(self) -> list[Incident]:
        """What fires now, the newest first."""
        return self._incidents("where resolved is null order by fired desc, id desc")

    def since(self, at: float) -> list[Incident]:
        """What fires now or has ended since, the newest first."""
        return self._incidents("where resolved is null or resolved >= ? order by fired desc, id desc", at)

    def touching(self, start: float, end: float, source: str = "", rule: str = "") -> list[Incident]:
        """What was firing at some moment of a span."""
        return self._incidents(
            "where fired <= ? and coalesce(resolved, ?) >= ? and ? in ('', source) and ? in ('', rule)"
            " order by fired desc, id desc",
            *(end, end, start, source, rule),
        )

    def past(self, limit: int, before: int = 0, source: str = "", rule: str = "") -> list[Incident]:
        """What has ended, the newest first; ``before``: of smaller numbers only, for the next page."""
        return self._incidents(
            "where resolved is not null and (? = 0 or id < ?) and ? in ('', source) and ? in ('', rule)"
            " order by id desc limit ?",
            *(before, before, source, rule, limit),
        )

    def one(self, number: int) -> Incident | None:
        """One of them."""
        return next(iter(self._incidents("where id = ?", number)), None)

    def alerts(self, incident: int) -> list[Alert]:
        """Every change of one incident, the oldest first."""
        with self.reading() as db:
            rows = db.execute(f"select {_ALERT} from alert where incident = ? order by id", (incident,))  # noqa: S608
            return [_alert(row) for row in rows]

    def changes(self, start: float, end: float, limit: int = -1) -> list[Alert]:
        """Every change of a span, the oldest first."""
        with self.reading() as db:
            rows = db.execute(
                f"select {_ALERT} from alert where at between ? and ? order by id limit ?",  # noqa: S608
                (start, end, limit),
            )
            return [_alert(row) for row in rows]

    def acknowledge(self, number: int, at: float, who: str, note: str) -> bool:
        """Somebody looks after it; False when there is no such incident that still fires."""
        with self.writing() as db:
            done = db.execute(
                "update incident set acked = ?, acked_by = ?, ack_note = ? where id = ? and resolved is null",
                (at, who, note, number),
            ).rowcount
            if done:
                audit(db, at, who, "acknowledge", {"incident": number, "note": note})
        return bool(done)

    def unacknowledge(self, number: int, at: float, who: str) -> bool:
        """Nobody does any more."""
        with self.writing() as db:
            done = db.execute(
                "update incident set acked = null, acked_by = '', ack_note = ''"
                " where id = ? and resolved is null and acked is not null",
                (number,),
            ).rowcount
            if done:
                audit(db, at, who, "unacknowledge", {"incident": number})
        return bool(done)

    def forget(self, before: float) -> int:
        """Incidents that ended before, and changes that led to none; how many incidents."""
        with self.writing() as db:
            for table in ("alert", "told"):
                db.execute(
                    f"delete from {table} where incident in (select id from incident where resolved < ?)",  # noqa: S608
                    (before,),
                )
            db.execute("delete from alert where incident is null and at < ?", (before,))
            return db.execute("delete from incident where resolved < ?", (before,)).rowcount

    def _incidents(self, where: str, *values: object) -> list[Incident]:
        with self.reading() as db:
            return [_incident(row) for row in db.execute(f"select {_INCIDENT} from incident {where}", values)]  # noqa: S608


def audit(db: sqlite3.Connection, at: float, who: str, what: str, detail: Evidence) -> None:
    """Note who did what, in the transaction in which it is done."""
    text = json.dumps(detail, ensure_ascii=False)
    db.execute("insert into audit (at, who, what, detail) values (?, ?, ?, ?)", (at, who, what, text))


def _keep(db: sqlite3.Connection, mind: Remembered) -> None:
    db.execute(
        "insert or replace into mind (key, rule, source, labels, phase, at, body) values (?, ?, ?, ?, ?, ?, ?)",
        (mind.key, mind.rule, mind.source, _packed(mind.labels), mind.phase, mind.at, mind.body),
    )


def _write(db: sqlite3.Connection, change: Changed) -> None:
    mind, evidence = change.mind, json.dumps(change.evidence, ensure_ascii=False)
    if change.opens:
        db.execute(
            "insert into incident (key, rule, source, labels, severity, began, fired, lost, flapping, value, bound,"
            " reason, evidence, acked_by, ack_note) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', '')"
            " on conflict (key) where resolved is null do nothing",
            (
                *(mind.key, mind.rule, mind.source, _packed(mind.labels), change.severity, change.began, change.at),
                *(change.lost, change.flapping, change.value, change.bound, change.reason, evidence),
            ),
        )
    row = db.execute("select id from incident where key = ? and resolved is null", (mind.key,)).fetchone()
    incident = row[0] if row else None
    db.execute(
        "insert into alert (incident, key, at, old, new, lost, value, bound, reason, evidence, by_wall)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(incident, mind.key, change.at, change.old, change.new, change.lost, change.value, change.bound),
            *(change.reason, evidence, change.by_wall),
        ),
    )
    if incident is not None:
        resolved = change.at if change.closes else None
        db.execute(
            "update incident set resolved = ?, lost = ?, flapping = max(flapping, ?),"
            " ended_value = case when ? then ? else ended_value end where id = ?",
            (resolved, change.lost, change.flapping, change.closes, change.value, incident),
        )


def _packed(labels: Labels) -> str:
    return json.dumps(labels, ensure_ascii=False)


def _labels(text: str) -> Labels:
    return tuple((name, value) for name, value in json.loads(text))


def _incident(row: Sequence[object]) -> Incident:
    names = _INCIDENT.replace(" ", "").split(",")
    given = dict(zip(names, row, strict=True))
    return Incident(
        **{
            **given,
            "labels": _labels(str(given["labels"])),
            "lost": bool(given["lost"]),
            "flapping": bool(given["flapping"]),
            "evidence": json.loads(str(given["evidence"] or "{}")),
        }
    )


def _alert(row: Sequence[object]) -> Alert:
    names = _ALERT.replace(" ", "").split(",")
    given = dict(zip(names, row, strict=True))
    return Alert(
        **{
            **given,
            "lost": bool(given["lost"]),
            "by_wall": bool(given["by_wall"]),
            "evidence": json.loads(str(given["evidence"] or "{}")),
        }
    )
