"""What a client of the API may rely on."""

import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.stack.conftest import Reach

DEEP = b'{"definition":' + b'{"a":' * 3000 + b"1" + b"}" * 3001
Ask = Callable[..., requests.Response]


def nested(levels: int) -> dict[str, Any]:
    inner: dict[str, Any] = {}
    for _ in range(levels):
        inner = {"a": inner}
    return inner


def test_lists_the_newest_first(ask: Ask) -> None:
    page = ask("GET", "/api/blueprints?per_page=50").json()
    times = [item["created_at"] for item in page["items"]]
    assert len(times) == 50
    assert times == sorted(times, reverse=True)
    assert page["more"] is True


@pytest.mark.parametrize(("name", "value"), [("provider", "azure"), ("status", "archived"), ("user_id", 3)])
def test_filters(ask: Ask, name: str, value: object) -> None:
    items = ask("GET", f"/api/blueprints?{name}={value}&per_page=100").json()["items"]
    assert items
    assert {item[name] for item in items} == {value}


def test_filters_add_up(ask: Ask) -> None:
    items = ask("GET", "/api/blueprints?provider=aws&status=draft&user_id=1").json()["items"]
    assert {(item["provider"], item["status"], item["user_id"]) for item in items} == {("aws", "draft", 1)}


def test_searches_words_of_the_name(ask: Ask) -> None:
    items = ask("GET", "/api/blueprints?q=ledger%20firewalls").json()["items"]
    assert items
    assert all("ledger firewall" in item["name"] for item in items)


def test_pages_neither_repeat_nor_skip(ask: Ask) -> None:
    whole = ask("GET", "/api/blueprints?user_id=5&per_page=40").json()["items"]
    pages = [ask("GET", f"/api/blueprints?user_id=5&per_page=10&page={page}").json()["items"] for page in (1, 2, 3, 4)]
    assert [item for page in pages for item in page] == whole


def test_says_when_there_is_no_more(ask: Ask) -> None:
    assert ask("GET", "/api/blueprints?user_id=5&page=400").json() == {
        "items": [],
        "page": 400,
        "per_page": 20,
        "more": False,
    }


def test_creates_reads_changes_and_removes(ask: Ask) -> None:
    body = {"user_id": 4998, "name": "short lived", "provider": "aws"}
    created = ask("POST", "/api/blueprints", json=body)
    row = created.json()
    path = f"/api/blueprints/{row['id']}"
    assert (created.status_code, created.headers["Location"]) == (201, path)
    assert row.items() >= {**body, "status": "draft", "description": "", "definition": {}}.items()
    assert ask("GET", path).json() == row
    changed = ask("PUT", path, json={"status": "active", "definition": {"nodes": 3}}).json()
    assert changed == {**row, "status": "active", "definition": {"nodes": 3}, "updated_at": changed["updated_at"]}
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", path).status_code == 404
    assert ask("DELETE", path).status_code == 404
    assert ask("PUT", path, json={"name": "x"}).status_code == 404


def test_writes_are_in_the_audit_log(ask: Ask, reach: Reach, made: dict[str, Any]) -> None:
    ask("PUT", f"/api/blueprints/{made['id']}", json={"name": "renamed"})
    ask("DELETE", f"/api/blueprints/{made['id']}")
    with reach.postgres() as connection:
        found = connection.execute(
            "SELECT action FROM audit_logs WHERE resource_type = 'blueprint' AND resource_id = %s ORDER BY id",
            [made["id"]],
        )
        assert [action for (action,) in found] == ["create", "update", "delete"]


def test_login_opens_a_session_and_removes_expired_ones(ask: Ask, reach: Reach) -> None:
    with reach.postgres() as connection:
        active = connection.execute("SELECT id, email FROM users WHERE status = 'active' ORDER BY id LIMIT 1")
        user, email = active.fetchall()[0]
        answer = ask("POST", "/api/login", json={"email": email.upper(), "password": reach.secret("demo")})
        assert answer.status_code == 201
        digest = hashlib.sha256(answer.json()["token"].encode()).hexdigest()
        sessions = connection.execute(
            "SELECT token_hash = %s, expires_at > now() FROM sessions WHERE user_id = %s ORDER BY id", [digest, user]
        ).fetchall()
    assert sessions[-1] == (True, True)
    assert all(alive for _, alive in sessions)


@pytest.mark.parametrize("email", ["user1@example.com", "nobody@example.com"])
def test_login_says_the_same_of_a_wrong_name_and_a_wrong_password(ask: Ask, email: str) -> None:
    answer = ask("POST", "/api/login", json={"email": email, "password": "wrong"})
    assert (answer.status_code, answer.json()["detail"]) == (401, "No such user, or not this password.")


def test_says_where_the_time_went(ask: Ask) -> None:
    for answer in (ask("GET", "/api/blueprints"), ask("GET", "/api/nothing"), ask("GET", "/api/blueprints?page=0")):
        assert re.fullmatch(r"db;dur=[\d.]+, cache;dur=[\d.]+, pool;dur=[\d.]+", answer.headers["Server-Timing"])


def test_a_miss_names_its_database_time_and_a_hit_has_none(ask: Ask, made: dict[str, Any]) -> None:
    spent = [ask("GET", f"/api/blueprints/{made['id']}").headers["Server-Timing"] for _ in range(2)]
    times = [float(re.findall("db;dur=([0-9.]+)", header)[0]) for header in spent]
    assert times[0] > 0
    assert times[1] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("provider=ibm", "provider"),
        ("page=0", "page"),
        ("page=501", "page"),
        ("page=two", "page"),
        ("per_page=101", "per_page"),
        ("user_id=99999999999999999999", "user_id"),
        ("q=", "q"),
        ("q=%00", "q"),
        ("colour=red", "colour"),
    ],
)
def test_a_bad_query_is_told_its_field(ask: Ask, query: str, field: str) -> None:
    answer = ask("GET", f"/api/blueprints?{query}")
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"user_id": 1, "provider": "aws"}, "name"),
        ({"user_id": 1, "provider": "aws", "name": ""}, "name"),
        ({"user_id": 1, "provider": "aws", "name": "a\0b"}, "name"),
        ({"user_id": "1", "provider": "aws", "name": "x"}, "user_id"),
        ({"user_id": 1_000_000_000, "provider": "aws", "name": "x"}, "user_id"),
        ({"user_id": 1, "provider": "aws", "name": "x", "definition": []}, "definition"),
        ({"user_id": 1, "provider": "aws", "name": "x", "definition": {"a": 2**64}}, "definition"),
        ({"user_id": 1, "provider": "aws", "name": "x", "definition": nested(254)}, "definition"),
        ({"user_id": 1, "provider": "aws", "name": "x", "id": 5}, "id"),
    ],
)
def test_a_bad_body_is_told_its_field(ask: Ask, body: object, field: str) -> None:
    answer = ask("POST", "/api/blueprints", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, field)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'{"definition": {"a": "\\u0000"}}', b"{}", DEEP])
def test_a_body_that_is_no_change_is_refused(ask: Ask, body: bytes) -> None:
    assert ask("PUT", "/api/blueprints/1", data=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/blueprints/0", 404),
        ("GET", "/api/blueprints/99999999999999999999999", 404),
        ("GET", "/api/blueprints/one", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/api//blueprints", 404),
        ("GET", "/api/blueprints/", 404),
        ("PATCH", "/api/login", 405),
    ],
)
def test_what_is_not_there_is_a_problem_too(ask: Ask, method: str, path: str, status: int) -> None:
    answer = ask(method, path)
    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_was_stored_can_be_read(ask: Ask) -> None:
    """The deepest and largest that is taken comes back."""
    definition = {"deep": nested(240), "large": 2**64 - 1, "small": -(2**63), "text": "\u2028 \U0001f40d"}
    answer = ask(
        "POST", "/api/blueprints", json={"user_id": 4998, "name": "x", "provider": "aws", "definition": definition}
    )
    assert answer.status_code == 201
    assert ask("GET", answer.headers["Location"]).json()["definition"] == definition


def test_a_body_over_a_megabyte_is_refused(ask: Ask) -> None:
    answer = ask("POST", "/api/blueprints", data=b'{"name": "' + b"x" * 1_000_001 + b'"}')
    assert answer.status_code == answer.json()["status"] == 413
