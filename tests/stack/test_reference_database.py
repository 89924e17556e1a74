"""The platform's database: its rows, its roles, and the indexes that the API's own queries use."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from psycopg import errors

from stack.api.database import QUERIES
from stack.database import setup
from tests.servers import PostgresServer
from tests.stack.conftest import Reach

LIST: dict[str, Any] = {"provider": None, "status": None, "user_id": None, "q": None, "limit": 21, "offset": 0}


@pytest.fixture
def superuser(reach: Reach) -> Iterator[psycopg.Connection]:
    with reach.postgres() as connection:
        yield connection


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("users", 5000),
        ("blueprints", 60000),
        ("infrastructures", 30000),
        ("deployments", 80000),
        ("resources", 90000),
        ("cost_analyses", 40000),
        ("audit_logs", 70000),
        ("sessions", 12000),
        ("api_keys", 3000),
        ("notifications", 30000),
    ],
)
def test_the_seed_has_its_rows(superuser: psycopg.Connection, table: str, rows: int) -> None:
    counted = superuser.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    # Other tests write a few.
    assert abs(counted - rows) < 500


def test_the_seed_is_skewed(superuser: psycopg.Connection) -> None:
    """The busiest tenth of the users have a third of the blueprints or more."""
    share = superuser.execute(
        "SELECT sum(n) FILTER (WHERE place <= 500) / sum(n) FROM (SELECT count(*) AS n,"
        " row_number() OVER (ORDER BY count(*) DESC) AS place FROM blueprints GROUP BY user_id) x"
    ).fetchall()[0][0]
    assert share > 0.33


@pytest.mark.parametrize(
    ("query", "parameters", "index"),
    [
        ("list", LIST, "blueprints_newest"),
        ("list", LIST | {"offset": 200}, "blueprints_newest"),
        ("list", LIST | {"user_id": 7}, "blueprints_user_newest"),
        ("list", LIST | {"user_id": 7, "provider": "gcp"}, "blueprints_user_newest"),
        ("list", LIST | {"provider": "onprem"}, "blueprints_provider_newest"),
        ("list", LIST | {"status": "archived"}, "blueprints_status_newest"),
        ("list", LIST | {"q": "ledger firewall production"}, "blueprints_name_search"),
        ("detail", {"id": 7}, "blueprints_pkey"),
        (
            "update",
            {"id": 7, "name": None, "description": "x", "provider": None, "status": None, "definition": None},
            "blueprints_pkey",
        ),
        ("delete", {"id": 7}, "blueprints_pkey"),
        ("user_by_email", {"email": "User7@example.com"}, "users_email"),
        ("session_create", {"user_id": 7, "token_hash": "x"}, "sessions_user_expires"),
    ],
)
def test_the_apis_queries_use_their_indexes(reach: Reach, query: str, parameters: dict[str, Any], index: str) -> None:
    with reach.postgres("app") as connection:
        connection.prepare_threshold = None
        plan = "\n".join(row[0] for row in connection.execute(f"EXPLAIN {QUERIES[query]}", parameters))
    assert index in plan
    assert "Seq Scan" not in plan


def test_a_query_of_the_api_is_one_statement_to_its_watcher(reach: Reach, superuser: psycopg.Connection) -> None:
    """Whatever the size of its numbers, and by its text, not by our comments."""
    for number in (7, 40_000, 3_000_000_000):
        requests.get(f"{reach.url}/api/blueprints/{number}", timeout=5).close()
        requests.get(f"{reach.url}/api/blueprints?user_id={number}", timeout=5).close()
    seen = superuser.execute("SELECT query FROM pg_stat_statements WHERE query ~ 'FROM blueprints.*WHERE'").fetchall()
    ours = [query for (query,) in seen if query.startswith(("SELECT id, user_id", "--"))]
    assert len([query for query in ours if "updated_at" in query]) == 1
    assert not [query for query in ours if query.startswith("--")]


def test_a_query_that_is_prepared_keeps_its_plan(reach: Reach) -> None:
    """plan_cache_mode of the role: with a generic plan the optional filters would hide the index."""
    with reach.postgres("app") as connection:
        assert connection.execute("SHOW plan_cache_mode").fetchone() == ("force_custom_plan",)


def test_every_foreign_key_of_a_delete_has_an_index(superuser: psycopg.Connection) -> None:
    """Or a DELETE reads whole tables."""
    bare = superuser.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint c WHERE contype = 'f' AND NOT EXISTS ("
        " SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)"
    ).fetchall()
    assert bare == []


def test_every_index_names_its_query() -> None:
    text = (Path(setup.HERE) / "indexes.sql").read_text()
    made = [line for line in text.splitlines() if line.startswith("CREATE")]
    assert len(made) > 15
    assert all(" -- " in line for line in made)


def test_the_collector_may_see_statistics_and_nothing_else(reach: Reach) -> None:
    with reach.postgres("trivet") as connection:
        assert connection.execute(
            "SELECT count(*) > 0 FROM pg_stat_statements WHERE query LIKE '%blueprints%'"
        ).fetchone() == (True,)
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SELECT FROM users")
        limits = {name: connection.execute(f"SHOW {name}").fetchone() for name in ("statement_timeout", "lock_timeout")}
    assert limits == {"statement_timeout": ("5s",), "lock_timeout": ("250ms",)}


def test_the_collector_cannot_fill_the_server(reach: Reach) -> None:
    with contextlib.ExitStack() as held:

        def hold() -> None:
            for _ in range(6):
                held.enter_context(reach.postgres("trivet"))

        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            hold()


def test_the_app_may_not_change_the_schema(reach: Reach) -> None:
    with reach.postgres("app") as connection:
        for statement in (
            "CREATE TABLE mine (id int)",
            "DROP TABLE users",
            "TRUNCATE users",
            "SELECT pg_read_file('x')",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute(statement)


def test_no_password_is_known_to_the_server(reach: Reach, superuser: psycopg.Connection) -> None:
    passwords = [reach.secret(name) for name in ("app", "trivet", "demo")]
    seen = "\n".join(row[0] for row in superuser.execute("SELECT query FROM pg_stat_statements"))
    log = (reach.stack.folder / "postgres" / "log").read_text(errors="replace")
    assert not [password for password in passwords if password in seen or password in log]


def test_a_first_start_that_is_cut_short_leaves_nothing(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = setup._run

    def cut(connection: psycopg.Connection, step: str) -> None:
        if step == "indexes":
            raise KeyboardInterrupt
        real(connection, step)

    monkeypatch.setattr(setup, "NAME", "cut_short")
    monkeypatch.setattr(setup, "_run", cut)
    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        setup.set_up(postgres, setup.Passwords("a", "b", "c"), said.append)
    with postgres.connect(dbname="cut_short") as connection:
        assert connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall() == []
    with postgres.connect() as connection:
        connection.execute("DROP DATABASE cut_short")
    assert said == ["Filling the database: 10 tables, 420,000 rows, about 10 s …"]
