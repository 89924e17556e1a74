"""One poll while it is being made."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from collectors import believed
from collectors.failed import MALFORMED, Disconnected, Failed
from collectors.findings import LINGER, Findings
from collectors.frame import Frame, framed
from collectors.sieve import DOUBLED, UNREADABLE, Doubts, Refused, Sieve
from metrics.finding import ANY, Finding
from metrics.poll import ErrorClass, Event, EventKind, Failure, Poll, Record, Tier
from metrics.reading import Odd, Reading, Row, Table, Version
from metrics.samples import Samples
from metrics.text import clean, shown

T = TypeVar("T")
NOTHING: Mapping[str, str] = {}

MOST_ROWS = 100_000
"""Of one answer: more are not read, because memory is bounded."""

RECHECK = 3600.0
LONGEST = 600
"""Characters of a finding."""

MOST_NAMED = 4
"""Servers that a finding names."""

LACKING = "lacking"
"""Kind of the records that say which readings are off, and why; an empty body: it works again."""

UNKNOWN = "unknown"
"""Kind of the records that name columns which nothing of ours speaks of, by statement."""


class Off:
    """Readings that a server does not allow or does not have: not asked again for an hour.

    Each refusal leaves a trace on the server (Redis' ACL LOG, PostgreSQL's log), and says the same every time.
    """

    def __init__(self) -> None:
        """Everything is on."""
        self._until: dict[str, float] = {}
        self.columns: dict[str, list[str]] = {}
        self.unknown: dict[str, list[str]] = {}
        self.looked: dict[str, tuple[str, ...]] = {}

    def __contains__(self, statement: object) -> bool:
        return self._until.get(str(statement), 0.0) > time.monotonic()

    def add(self, statement: str, wait: float = RECHECK) -> None:
        """Leave it alone for so many seconds."""
        self._until[statement] = time.monotonic() + wait

    def known(self, statement: str) -> bool:
        """Whether it was off when last asked."""
        return statement in self._until

    def remove(self, statement: str) -> None:
        """It works again."""
        self._until.pop(statement, None)

    def clear(self) -> None:
        """The server may be another by now: ask anew, but remember what was off."""
        self._until = dict.fromkeys(self._until, 0.0)


class Round:
    """Collects what the readings of one tier give."""

    def __init__(
        self, source: str, tier: Tier, off: Off, sieve: Sieve | None = None, findings: Findings | None = None
    ) -> None:
        """The clocks start. What the source remembers from round to round is given: else it is all new."""
        self.source = source
        self.tier = tier
        self.epochs: dict[str, float] = {}
        self.samples = Samples()
        self.records: list[Record] = []
        self.partial: dict[str, Failure] = {}
        self.events: list[Event] = []
        self.left_out = 0
        self._off = off
        self._sieve = sieve or Sieve({})
        self._findings = findings or Findings()
        self._found: dict[str, tuple[Finding, float]] = {}
        self._refused: list[Refused] = []
        self._at: float | None = None
        self._started = time.monotonic()

    def heard(self) -> None:
        """The first answer is the time of all samples."""
        if self._at is None:
            self._at = time.time()

    def part(self, statement: str) -> "_Part":
        """One reading: its failure is noted and does not lose the others, unless the connection is lost with it."""
        return _Part(self, statement)

    def wants(self, statement: str) -> bool:
        """Whether a reading is worth asking for."""
        return statement not in self._off

    def event(self, kind: EventKind, text: str, at: float | None = None) -> None:
        """Something happened to the source: now, or at a time that it tells."""
        self.events.append(Event(kind, time.time() if at is None else at, text, self.source))

    def take(self, reading: Reading, rows: Sequence[Row], version: Version = (), table: Table = ((), ())) -> None:
        """Turn rows into samples; columns that are not there are said once, the others count.

        table   rows as they came, which are taken before the others
        """
        if len(rows) + len(table[1]) > MOST_ROWS:
            raise Failed(ErrorClass.BAD_REPLY, f"{reading.statement} gave more than {MOST_ROWS:,} rows")
        odd: list[Odd] = []
        samples, missing = reading.read(rows, version, odd, table)
        self.samples += samples
        if odd:
            self.odd(reading.statement, odd)
        if table[1] or rows:
            self._look_for_unknown(reading, tuple(table[0] if table[1] else rows[0]))
        if missing != self._off.columns.get(reading.statement, []):
            self._off.columns[reading.statement] = missing
            failure = Failure(ErrorClass.MISSING, f"no column {', '.join(missing)}")
            self.records.append(Record(LACKING, f"{reading.statement} columns", described(failure) if missing else ""))
            if missing:
                self.partial[reading.statement] = failure

    def finding(
        self, key: str, text: str, hint: str = "", *, statement: str = "", metric: str = "", linger: float = 0.0
    ) -> None:
        """Something is odd about the source: said once, and kept until a round of this tier finds it no more.

        key        short, and the same while it is the same
        hint       the line that mends it
        statement  the reading it comes from: while that is not asked, or fails, the finding stays
        metric     the metric whose values are unknown because of it
        linger     seconds that it stays when it comes and goes
        """
        found = Finding(key=key, text=shown(text, LONGEST), hint=clean(hint), statement=statement, metric=metric)
        self._found[key] = found, linger

    def refused(self, reason: str, count: int) -> None:
        """Count values that were left out before they came here."""
        self._sieve.refused[reason] += count

    def believed(self, reading: Reading, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows from which something is to be reckoned: what is odd in them is None, counted and named."""
        found = believed.rows(reading, rows, doubts := Doubts())
        self._doubt(reading.statement, doubts)
        return found

    def believed_fields(
        self,
        readings: Sequence[Reading],
        names: Sequence[str],
        rows: Sequence[tuple[Any, ...]],
        columns: Sequence[tuple[Any, ...]],
    ) -> Sequence[tuple[Any, ...]]:
        """The numbers of rows that are tuples, likewise, of which several readings may have some."""
        found = believed.fields(readings, names, rows, columns, doubts := Doubts())
        self._doubt(readings[0].statement, doubts)
        return found

    def framed(
        self,
        readings: Sequence[Reading],
        table: Table,
        labels: Sequence[str],
        ids: Sequence[str] = (),
        within: Mapping[str, str] = NOTHING,
    ) -> Frame:
        """An answer of many rows, likewise. Raises Failed when a label is not there.

        readings  those of the statement: each has some of the columns
        labels, ids  columns that tell rows apart: names, and numbers without which there is no telling
        within    what all these rows are in: labels before the others
        """
        doubts = Doubts()
        found = believed.frame(readings, framed(*table, labels, ids, doubts, within), doubts)
        self._doubt(readings[0].statement, doubts)
        return found

    def each(self, statement: str, rows: Iterable[Row], make: Callable[[Row], T], names: Sequence[str] = ()) -> list[T]:
        """What is made of each row; one of which nothing can be made is left out, counted and named.

        names   columns that say which row it is: of the others none is shown, they may hold anybody's data
        """
        found, odd = [], []
        for row in rows:
            try:
                found.append(make(row))
            except MALFORMED as error:
                odd.append((" ".join(shown(row.get(name)) for name in names), type(error).__name__))
        if odd:
            self.refused(UNREADABLE, len(odd))
            whom, why = odd[0]
            of = f" of {whom}" if whom.strip() else ""
            more = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
            text = f"{statement}: the row{of} cannot be read ({why}){more}; it is left out, all others count."
            self.finding(f"rows:{statement}", text, statement=statement, linger=LINGER)
        return found

    def _doubt(self, statement: str, doubts: Doubts) -> None:
        if not doubts.odd and not doubts.refused:
            return
        self.odd(statement, doubts.odd)
        for refused in doubts.refused:
            self.refused(refused.reason, 1)
        self._refused += doubts.refused

    def odd(self, statement: str, odd: Sequence[Odd]) -> None:
        """Values of a statement that are no numbers: each is counted, and the statement is named once."""
        if odd:
            self.refused(UNREADABLE, len(odd))
            whom, column, value = odd[0]
            of = f" of {whom}" if whom.strip() else ""
            more = f", and {len(odd) - 1} more" if len(odd) > 1 else ""
            text = f"{statement}: {column}{of} is no number but {value!r}{more}; unknown, all others count."
            self.finding(f"unreadable:{statement}", text, statement=statement, linger=LINGER)

    def mixed(self, servers: Sequence[str], cure: str) -> None:
        """What was read is of one server now and of another the next time."""
        more = [f"{len(servers) - MOST_NAMED} more"] if len(servers) > MOST_NAMED else []
        named = " and ".join([*servers[:MOST_NAMED], *more])
        of = f": {named}" if named else ""
        text = f"This address answers for several servers{of}. Which one speaks is chance, so all of it is unknown."
        self.finding("several_servers", text, cure, metric=ANY)

    def drop(self) -> None:
        """Nothing of what was read counts."""
        for kept in (self.epochs, self.samples, self.records, self.events):
            kept.clear()
        self.left_out = 0

    def restart(self) -> None:
        """Forget what was taken: the round begins anew over another connection."""
        self._at = None
        self.left_out = 0
        for kept in (self.epochs, self.samples, self.records, self.partial, self.events, self._found, self._refused):
            kept.clear()

    def poll(self) -> Poll:
        """What came of it, but for what cannot be true."""
        self.samples, refused = self._sieve.sift(self.tier, self.samples, time.monotonic())
        if refused or self._refused:
            self._explain([*self._refused, *refused])
        self.epochs = self._sieve.epochs(self.epochs)
        self.records = [_storable(record) for record in self.records]
        self.records += self._findings.settle(self.tier, self._found.values(), self._unasked)
        return self._poll(up=True)

    def failed(self, failure: Failure) -> Poll:
        """Nothing came of it: half a round is no round."""
        return self._poll(up=False, error=failure)

    def _explain(self, refused: Sequence[Refused]) -> None:
        """A finding for each metric and reason, which names the first series."""
        groups: dict[tuple[str, str], list[Refused]] = {}
        for each in refused:
            # A series that came twice has a value; the others have none.
            groups.setdefault((each.reason, "" if each.reason == DOUBLED else each.metric), []).append(each)
        for (reason, metric), found in groups.items():
            more = f" So did {len(found) - 1} more series." if len(found) > 1 else ""
            key = ":".join(filter(None, [reason, metric]))
            self.finding(key, f"{found[0].series} {found[0].text}.{more}", metric=metric, linger=LINGER)

    def _unasked(self, statement: str) -> bool:
        return statement in self.partial or statement in self._off

    def _look_for_unknown(self, reading: Reading, names: tuple[str, ...]) -> None:
        """A newer server's columns are ignored, and said once."""
        if self._off.looked.get(reading.statement) == names:
            return
        self._off.looked[reading.statement] = names
        unknown = reading.unknown(names)
        if unknown != self._off.unknown.get(reading.statement, []):
            self._off.unknown[reading.statement] = unknown
            self.records.append(Record(UNKNOWN, reading.statement, ", ".join(unknown)))

    def answered(self, statement: str) -> None:
        """A reading was had whole."""
        self.heard()
        if self._off.known(statement):
            self._off.remove(statement)
            self.records.append(Record(LACKING, statement, ""))

    def lost(self, statement: str, failed: Failed) -> None:
        """A reading was not had."""
        failure = failed.failure
        if failure.kind not in (ErrorClass.FORBIDDEN, ErrorClass.MISSING):
            self.partial[statement] = failure
            return
        if not (failed.quiet and self._off.known(statement)):
            self.partial[statement] = failure
            self.records.append(Record(LACKING, statement, described(failure)))
        self._off.add(statement, 0.0 if failed.quiet else RECHECK)

    def _poll(self, *, up: bool, error: Failure | None = None) -> Poll:
        return Poll(
            source=self.source,
            tier=self.tier,
            at=self._at if up and self._at is not None else time.time(),
            duration=time.monotonic() - self._started,
            up=up,
            error=error,
            epochs=self.epochs if up else {},
            samples=self.samples if up else (),
            records=self.records if up else (),
            partial=self.partial if up else {},
            events=self.events if up else (),
            left_out=self.left_out if up else 0,
        )


class _Part:
    """A class, where a generator would be shorter: there are a dozen of them in a poll that takes a fifth of a ms."""

    __slots__ = ("_round", "_statement")

    def __init__(self, round_: Round, statement: str) -> None:
        self._round, self._statement = round_, statement

    def __enter__(self) -> None:
        pass

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            self._round.answered(self._statement)
        elif isinstance(error, Failed) and not isinstance(error, Disconnected):
            self._round.lost(self._statement, error)
        elif isinstance(error, MALFORMED):
            self._round.lost(self._statement, malformed(error, self._statement))
        else:
            return False
        return True


def malformed(error: Exception, of: str) -> Failed:
    """What one of MALFORMED means."""
    return Failed(ErrorClass.BAD_REPLY, f"{of}: an answer of another shape: {said(error)}")


def said(error: Exception) -> str:
    """An error of Python's in a message."""
    return shown(f"{type(error).__name__}: {error}")


def described(failure: Failure) -> str:
    """A failure as the body of a record.

    >>> described(Failure(ErrorClass.TIMEOUT, "no answer"))
    '{"class": "timeout", "text": "no answer", "hint": ""}'
    """
    return json.dumps({"class": failure.kind, "text": failure.text, "hint": failure.hint}, ensure_ascii=False)


def _storable(record: Record) -> Record:
    """Texts of records come from elsewhere, in whatever encoding."""
    if record.key.isascii() and record.body.isascii():
        return record
    return Record(record.kind, clean(record.key), clean(record.body))


def by_name(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[dict[str, Any]]:
    """Rows whose columns have names: servers move columns from version to version."""
    return [dict(zip(names, row, strict=True)) for row in rows]
