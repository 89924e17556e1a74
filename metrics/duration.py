"""Lengths of time as people write them: ``90s``, ``5m``, ``6h``, ``30d``, ``1y`` (365 days)."""

import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 365 * 86400.0}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w|y)")


def seconds(text: str) -> float:
    """Seconds of a written length.

    >>> seconds("5m"), seconds("1h30m"), seconds("250ms")
    (300.0, 5400.0, 0.25)
    >>> seconds("5 minutes")
    Traceback (most recent call last):
    ValueError: "5 minutes" is no length of time: write 30s, 5m, 6h or 7d
    """
    if not re.fullmatch(rf"(?:{_PATTERN.pattern})+", text):
        raise ValueError(f'"{text}" is no length of time: write 30s, 5m, 6h or 7d')
    return sum(float(number) * _SECONDS[unit] for number, unit in _PATTERN.findall(text))


def spoken(length: float) -> str:
    """A length as the page says it, in at most two units.

    >>> spoken(40), spoken(300), spoken(5400), spoken(0.25)
    ('40 s', '5 min', '1 h 30 min', '250 ms')
    """
    if length < 1:
        return f"{length * 1000:.0f} ms"
    rest = round(length)
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
