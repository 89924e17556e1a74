"""Statements: what pg_stat_statements of the source's own database says of the whole server."""

from collections.abc import Sequence
from typing import ClassVar

from collectors.failed import Failed
from collectors.libpq import LibpqConnection
from collectors.postgres import metrics
from collectors.postgres.ask import Ask
from collectors.postgres.hints import USAGE, hinted, identifier
from collectors.postgres.ledger import Ledger
from collectors.round import Round
from metrics.poll import ErrorClass, Record, Tier

QUERY = "query"
"""Kind of the records that hold the texts of statements, by query id."""


class Statements:
    """Finds the extension, reads it, and keeps a ledger of it."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM,)

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._ledger = Ledger()
        self._path: tuple[LibpqConnection, str] | None = None

    def read(self, round_: Round, ask: Ask) -> None:
        """Shown statements, totals and texts."""
        if ask.version >= metrics.STATEMENTS.since and round_.wants(metrics.STATEMENTS.statement):
            with round_.part(metrics.STATEMENTS.statement):
                self._find(ask)
                self._take(round_, ask)

    def _take(self, round_: Round, ask: Ask) -> None:
        if ask.version >= (14,):
            round_.epochs[metrics.STATEMENTS_EPOCH] = ask.one("statements_reset")["reset"] or 0.0
        rows = ask.rows(metrics.STATEMENTS.statement)
        if strangers := self._ledger.strangers(rows):
            ignored = ask.rows("statement_kinds", [strangers])
            self._ledger.judge(strangers, (row["queryid"] for row in ignored))
        shown, totals = self._ledger.look(rows)
        if unread := self._ledger.unread(shown):
            texts = ask.rows("statement_texts", [unread])
            round_.records += [Record(QUERY, row["queryid"], row["query"]) for row in texts]
            self._ledger.have_read(unread)
        round_.take(metrics.STATEMENTS, shown, ask.version)
        round_.take(metrics.STATEMENTS_TOTALS, totals, ask.version)
        round_.take(metrics.STATEMENTS_INFO, [{"entries": len(rows)}], ask.version)

    def _find(self, ask: Ask) -> None:
        """Looked up, not tried: that leaves no error on the server, and what was mended is seen at once."""
        user, database = ask.source.user, ask.database
        if not ask.identity["monitors"]:
            text = "without pg_monitor the statements of others are hidden"
            raise hinted(Failed(ErrorClass.FORBIDDEN, text, quiet=True), user, database)
        extension = ask.one("extension")
        schema = extension["schema"]
        if not schema:
            text = f'pg_stat_statements is not in database "{database}"'
            raise hinted(Failed(ErrorClass.MISSING, text, quiet=True), user, database)
        if not extension["usable"]:
            hint = USAGE.format(schema=schema, role=identifier(user))
            raise Failed(ErrorClass.FORBIDDEN, f"pg_stat_statements is in schema {schema}", hint, quiet=True)
        if self._path != (ask.connection, schema):
            ask.rows("search_path", [schema])
            self._path = ask.connection, schema
