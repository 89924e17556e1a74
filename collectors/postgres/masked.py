"""Statements as they are being executed, without the values in them: those are somebody's data."""

import re

_TOKENS = re.compile(
    r"""
      (?P<name> "(?:[^"]|"")*(?:"|\Z) )
    | [eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)       # \Z: the text was cut off within
    | '(?:[^']|'')*(?:'|\Z)
    | \$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?<![\w$.])[0-9](?:[eE][+-]|[\w.])*
    """,
    re.VERBOSE | re.DOTALL,
)


def masked(statement: str) -> str:
    """Every literal as "?"; names, quoted ones included, and parameters stay.

    >>> masked("SELECT * FROM t2 WHERE name = 'O''Brien' AND a > -1.5e+3 AND b = $1 AND \\"c 7\\" = E'\\\\'7'")
    'SELECT * FROM t2 WHERE name = ? AND a > -? AND b = $1 AND "c 7" = ?'
    >>> masked("DO $x$ secret $$ 5 $x$; SELECT 'cut of")
    'DO ?; SELECT ?'
    """
    return _TOKENS.sub(lambda found: found["name"] or "?", statement)
