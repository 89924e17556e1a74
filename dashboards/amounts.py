"""How a value reads: the one place that scales units and rounds.

Pages, legends, CSV headers and titles all take their text from here, so that one number never reads two ways.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from metrics.forms import Form, Rate
from metrics.model import Unit

BYTES_PER_SECOND = "bytes per second"
SECONDS_PER_SECOND = "seconds per second"

_ENOUGH = Context(prec=400)
MINUS = "\u2212"
FINEST = 6
"""Decimals at most."""
NONE = "\u2013"


@dataclass(frozen=True, slots=True)
class Scale:
    """Base units times ``factor`` are ``suffix``."""

    factor: float
    suffix: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number and its unit, apart, so that a page can set them differently.

    >>> str(Amount("83.4", "%"))
    '83.4 %'
    """

    number: str
    suffix: str

    def __str__(self) -> str:
        return f"{self.number} {self.suffix}".strip()


_TIMES = (
    (86400.0 * 2, Scale(1 / 86400, "d")),
    (3600.0 * 2, Scale(1 / 3600, "h")),
    (120.0, Scale(1 / 60, "min")),
    (1.0, Scale(1.0, "s")),
    (0.0001, Scale(1e3, "ms")),
    (0.0, Scale(1e6, "µs")),
)
_SPENT = _TIMES[3:]
"""Of time per second: more than one second of it is several at a time, and no minutes."""
_BYTES = (
    (2.0**40, Scale(2.0**-40, "TiB")),
    (2.0**30, Scale(2.0**-30, "GiB")),
    (2.0**20, Scale(2.0**-20, "MiB")),
    (2.0**10, Scale(2.0**-10, "KiB")),
    (0.0, Scale(1.0, "B")),
)
_FIXED: dict[str, Scale] = {
    Unit.RATIO: Scale(100.0, "%"),
    Unit.PER_SECOND: Scale(1.0, "/s"),
    Unit.COUNT: Scale(1.0, ""),
}


def scale(unit: str, largest: float) -> Scale:
    """The scale in which values up to ``largest`` read best; nothing at all reads as milliseconds or bytes.

    >>> scale(Unit.SECONDS, 0.2), scale(Unit.BYTES, 3e6).suffix
    (Scale(factor=1000.0, suffix='ms'), 'MiB')
    >>> [scale(SECONDS_PER_SECOND, spent).suffix for spent in (240.0, 0.02, 0.00001, 0.0)]
    ['s/s', 'ms/s', 'µs/s', 'ms/s']
    """
    if unit in _FIXED:
        return _FIXED[unit]
    if largest == 0 and unit == Unit.SECONDS:
        return Scale(1e3, "ms")
    if unit == SECONDS_PER_SECOND:
        found = next(step for least, step in _SPENT if abs(largest) >= least) if largest else _SPENT[1][1]
        return Scale(found.factor, f"{found.suffix}/s")
    steps = _TIMES if unit == Unit.SECONDS else _BYTES
    found = next(step for least, step in steps if abs(largest) >= least)
    return Scale(found.factor, f"{found.suffix}/s") if unit == BYTES_PER_SECOND else found


def measure(form: Form) -> str:
    """The unit in which a form's values are read.

    A rate of bytes is bytes per second. Seconds spent per second stay just that: 1 s/s is one core, one waiting client.
    """
    if isinstance(form, Rate):
        of = form.inputs()[0].metric.unit
        return {Unit.BYTES: BYTES_PER_SECOND, Unit.SECONDS: SECONDS_PER_SECOND}.get(of, str(form.unit))
    return form.unit


def digits(scaled: float, suffix: str) -> int:
    """How many decimals a scaled value is worth: about three figures, more where a percentage nears its end.

    >>> digits(0.00064, ""), digits(0.042, "/s"), digits(0.63, "ms")
    (5, 3, 2)
    >>> digits(83.42, "%"), digits(99.97, "%"), digits(0.04, "%"), digits(84.2, "ms"), digits(4.24, "ms")
    (1, 2, 2, 0, 1)
    """
    size = abs(scaled)
    if size == 0:
        return 0
    if suffix == "%":
        if size >= 100:
            return 0
        return 2 if size < 1 or size > 99.9 else 1
    if size == int(size) and suffix in ("", "B", "B/s"):
        return 0
    if size >= (10 if suffix in ("ms", "µs", "ms/s", "µs/s", "B", "B/s") else 100):
        return 0
    if size >= 1:
        return 1
    return 2 if size >= 0.1 else min(FINEST, 1 - math.floor(math.log10(size)))


def rounded(scaled: float, decimals: int) -> str:
    """A number with thousands apart, a true minus and no minus before zero; halves go up, as in browsers.

    >>> rounded(-5240.2, 0), rounded(-0.001, 1)
    ('−5,240', '0.0')
    >>> rounded(2.5, 0), rounded(14.25, 1)
    ('3', '14.3')
    """
    exact = Decimal(scaled).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP, _ENOUGH)
    text = f"{exact:,f}"
    if text.startswith("-") and not text.strip("-0.,"):
        text = text[1:]
    return text.replace("-", MINUS)


def amount(value: float | None, unit: str, by: Scale | None = None) -> Amount:
    """A value in its base unit as a page shows it; ``by`` keeps several values in one scale.

    >>> [str(amount(v, u)) for v, u in [(0.834, Unit.RATIO), (0.0042, Unit.SECONDS), (3 * 2**20, Unit.BYTES)]]
    ['83.4 %', '4.2 ms', '3.0 MiB']
    >>> [str(amount(v, Unit.COUNT)) for v in (25.0, 8.84, 5240.0, -3.0, None)]
    ['25', '8.8', '5,240', '−3', '–']
    >>> str(amount(0.00064, Unit.COUNT)), str(amount(6.3e-7, Unit.SECONDS))
    ('0.00064', '0.63 µs')
    >>> str(amount(0.99999, Unit.RATIO)), str(amount(0.00001, Unit.RATIO))
    ('> 99.99 %', '< 0.01 %')
    """
    if value is None or math.isnan(value):
        return Amount(NONE, "")
    if value in (float("inf"), float("-inf")):
        return Amount("∞" if value > 0 else f"{MINUS}∞", "")
    chosen = by or scale(unit, value)
    scaled = value * chosen.factor
    if chosen.suffix == "%" and 99.995 <= scaled < 100:
        return Amount("> 99.99", "%")
    decimals = digits(scaled, chosen.suffix)
    if chosen.suffix == "%" and 0 < abs(scaled) < 0.005:
        return Amount(f"< {'' if scaled > 0 else MINUS}0.01", chosen.suffix)
    return Amount(rounded(scaled, decimals), chosen.suffix)


def apart(value: float | None, bound: float, unit: str) -> Amount:
    """A value beside its bound: with as many decimals as it takes not to read like the bound it missed.

    >>> str(apart(0.7998, 0.8, Unit.RATIO)), str(apart(0.8, 0.8, Unit.RATIO)), str(apart(0.0500004, 0.05, Unit.SECONDS))
    ('79.98 %', '80.0 %', '50.0004 ms')
    """
    shown = amount(value, unit)
    if value is None or value in (bound, 0.0):
        return shown
    chosen = scale(unit, value)
    low = digits(value * chosen.factor, chosen.suffix)
    for decimals in range(low, 7):
        text = rounded(value * chosen.factor, decimals)
        if text != rounded(bound * chosen.factor, decimals):
            return shown if decimals == low else Amount(text, chosen.suffix)
    return shown


def plain(value: float, unit: str) -> Amount:
    """A bound as somebody wrote it: without the zeros that a measurement carries.

    >>> str(plain(0.9, Unit.RATIO)), str(plain(0.001, Unit.RATIO)), str(plain(5000.0, Unit.PER_SECOND))
    ('90 %', '0.1 %', '5,000 /s')
    >>> str(plain(0.005, Unit.SECONDS)), str(plain(0.9995, Unit.RATIO))
    ('5 ms', '99.95 %')
    """
    chosen = scale(unit, value)
    text = f"{round(value * chosen.factor, 6):,.6f}".rstrip("0").rstrip(".")
    return Amount(text.replace("-", MINUS), chosen.suffix)


def signed(delta: float | None, unit: str) -> Amount:
    """A difference, with its sign; differences of percentages are percentage points.

    >>> str(signed(0.021, Unit.RATIO)), str(signed(-0.006, Unit.SECONDS)), str(signed(0.0, Unit.COUNT))
    ('+2.1 pp', '−6.0 ms', '±0')
    """
    if delta is None or math.isnan(delta):
        return Amount(NONE, "")
    chosen = scale(unit, delta)
    suffix = "pp" if chosen.suffix == "%" else chosen.suffix
    text = rounded(abs(delta) * chosen.factor, min(2, digits(delta * chosen.factor, chosen.suffix)))
    if not text.strip("0.,"):
        return Amount("±0", suffix if suffix != "µs" else "ms") if suffix else Amount("±0", "")
    return Amount(("+" if delta > 0 else MINUS) + text, suffix)
