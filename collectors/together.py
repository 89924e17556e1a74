"""Statements without values over libpq itself: a small poll costs little more than its writes to the socket.

Several go in one round trip. They are sent as one pipeline with one Sync, so they are one transaction: the server shows
one moment to all of them.
"""

import select
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus
from psycopg.pq.abc import PGconn, PGresult

from collectors.deadline import Late, Patient
from collectors.failed import Failed
from collectors.round import MOST_ROWS
from metrics.poll import ErrorClass

Table = tuple[list[str], list[tuple[Any, ...]]]
"""Names of columns, and rows."""

COPIES = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)


class Together:
    """What is asked over one connection. Of several together each is parsed and planned once."""

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

    def alone(self, statement: str, deadline: float) -> Table:
        """One answer, by the simple protocol. Raises psycopg.Error, ValueError, Failed, and Late."""
        pgconn = self._connection.pgconn
        pgconn.send_query(statement.encode())
        # Of several answers to one statement, which nobody sends, the last one counts.
        results = list(_answers(pgconn, deadline))
        if not results:
            self._connection.close()
            raise psycopg.OperationalError("the server is ready again without an answer")
        result = results[-1]
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise errors.error_from_result(result, self._connection.info.encoding)
        if result.ntuples > MOST_ROWS:
            raise Failed(ErrorClass.BAD_REPLY, f"more than {MOST_ROWS:,} rows")
        self._transformer.set_pgresult(result)
        return names(result), self._transformer.load_rows(0, result.ntuples, tuple)

    def ask(self, statements: Sequence[str], deadline: float) -> tuple[Mapping[str, Table], str]:
        """All their answers; or none and the statement that failed.

        Raises psycopg.Error, ValueError when there are more or fewer, and Late, and closes the connection then.
        """
        try:
            results = self._results(statements, deadline)
        except (psycopg.Error, ValueError, Late):
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

    def _results(self, statements: Sequence[str], deadline: float) -> list[PGresult]:
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
        results = [result for result, mine in zip(_answers(pgconn, deadline), own, strict=True) if mine]
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
    return list(_texts(tuple([result.fname(at) for at in range(result.nfields)])))


@lru_cache(maxsize=1000)
def _texts(names: tuple[bytes | None, ...]) -> tuple[str, ...]:
    return tuple((name or b"").decode("utf-8", "replace") for name in names)


def _answers(pgconn: PGconn, deadline: float) -> Iterator[PGresult]:
    """Each answer, in a pipeline up to the Sync's. Raises Late."""
    waiter, patient = select.poll(), Patient(pgconn.socket, deadline)
    while pgconn.flush():
        waiter.register(pgconn.socket, select.POLLIN | select.POLLOUT)
        patient.wait(waiter)
        pgconn.consume_input()
    waiter.register(pgconn.socket, select.POLLIN)
    while True:
        while pgconn.is_busy():
            patient.wait(waiter)
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return
        if result is not None and result.status in COPIES:
            # It would be the answer for ever: nobody takes or sends the data.
            pgconn.finish()
            raise psycopg.OperationalError("the answer is a COPY, which was not asked for")
        if result is not None:
            yield result
        elif pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError(pgconn.get_error_message())
        elif pgconn.pipeline_status == PipelineStatus.OFF:
            return
