"""What is kept quiet, by whom, until when and why."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from storage.incidents import Evidence, audit
from storage.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One of them; it covers what fits all that it names.

    rule, source  names; empty names none
    labels        label → value, such as database = shop
    starts, ends  seconds of the epoch; of a recurring one, between which dates it recurs
    recurring     empty, or days and hours in words: "mon-fri 22:00-06:00"; by the clock of ``zone``
    everything    covers all, which somebody has confirmed
    ended         taken back before its end
    """

    id: int = 0
    rule: str = ""
    source: str = ""
    labels: dict[str, str]
    starts: float
    ends: float
    recurring: str = ""
    zone: str = "UTC"
    reason: str
    author: str
    made: float
    ended: float | None = None
    everything: bool = False


_COLUMNS = "id, rule, source, labels, starts, ends, recurring, zone, reason, author, made, ended, everything"


class Silences(Ledger):
    """Made by people, on a page, by the command or by the API."""

    def add(self, silence: Silence) -> Silence:
        """Keep one; with its number."""
        with self.writing() as db:
            row = (
                *(silence.rule, silence.source, json.dumps(silence.labels, ensure_ascii=False)),
                *(silence.starts, silence.ends, silence.recurring, silence.zone, silence.reason),
                *(silence.author, silence.made, silence.ended, silence.everything),
            )
            number = db.execute(
                f"insert into silence ({_COLUMNS}) values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                row,
            ).lastrowid
            detail: Evidence = {"silence": number, "rule": silence.rule, "source": silence.source}
            audit(db, silence.made, silence.author, "silence", {**detail, "reason": silence.reason})
        return replace(silence, id=int(number or 0))

    def end(self, number: int, at: float, who: str) -> bool:
        """Take one back before its end; False when there is none that lasts."""
        with self.writing() as db:
            done = db.execute(
                "update silence set ended = ? where id = ? and ended is null and ends > ?", (at, number, at)
            ).rowcount
            if done:
                audit(db, at, who, "end silence", {"silence": number})
        return bool(done)

    def lasting(self, at: float) -> list[Silence]:
        """Those that have not ended, also those that are still to come, the newest first."""
        return self._some("where ended is null and ends > ? order by id desc", at)

    def all(self, limit: int = 200) -> list[Silence]:
        """The newest first, also those of the past."""
        return self._some("order by id desc limit ?", limit)

    def one(self, number: int) -> Silence | None:
        """One of them."""
        return next(iter(self._some("where id = ?", number)), None)

    def _some(self, where: str, *values: object) -> list[Silence]:
        with self.reading() as db:
            return [_silence(row) for row in db.execute(f"select {_COLUMNS} from silence {where}", values)]  # noqa: S608


def _silence(row: Sequence[object]) -> Silence:
    given = dict(zip(_COLUMNS.replace(" ", "").split(","), row, strict=True))
    known = {**given, "labels": json.loads(str(given["labels"])), "everything": bool(given["everything"])}
    return Silence(**known)
