"""The routes. GETs are answered from the cache when they can be; writes say what they made wrong."""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request

from stack.api import passwords, scopes, timings
from stack.api.cache import Away, Cache
from stack.api.database import Database, Row
from stack.api.measures import Measures
from stack.api.problems import Denied, Invalid, Missing, Problem
from stack.api.requests import BlueprintChange, ListQuery, Login, NewBlueprint, from_body, from_query


class Views:
    def __init__(self, database: Database, cache: Cache, measures: Measures) -> None:
        self._database = database
        self._cache = cache
        self._measures = measures

    def blueprint(self) -> Blueprint:
        routes = Blueprint("api", __name__, url_prefix="/api")
        # No id is larger than a bigint: such a path is no blueprint's, and the database need not be asked.
        one = f"/blueprints/<int(max={2**63 - 1}):blueprint_id>"
        routes.add_url_rule("/blueprints", view_func=self.list, methods=["GET"])
        routes.add_url_rule("/blueprints", view_func=self.create, methods=["POST"])
        routes.add_url_rule(one, view_func=self.detail, methods=["GET"])
        routes.add_url_rule(one, view_func=self.update, methods=["PUT"])
        routes.add_url_rule(one, view_func=self.delete, methods=["DELETE"])
        routes.add_url_rule("/login", view_func=self.login, methods=["POST"])
        return routes

    def list(self) -> Response:
        query = from_query(request, ListQuery)
        return self._cached(scopes.list_key(query), scopes.of_list(query), lambda: self._page(query))

    def detail(self, blueprint_id: int) -> Response:
        scope = scopes.of_detail(blueprint_id)
        return self._cached(scope, scope, lambda: self._first("detail", id=blueprint_id))

    def create(self) -> Response:
        new = from_body(request, NewBlueprint)
        fields = {name: getattr(new, name) for name in new.__struct_fields__}
        row = self._first("create", **fields)
        self._invalidate(scopes.of_row(row))
        return _json(row, 201, {"Location": f"/api/blueprints/{row['id']}"})

    def update(self, blueprint_id: int) -> Response:
        change = from_body(request, BlueprintChange)
        fields = {name: getattr(change, name) for name in change.__struct_fields__}
        if all(value is None for value in fields.values()):
            raise Invalid("Nothing to change was given.")
        row = self._first("update", id=blueprint_id, **fields)
        before = {name: row.pop(f"old_{name}") for name in ("name", "provider", "status")}
        touched = {scopes.of_detail(blueprint_id)}
        if any(row[name] != value for name, value in before.items()):
            touched |= scopes.of_row(row, before["provider"], before["status"])
        self._invalidate(touched)
        return _json(row)

    def delete(self, blueprint_id: int) -> Response:
        row = self._first("delete", id=blueprint_id)
        self._invalidate({scopes.of_detail(blueprint_id)} | scopes.of_row(row))
        return Response(status=204)

    def login(self) -> Response:
        login = from_body(request, Login)
        spent = timings.of(request.environ)
        users = self._database.rows("user_by_email", spent, email=login.email)
        if not passwords.matches(login.password, users[0]["password_hash"] if users else None):
            raise Denied("No such user, or not this password.")
        token = secrets.token_urlsafe(32)
        session = self._database.rows(
            "session_create",
            spent,
            user_id=users[0]["id"],
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
        )[0]
        user = {"id": users[0]["id"], "name": users[0]["name"]}
        return _json({"token": token, "expires_at": session["expires_at"], "user": user}, 201)

    def _page(self, query: ListQuery) -> dict[str, Any]:
        rows = self._database.rows(
            "list",
            timings.of(request.environ),
            provider=query.provider,
            status=query.status,
            user_id=query.user_id,
            q=query.q,
            limit=query.per_page + 1,
            offset=(query.page - 1) * query.per_page,
        )
        return {
            "items": rows[: query.per_page],
            "page": query.page,
            "per_page": query.per_page,
            "more": len(rows) > query.per_page,
        }

    def _first(self, query: str, **parameters: Any) -> Row:
        rows = self._database.rows(query, timings.of(request.environ), **parameters)
        if not rows:
            raise Missing("There is no such blueprint.")
        return rows[0]

    def _cached(self, key: str, scope: str, load: Callable[[], object]) -> Response:
        spent = timings.of(request.environ)
        try:
            with spent.spent("cache"):
                found = self._cache.find(key, scope)
        except Away:
            self._measures.cache_error()
            return self._marked("BYPASS", orjson.dumps(load()))
        if found.body is not None:
            self._measures.cache_hit()
            return self._marked("HIT", found.body)
        self._measures.cache_miss()
        spent.cache_state = "MISS"
        body = orjson.dumps(load())
        try:
            with spent.spent("cache"):
                self._cache.store(key, body, found.token)
        except Away:
            self._measures.cache_error()
        return self._marked("MISS", body)

    def _invalidate(self, touched: Iterable[str]) -> None:
        try:
            with timings.of(request.environ).spent("cache"):
                self._cache.invalidate(touched)
        except Away:
            # Committed, and the change stands: the cache delivers the invalidation later.
            self._measures.cache_error()
            current_app.logger.warning("An invalidation waits for Redis.")

    def _marked(self, state: str, body: bytes) -> Response:
        timings.of(request.environ).cache_state = state
        return Response(body, content_type="application/json", headers={"X-Cache": state})


def health(database: Database, cache: Cache) -> Response:
    """Able to serve: 200 with the database, whether or not the cache is there (the API fails open)."""
    try:
        database.rows("ready", timings.Timings())
    except Problem as problem:
        return _json({"database": False, "cache": cache.is_there(), "detail": problem.detail}, 503)
    return _json({"database": True, "cache": cache.is_there()})


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, content_type="application/json")
