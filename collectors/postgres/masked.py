"""Statements as they are being executed, without the values in them: those are somebody's data."""

import re

COMMENT = "/* … */"
_TOKENS = re.compile(
    r"""
      (?P<open> /\*)
    | (?P<comment> --[^\n]*)
    | (?P<name> "(?:[^"]|"")*(?:"|\Z) )
    | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)       # \Z: the text was cut off within
    | '(?:[^']|'')*(?:'|\Z)
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?<![\w$.])[0-9](?:[eE][+-]|[\w.])*
    """,
    re.VERBOSE | re.DOTALL,
)
_ENDS = re.compile(r"/\*|\*/")


def masked(statement: str) -> str:
    """Every literal as "?", every comment as "/* … */"; names, quoted ones included, and parameters stay.

    A comment may hold values too, and a quote in one opens no literal.

    >>> masked("SELECT * FROM t2 WHERE name = 'O''Brien' AND a > -1.5e+3 AND b = $1 AND \\"c 7\\" = E'\\\\'7'")
    'SELECT * FROM t2 WHERE name = ? AND a > -? AND b = $1 AND "c 7" = ?'
    >>> masked("DO $x$ secret $$ 5 $x$; SELECT 'cut of")
    'DO ?; SELECT ?'
    >>> masked("SELECT 1 -- don't\\n FROM t /* it's /* 6\\" */ */ WHERE p = 'secret'")
    'SELECT ? /* … */\\n FROM t /* … */ WHERE p = ?'
    """
    parts, at = [], 0
    while found := _TOKENS.search(statement, at):
        parts += [statement[at : found.start()], _said(found)]
        at = _closed(statement, found.end()) if found["open"] else found.end()
    return "".join([*parts, statement[at:]])


def _said(found: re.Match[str]) -> str:
    return COMMENT if found["open"] or found["comment"] else found["name"] or "?"


def _closed(statement: str, at: int) -> int:
    """Where a comment ends that was opened before ``at``: they are nested."""
    depth = 1
    for found in _ENDS.finditer(statement, at):
        depth += 1 if found[0] == "/*" else -1
        if not depth:
            return found.end()
    return len(statement)
