"""Selectors as people type them, in PromQL's words: ``redis_db_keys{source="cache", db=~"db[0-9]"}``."""

import re

from metrics.model import Matcher, Op, Selector

_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*")
_TEST = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_PATTERN = re.compile(r"(?:[A-Za-z0-9_/:@ \-|]|\\[.|*+?()\[\]{}^$\\/-]|\[[^\]\\]+\]|\.(?:[*+?])?)*")
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}
STARS = 3


class SelectorError(ValueError):
    """A text that selects nothing that can be selected."""


def selector(text: str) -> Selector:
    """A selector from its text.

    >>> str(selector('redis_db_keys{db=~"db[0-9]", source="cache"}'))
    'redis_db_keys{db=~"db[0-9]",source="cache"}'
    >>> selector("redis_db_keys{db}")
    Traceback (most recent call last):
    dashboards.selecting.SelectorError: expected label="value" at: db}
    """
    name = _NAME.match(text)
    if not name:
        raise SelectorError(f"expected a metric's name at: {text[:40]}")
    rest = text[name.end() :].strip()
    if not rest:
        return Selector(name[1])
    if not rest.startswith("{"):
        raise SelectorError(f"expected {{ or nothing more at: {rest[:40]}")
    return Selector(name[1], tuple(_matchers(rest[1:].strip())))


def _matchers(rest: str) -> list[Matcher]:
    """What stands between the braces, the closing one included."""
    found: list[Matcher] = []
    while rest != "}":
        test = _TEST.match(rest)
        if not test:
            raise SelectorError(f'expected label="value" at: {rest[:40]}')
        op = Op(test[2])
        value = re.sub(r"\\(.)", lambda escaped: _ESCAPES.get(escaped[1], escaped[0]), test[3])
        if op in (Op.RE, Op.NRE):
            _check(value)
        found.append(Matcher(test[1], value, op))
        rest = rest[test.end() :]
        if rest.startswith(","):
            rest = rest[1:].strip()
        elif rest != "}":
            raise SelectorError("expected , or a closing } at the end")
    return found


def _check(pattern: str) -> None:
    """Patterns come from outside and run on our clock: no groups, few repetitions, so none can take long."""
    if len(pattern) > 200 or pattern.count("*") + pattern.count("+") > STARS or not _PATTERN.fullmatch(pattern):
        raise SelectorError(f"a pattern may have letters, |, [ ], . and up to {STARS} times .* or .+: {pattern[:40]}")
    try:
        re.compile(pattern)
    except re.error as problem:
        raise SelectorError(f"{pattern[:40]} is no pattern: {problem}") from None
