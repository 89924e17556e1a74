"""Several statements in one round trip: a small poll costs little more than its writes to the socket.

They are sent as one pipeline with one Sync, so they are one transaction: the server shows one moment to all of them.
"""

import select
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from collectors.round import MOST_ROWS

Table = tuple[list[str], list[tuple[Any, ...]]]
"""Names of columns, and rows."""


class Together:
    """What is prepared over one connection. Each statement is parsed and planned once."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        """Nothing is prepared yet."""
        self._connection = connection
        self._transformer = Transformer.from_context(connection)
        self._prepared: dict[str, bytes] = {}
        self._names: dict[bytes, list[str]] = {}
        self._count = 0

    def reload(self) -> None:
        """The connection's loaders are others."""
        self._transformer = Transformer.from_context(self._connection)

    def ask(self, statements: Sequence[str]) -> tuple[Mapping[str, Table], str]:
        """All their answers; or none and the statement that failed. Raises psycopg.Error, the connection is closed."""
        try:
            results = self._results(statements)
        except psycopg.Error:
            # Nobody knows how much of the pipeline is still to come.
            self._connection.close()
            raise
        found = {}
        for text, result in zip(statements, results, strict=True):
            table = self._table(self._prepared[text], result)
            if table is None:
                # Which of them the server has prepared before it failed matters to nobody.
                self._prepared = {}
                return {}, text
            found[text] = table
        return found, ""

    def _results(self, statements: Sequence[str]) -> list[PGresult]:
        """One for each, whether it was answered, failed, or was passed over behind one that failed."""
        pgconn = self._connection.pgconn
        pgconn.enter_pipeline_mode()
        own = []
        for text in statements:
            if text not in self._prepared:
                self._count += 1
                self._prepared[text] = b"trivet_%d" % self._count
                pgconn.send_prepare(self._prepared[text], text.encode())
                own.append(False)
            pgconn.send_query_prepared(self._prepared[text], None)
            own.append(True)
        pgconn.pipeline_sync()
        results = [result for result, mine in zip(_answers(pgconn), own, strict=True) if mine]
        pgconn.exit_pipeline_mode()
        return results

    def _table(self, name: bytes, result: PGresult) -> Table | None:
        if result.status != ExecStatus.TUPLES_OK or result.ntuples > MOST_ROWS:
            return None
        self._transformer.set_pgresult(result)
        if name not in self._names:
            # A prepared statement never has other columns.
            self._names[name] = names(result)
        try:
            return self._names[name], self._transformer.load_rows(0, result.ntuples, tuple)
        except ValueError:
            return None


def names(result: PGresult | None) -> list[str]:
    """Names of the columns."""
    if result is None:
        return []
    return [(result.fname(at) or b"").decode("utf-8", "replace") for at in range(result.nfields)]


def _answers(pgconn: PGconn) -> Iterator[PGresult]:
    """Each answer up to the Sync's. The thread waits in poll() only, where a deadline can wake it."""
    waiter = select.poll()
    waiter.register(pgconn.socket, select.POLLIN | select.POLLOUT)
    while pgconn.flush():
        waiter.poll()
        pgconn.consume_input()
    waiter.register(pgconn.socket, select.POLLIN)
    while True:
        while pgconn.is_busy():
            waiter.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return
        if result is not None:
            yield result
        elif pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError(pgconn.get_error_message())
