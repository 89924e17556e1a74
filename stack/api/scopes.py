"""Which cached answers a change makes wrong: pure names, no Redis.

A scope is a set of blueprints that one list can show: all, one user's, one provider's, one status', one provider's
of one status. A cached list belongs to exactly one scope, the narrowest that its filters give; a changed row belongs
to all that hold it. So a write of one user leaves the lists of all other users alone.
"""

from typing import Any

from stack.api.requests import ListQuery

PREFIX = "api:"
ALL = "all"


def of_detail(blueprint: int) -> str:
    return f"blueprint:{blueprint}"


def of_list(query: ListQuery) -> str:
    """
    >>> of_list(ListQuery(user_id=7, provider="aws"))
    'user:7'
    >>> of_list(ListQuery(provider="aws", q="queue"))
    'provider:aws'
    """
    if query.user_id is not None:
        return f"user:{query.user_id}"
    return _placed(query.provider, query.status)


def of_row(row: dict[str, Any], provider: str | None = None, status: str | None = None) -> set[str]:
    """All scopes that hold a row; with the provider or status it had before, those it has left as well."""
    scopes = {ALL, f"user:{row['user_id']}"}
    for at in ((row["provider"], row["status"]), (provider or row["provider"], status or row["status"])):
        scopes |= {_placed(at[0], None), _placed(None, at[1]), _placed(*at)}
    return scopes


def list_key(query: ListQuery) -> str:
    """One key for one question, however its parameters are ordered."""
    filters = (query.provider, query.status, query.user_id, query.q, query.page, query.per_page)
    return f"list:{filters!r}"


def _placed(provider: str | None, status: str | None) -> str:
    if provider and status:
        return f"provider:{provider}:status:{status}"
    if provider:
        return f"provider:{provider}"
    return f"status:{status}" if status else ALL
