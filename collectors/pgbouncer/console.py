"""Connections to the console, and whether several of them reach one process."""

import secrets
from contextlib import ExitStack, closing

from psycopg import ClientCursor

from collectors.failed import Failed
from collectors.libpq import LibpqConnection
from collectors.pgbouncer.declare import CONSOLE
from collectors.pgbouncer.hints import hinted
from collectors.pgbouncer.rows import pivoted
from collectors.pgbouncer.source import PgBouncerSource
from collectors.pgbouncer.table import Table
from metrics.text import clean

CLIENTS, CONFIG = "SHOW CLIENTS", "SHOW CONFIG"
NAME = "application_name"
"""Since 1.18. Where application_name_add_host is set, the console puts more behind it."""


def console(source: PgBouncerSource, deadline: float, **more: str) -> LibpqConnection:
    """Log in. Raises Disconnected.

    more    further words of a connection string
    """
    try:
        return LibpqConnection(
            source, deadline, whole=True, dbname=CONSOLE, prepare_threshold=None, cursor_factory=ClientCursor, **more
        )
    except Failed as failed:
        raise hinted(failed, source.user) from None


def show(source: PgBouncerSource, connection: LibpqConnection, deadline: float, statement: str) -> Table:
    """The answer to one SHOW. Raises Failed."""
    try:
        return Table(*connection.table(deadline, statement))
    except Failed as failed:
        raise hinted(failed, source.user) from None


def others(source: PgBouncerSource, ours: LibpqConnection, deadline: float, looks: int) -> list[str]:
    """What the processes are called, our own first, that so many fresh connections reach; none when it is one alone.

    Processes have no mark, but each lists its clients: a connection that is not among those of our process reached
    another. Raises Failed.
    """
    mark = f"trivet {secrets.token_hex(4)}"
    names = [f"{mark} {number}" for number in range(looks)]
    with ExitStack() as stack:
        fresh = [stack.enter_context(closing(console(source, deadline, **{NAME: name}))) for name in names]
        clients = show(source, ours, deadline, CLIENTS)
        at = clients.place(NAME)
        near = [text for row in clients.rows if (text := clean(row[at])).startswith(mark)]
        far = [each for name, each in zip(names, fresh, strict=True) if not any(text.startswith(name) for text in near)]
        return [_called(source, each, deadline) for each in (ours, *far)] if far else []


def _called(source: PgBouncerSource, connection: LibpqConnection, deadline: float) -> str:
    """What tells a process from others that are set up alike: where it listens, and its number among its peers."""
    config = pivoted(show(source, connection, deadline, CONFIG).dicts(), "key", "value")
    own = show(source, connection, deadline, CLIENTS).only("database", CONSOLE).dicts()
    address = next((f"{row['local_addr']}:{row['local_port']}" for row in own if row["user"] == source.user), "")
    parts = [
        f"PgBouncer at {address or config.get('listen_port', '')}",
        f"peer_id {config['peer_id']}" if config.get("peer_id") not in (None, "0") else "",
        f"unix_socket_dir {config['unix_socket_dir']}" if config.get("unix_socket_dir") else "",
    ]
    return clean(", ".join(filter(None, parts)))
