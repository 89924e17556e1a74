"""Texts of statements, which numbers do not need: from wherever they can be had.

pg_stat_statements keeps the texts of all databases together, each in the encoding of its own. One that is none in the
encoding of the database that is asked, or a file of texts that was damaged, is an error of the whole view. Then a
database without an encoding is asked, if one has the extension; else what sessions sent last, without its values.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from collectors.failed import MALFORMED, Disconnected, Failed
from collectors.frame import Frame
from collectors.postgres.ask import NOW, Ask, beside
from collectors.postgres.hints import identifier
from collectors.postgres.ledger import ENTRY, OURS
from collectors.postgres.masked import masked
from collectors.postgres.sql import MARK, statement
from collectors.round import Round
from metrics.text import ESCAPE, clean, cut

KIND, TEXT = "statement_kinds", "statement_texts"
LONGEST = 4000
"""Bytes of what a session sent last, as the statement cuts it."""

ELSEWHERE = 600.0
"""Seconds until a database that could not help is asked again."""

MOST_NAMED = 5
_READING = "statements"
_ID, _DATABASE = ENTRY.index("queryid"), ENTRY.index("dbid")

Texts = Mapping[int, str]


@dataclass(slots=True)
class Library:
    """Remembers where texts could be had. ``trouble``: what the server says of them, empty while it gives all."""

    trouble: str = ""
    odd: set[int] = field(default_factory=set)
    _elsewhere: dict[str, float] = field(default_factory=dict)
    _found_in: str = ""

    def ask(self, ask: Ask, what: str, ids: Sequence[int]) -> Texts:
        """The texts of these statements, or what kind they are; those that can be had. Raises Failed.

        Asked of a database that has the extension, whose place stands in the search path.
        """
        found, self.trouble = _asked(ask, what, ids)
        self._found_in = ""
        if not self.trouble:
            return found
        found = self._asked_elsewhere(ask, what, ids)
        missing = [number for number in ids if number not in found]
        if missing and ask.version >= (14, 0):
            found = {**_running(ask, missing), **found}
        return found

    def tell(self, round_: Round, ask: Ask, rows: Frame, known: Callable[[int], bool]) -> None:
        """Say once what cannot be read, and what mends it. ``known``: whether a statement's text is known."""
        if not self.trouble:
            return
        places = {row["dbid"]: row["datname"] for row in ask.rows("statement_places", NOW)}
        there = {key[_ID] for key in rows.keys}
        unread = {key[_ID] for key in rows.keys if key[_DATABASE] in places and not known(key[_ID])}
        odd = sorted(self.odd & there or unread)
        text = f"The texts of statements cannot be read in database {ask.database}: {self.trouble}. Numbers are whole."
        if places:
            which = f": statement {_listed(odd)}" if odd else ""
            text += f" Database {', '.join(places.values())} (SQL_ASCII) takes any bytes{which}."
        if self._found_in:
            text += f" They are read in database {self._found_in}."
        round_.finding("statement_texts", text, self._hint(list(places.values())), statement=_READING)

    def _hint(self, names: Sequence[str]) -> str:
        if self._found_in:
            return ""
        if names:
            return f"In database {identifier(names[0])}: CREATE EXTENSION pg_stat_statements; its texts are read there."
        return (
            "They come back with each statement that is planned anew; SELECT pg_stat_statements_reset(); forgets all."
        )

    def _asked_elsewhere(self, ask: Ask, what: str, ids: Sequence[int]) -> Texts:
        now = time.monotonic()
        for row in ask.rows("statement_places", NOW):
            name = row["datname"]
            if not row["open"] or ESCAPE in name or self._elsewhere.get(name, 0.0) > now:
                continue
            try:
                found, trouble = _visit(ask, name, what, ids)
            except Failed:
                trouble = "it cannot be asked"
            if not trouble:
                self._found_in = name
                self.odd |= {number for number, text in found.items() if ESCAPE in text}
                return found
            self._elsewhere[name] = now + ELSEWHERE
        return {}


def _listed(ids: Sequence[int]) -> str:
    more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
    return ", ".join(map(str, ids[:MOST_NAMED])) + more


def _asked(ask: Ask, what: str, ids: Sequence[int]) -> tuple[Texts, str]:
    """The texts, or what the server said instead."""
    wanted = "{" + ",".join(map(str, ids)) + "}"
    ask.rows("statement_wanted", [wanted])
    # Not by way of what is asked ahead: it answers for those that were wanted a moment ago.
    try:
        ask.connection.table(ask.deadline, statement(what, ask.version[0]))
    except Disconnected:
        raise
    except Failed as failed:
        # Without PL/pgSQL there is no way to ask that leaves the log alone.
        return {}, failed.failure.text
    given = ask.one("statement_answer", NOW)["answer"]
    # Bytes that are no text must not be escaped yet: they would be no JSON.
    answer = given.decode(ask.connection.codec, "surrogateescape") if isinstance(given, bytes) else ""
    if not answer.startswith("["):
        return {}, clean(answer).partition(" ")[2] or "no answer"
    try:
        return {int(number): clean(text) for number, text in json.loads(answer) if text is not None}, ""
    except MALFORMED as error:
        return {}, f"an answer of another shape ({type(error).__name__})"


def _visit(ask: Ask, database: str, what: str, ids: Sequence[int]) -> tuple[Texts, str]:
    """The same of another database. Raises Failed."""
    with closing(beside(ask, database)) as inside:
        there = replace(ask, connection=inside, database=database)
        extension = there.one("extension", NOW)
        if not extension["schema"] or not extension["usable"]:
            return {}, "it has no pg_stat_statements"
        there.rows("search_path", [extension["schema"]])
        return _asked(there, what, ids)


def _running(ask: Ask, ids: Sequence[int]) -> Texts:
    rows = ask.rows("statement_running", [ids])
    sent = {row["query_id"]: row["query"] for row in rows if isinstance(row["query"], bytes)}
    found = {number: cut(text, LONGEST, ask.connection.codec) for number, text in sent.items()}
    # Of our own the mark is all that matters, which is a comment and would be masked.
    return {number: MARK if MARK in text[:OURS] else masked(text) for number, text in found.items()}
