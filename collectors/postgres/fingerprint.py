"""Statements that differ in their lists of values only are one.

pg_stat_statements puts ``$1`` for each value, so that ``IN ($1, $2)`` and ``IN ($1, $2, $3)`` are two statements up to
PostgreSQL 17. A parser of PostgreSQL's grammar would see more, at the price of a compiled dependency for each
platform: for texts that the server has normalised, a few patterns do.
"""

import hashlib
import re

LONGEST = 4000
"""Characters of a text that are looked at, as the query statement_kinds cuts them."""

_COMMENT = re.compile(r"/\*.*?\*/|--[^\n]*", re.DOTALL)
_VALUE = re.compile(r"\$\d+")
_SPACE = re.compile(r"\s+")
_LIST = re.compile(r"\b(in \(|array ?\[) ?\?(?:::[\w ]+)?(?: ?, ?\?(?:::[\w ]+)?)* ?([)\]])", re.IGNORECASE)
_ROWS = re.compile(r"(\([^()]*\))(?: ?, ?\1)+")
_QUERY = re.compile(
    r"(?>\s+|/\*.*?\*/|--[^\n]*\n|\()*+(?:select|insert|update|delete|merge|with|values|table)\b",
    re.IGNORECASE | re.DOTALL,
)


def is_query(text: str) -> bool:
    """Whether a text is a query, and not a utility command.

    >>> is_query("/* x */ (SELECT 1)"), is_query("VACUUM orders"), is_query("selection")
    (True, False, False)
    """
    return bool(_QUERY.match(text))


def fingerprint(text: str, queryid: int) -> str:
    """The same for texts that differ in the length of lists of values, in comments and in white space only.

    >>> fingerprint("SELECT a FROM t WHERE b IN ($1, $2) AND c = $3", 1) == fingerprint(
    ...     "SELECT a  FROM t WHERE b IN ($1 /*, ... */) AND c = $2", 2)
    True
    >>> fingerprint("SELECT f($1, $2)", 1) == fingerprint("SELECT f($1)", 2)
    False
    >>> shape("INSERT INTO t VALUES ($1, $2), ($3, $4)")
    'INSERT INTO t VALUES (?, ?)'
    """
    # What was cut off may differ.
    known = shape(text) if len(text) < LONGEST else f"{queryid} {text}"
    return hashlib.blake2b(known.encode("utf-8", "replace"), digest_size=8).hexdigest()


def shape(text: str) -> str:
    """A text with ``?`` for each value and for each list of them."""
    plain = _SPACE.sub(" ", _VALUE.sub("?", _COMMENT.sub(" ", text))).strip()
    return _ROWS.sub(r"\1", _LIST.sub(lambda found: f"{found[1]}?{found[2]}", plain))
