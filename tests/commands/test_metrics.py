"""docs/metrics.md is what is declared, and speaks of every column that real servers give."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from redis import Redis

from cli import main
from commands import house
from commands.metrics import views
from metrics.handbook import Statement, chapters
from tests.servers import MONITOR, PgBouncerServer, PostgresServer, RedisServer

ROOT = Path(__file__).parents[2]
SHOWS = (
    *("POOLS", "STATS", "STATS_TOTALS", "STATS_AVERAGES", "DATABASES", "USERS", "LISTS", "MEM", "CONFIG", "CLIENTS"),
    *("SERVERS", "SOCKETS", "ACTIVE_SOCKETS", "VERSION", "STATE", "DNS_HOSTS", "DNS_ZONES", "PEERS"),
    "PEER_POOLS",
)
# Of three views of one thing the one of user tables is spoken of.
OTHERS = re.compile(r"_(all|sys)_(?=tables|indexes|sequences)")


def _trivet(*words: str) -> str:
    result = CliRunner().invoke(main, ["metrics", *words])
    assert result.exit_code == 0, result.output
    return result.output


def _statements(kind: str) -> list[Statement]:
    (chapter,) = [found for found in chapters(house.catalog(), views) if found["kind"] == kind]
    return chapter["statements"]


def _unnamed(given: Iterable[str], statements: Iterable[Statement]) -> list[str]:
    """Those of the columns that no statement speaks of."""
    known = {fate["column"] for statement in statements for fate in statement["columns"]}
    heads = tuple(name[:-1] for name in known if name.endswith("*"))
    return sorted(name for name in given if name not in known and not name.startswith(heads))


def test_the_document_is_what_is_declared() -> None:
    """`trivet metrics > docs/metrics.md` mends it."""
    assert (ROOT / "docs" / "metrics.md").read_text() == _trivet()


def test_it_is_the_same_every_time() -> None:
    found = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "cli", "metrics"]
        env = {**os.environ, "PYTHONHASHSEED": seed}
        found.add(subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, timeout=60).stdout)
    assert len(found) == 1


def test_every_declaration_is_in_it() -> None:
    text, told = _trivet(), json.loads(_trivet("--json"))
    catalog = house.catalog()
    for name in (*catalog.metrics, *catalog.forms):
        assert f"`{name}`" in text
    for metric in catalog.metrics.values():
        assert _squeezed(metric.note) in text
    assert {metric["name"] for chapter in told for metric in chapter["metrics"]} == catalog.metrics.keys()
    for aliases in catalog.aliases.values():
        for alias in aliases:
            assert f"`{alias.name}{alias.suffix or alias.part}`" in text
    assert "### io of pg_stat_io\n" in text
    for form in catalog.targets():
        assert re.search(rf"^\| `{form.name}` \|.* [≥≤] ", text, re.MULTILINE)


def test_tables_are_tables() -> None:
    wide = 0
    for line in _trivet().split("\n"):
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1
        assert not line.startswith("|") or wide in (0, cells), line
        wide = cells if line.startswith("|") else 0


def test_one_kind_alone_and_a_wrong_one() -> None:
    assert "redis_keyspace_hits_total" in _trivet("redis")
    assert "pgbouncer_pools" not in _trivet("redis")
    wrong = CliRunner().invoke(main, ["metrics", "postgre"])
    assert wrong.exit_code == 2
    assert 'did you mean "postgres"?' in wrong.output


@pytest.mark.matrix
def test_every_column_of_the_console_is_spoken_of(each_pgbouncer: PgBouncerServer) -> None:
    named = {statement["statement"]: statement for statement in _statements("pgbouncer")}
    with psycopg.connect(each_pgbouncer.console_dsn(), autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
        for show in SHOWS:
            try:
                cursor = console.execute(f"SHOW {show}")
            except psycopg.Error:
                continue
            columns = [column.name for column in cursor.description or ()]
            if show in ("LISTS", "STATE"):
                # A row for each number, which has its name in it.
                columns = [str(row[0]) for row in cursor.fetchall()]
            assert _unnamed(columns, [named[f"SHOW {show}"]]) == [], show


@pytest.mark.matrix
def test_every_field_of_info_is_spoken_of(each_redis: RedisServer) -> None:
    statements = [found for found in _statements("redis") if found["statement"].startswith("INFO")]
    with Redis(host=each_redis.host, port=each_redis.port, decode_responses=True) as redis:
        text = _info(redis)
    rows = re.compile(
        r"^(db\d+|cmdstat_|errorstat_|latency_percentiles_usec_|module|slave\d+|io_thread_\d+|engine_|listener\d+$)"
    )
    fields = {line.partition(":")[0] for line in text.split("\r\n") if ":" in line}
    assert _unnamed((field for field in fields if not rows.match(field)), statements) == []


def _info(redis: Redis) -> str:
    # Past the library's own reading of it, which would lose the names.
    connection = redis.connection_pool.get_connection()
    try:
        connection.send_command("INFO", "everything")  # type: ignore[no-untyped-call]
        return str(connection.read_response())
    finally:
        redis.connection_pool.release(connection)


@pytest.mark.matrix
def test_every_column_of_the_statistics_views_is_spoken_of(each_postgres: PostgresServer) -> None:
    with psycopg.connect(each_postgres.dsn(MONITOR)) as connection:
        rows = connection.execute(
            "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relname ~ '^pg_stat|^pg_replication_slots$' AND c.relkind = 'v' AND a.attnum > 0"
        ).fetchall()
    columns: dict[str, set[str]] = {}
    for view, column in rows:
        columns.setdefault(view, set()).add(column)
    assert _missing(columns) == {}, "\n".join(f"{view}: {names}" for view, names in _missing(columns).items())


def _missing(columns: Mapping[str, set[str]]) -> dict[str, list[str]]:
    statements = _statements("postgres")
    found = {}
    for view, names in columns.items():
        about = [found for found in statements if OTHERS.sub("_user_", view) in re.findall(r"\w+", found["view"])]
        if unnamed := _unnamed(names, about):
            found[view] = unnamed
    return found


def _squeezed(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
