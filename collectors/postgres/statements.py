"""Statements: what pg_stat_statements of the source's own database says of the whole server."""

import re
from collections.abc import Sequence
from typing import ClassVar

from collectors.failed import Failed
from collectors.frame import Frame
from collectors.libpq import LibpqConnection
from collectors.postgres import budget
from collectors.postgres import metrics_statements as metrics
from collectors.postgres.ask import NOW, Ask
from collectors.postgres.budget import Want
from collectors.postgres.hints import UPDATE, USAGE, hinted, identifier
from collectors.postgres.ledger import ENTRY, Ledger
from collectors.postgres.listed import busiest, epoch
from collectors.postgres.texts import KIND, TEXT, Library
from collectors.rest import REST
from collectors.round import Round
from metrics.poll import ErrorClass, EventKind, Record, Tier
from metrics.reading import Version
from metrics.text import clean

QUERY = "query"
"""Kind of the records that hold the texts of statements, by query id."""

RANK = ("total_exec_time",)
A_DATABASE = 5
"""Series of totals and of a rest."""


class Statements:
    """Finds the extension, reads it, and keeps a ledger of it.

    None of it is asked ahead: a statement that names what was dropped meanwhile is an error in the server's log
    whatever else it says, because names are looked up before any of it is executed. Asked right after the look-up, only
    a DROP EXTENSION in between, of a millisecond, still leaves one.
    """

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM,)

    def __init__(self, max_series: int) -> None:
        """Nothing is known yet."""
        self._series = budget.statements(max_series)
        self._ledger = Ledger([*metrics.STATEMENTS.columns, *metrics.WORK.columns])
        self._shown = busiest(metrics.STATEMENTS, RANK)
        self._work = busiest(metrics.WORK, RANK)
        self._texts: set[int] = set()
        self._library = Library()
        self._path: tuple[LibpqConnection, str] | None = None
        self._reset: float | None = None

    def read(self, round_: Round, ask: Ask) -> None:
        """Shown statements, totals and texts."""
        if round_.wants(metrics.STATEMENTS.statement):
            with round_.part(metrics.STATEMENTS.statement):
                version = self._find(ask)
                info = self._inform(round_, ask, version)
                rows = self._rows(round_, ask, version)
                round_.take(metrics.INFO, [{"entries": len(rows), **info}], version)
                self._tell(round_, ask, version, self._ledger.look(rows))
                self._library.tell(round_, ask, rows, self._texts.__contains__)

    def _inform(self, round_: Round, ask: Ask, version: Version) -> dict[str, float]:
        if version < (1, 9):
            return {}
        (info,) = round_.believed(metrics.INFO, [ask.one("statements_info", NOW)])
        reset = info["reset"] or self._reset or 0.0
        if self._reset is not None and self._reset != reset:
            round_.event(EventKind.RESET, "pg_stat_statements was reset", reset or None)
        self._reset = reset
        return info

    def _rows(self, round_: Round, ask: Ask, version: tuple[int, int]) -> Frame:
        readings = (metrics.STATEMENTS, metrics.WORK)
        table = ask.table(metrics.STATEMENTS.statement, NOW, release=version[1])
        rows = round_.framed(readings, table, ENTRY[:2], ENTRY[2:])
        if strangers := self._ledger.strangers(rows):
            self._ledger.judge(self._library.ask(ask, KIND, strangers).items())
        return rows

    def _tell(self, round_: Round, ask: Ask, version: Version, groups: Frame) -> None:
        self._share(version, groups)
        look = self._shown.look({"": groups}, {"": [(key[0], REST, REST) for key in groups.keys]})
        shown = [groups.keys[at][2] for at in look.shown[""]]
        if unread := sorted(set(shown) - self._texts):
            texts = self._library.ask(ask, TEXT, unread)
            round_.records += [Record(QUERY, str(number), text) for number, text in texts.items()]
            self._texts |= texts.keys()
        self._texts &= {key[2] for key in groups.keys}
        round_.take(metrics.STATEMENTS, look.rows({"": groups}), version)
        round_.left_out += look.left
        # One rest for the whole server: what is shown by database is in the list above.
        work = self._work.look({"": groups}, {"": [(REST, REST, REST)] * len(groups)})
        round_.take(metrics.WORK, work.rows({"": groups}), version)
        round_.take(metrics.TOTALS, self._ledger.totals(), version)
        if self._reset is not None:
            round_.epochs[metrics.EPOCH] = epoch(self._reset, self._shown, self._work)

    def _share(self, version: Version, groups: Frame) -> None:
        databases = len({key[0] for key in groups.keys})
        each, work = metrics.STATEMENTS.width(version), metrics.WORK.width(version)
        left = self._series - databases * A_DATABASE - work - metrics.INFO.width(version)
        rows = budget.allot(left, {"statements": Want(len(groups), each, weight=2), "work": Want(len(groups), work)})
        self._shown.most, self._work.most = rows["statements"], rows["work"]

    def _find(self, ask: Ask) -> tuple[int, int]:
        """The extension's version. Looked up, not tried: no error on the server, and what is mended is seen at once."""
        user, database = ask.source.user, ask.database
        if not ask.identity["monitors"]:
            text = "without pg_monitor the statements of others are hidden"
            raise hinted(Failed(ErrorClass.FORBIDDEN, text, quiet=True), user, database)
        extension = ask.one("extension", NOW)
        schema = extension["schema"]
        if not schema:
            text = f'pg_stat_statements is not in database "{database}"'
            raise hinted(Failed(ErrorClass.MISSING, text, quiet=True), user, database)
        if not extension["usable"]:
            hint = USAGE.format(schema=schema, role=identifier(user))
            raise Failed(ErrorClass.FORBIDDEN, f"pg_stat_statements is in schema {schema}", hint, quiet=True)
        found = re.match(r"(\d+)\.(\d+)", clean(extension["version"]))
        version = (int(found[1]), int(found[2])) if found else (0, 0)
        if version < metrics.LEAST:
            text = f"pg_stat_statements {extension['version']} is older than 1.8"
            raise Failed(ErrorClass.MISSING, text, UPDATE, quiet=True)
        if self._path != (ask.connection, schema):
            ask.rows("search_path", [schema])
            self._path = ask.connection, schema
        return version
