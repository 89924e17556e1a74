"""One column of doubles as bytes, and back without the loss of a bit.

A payload is one tag byte and what it says:

    0  constant     the eight bytes of the value
    1  doubles      pcodec, level 8, on the doubles
    2  decimals     one byte e, then pcodec on the integers value·10^e
    3  integers     pcodec on 64-bit integers (times)

pcodec finds by itself whether differences, and of which order, are shorter. What is a decimal is detected, and kept
only if every bit comes back: counters of seconds and ratios with few digits are a third of their size as integers.
"""

import struct

import numpy as np
from numpy.typing import NDArray
from pcodec import ChunkConfig, standalone

from metrics.points import Column

CONSTANT, DOUBLES, DECIMALS, INTEGERS = range(4)
_CONFIG = ChunkConfig(compression_level=8)
_MOST_DECIMALS = 6
_EXACT = 2.0**53


class DamagedError(ValueError):
    """Bytes that no encoder wrote."""


def encode(values: Column) -> bytes:
    """The payload of one or more doubles of any bits.

    >>> len(encode(np.full(720, 3.5))), encode(np.array([0.1, 0.2]))[0]
    (9, 2)
    """
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return struct.pack("<Bd", CONSTANT, values[0])
    scaled = _decimal(values, bits)
    if scaled is not None:
        exponent, integers = scaled
        return struct.pack("<BB", DECIMALS, exponent) + _packed(integers)
    return bytes([DOUBLES]) + _packed(values)


def decode(payload: bytes, count: int) -> Column:
    """The doubles of a payload; DamagedError when it does not hold ``count`` of them."""
    if not payload:
        raise DamagedError("an empty payload")
    if payload[0] == CONSTANT and len(payload) == 9:
        return np.full(count, struct.unpack("<d", payload[1:])[0])
    if payload[0] == DOUBLES:
        return _checked(_unpacked(payload[1:]), np.float64, count).view(np.float64)
    if payload[0] == DECIMALS and len(payload) > 1:
        integers = _checked(_unpacked(payload[2:]), np.int64, count)
        return integers.astype(np.float64) / 10.0 ** payload[1]
    raise DamagedError(f"a payload with the tag {payload[0]}")


def encode_integers(values: NDArray[np.int64]) -> bytes:
    """The payload of integers, such as times in milliseconds."""
    return bytes([INTEGERS]) + _packed(values)


def decode_integers(payload: bytes, count: int) -> NDArray[np.int64]:
    """The integers of a payload."""
    if not payload or payload[0] != INTEGERS:
        raise DamagedError("no payload of integers")
    return _checked(_unpacked(payload[1:]), np.int64, count)


def _packed(values: NDArray[np.float64] | NDArray[np.int64]) -> bytes:
    packed: bytes = standalone.simple_compress(np.ascontiguousarray(values), _CONFIG)
    return packed


def _unpacked(packed: bytes) -> NDArray[np.generic]:
    try:
        found: NDArray[np.generic] | None = standalone.simple_decompress(packed)
    except (RuntimeError, ValueError) as error:
        raise DamagedError(str(error)) from None
    if found is None:
        raise DamagedError("nothing inside")
    return found


def _checked(found: NDArray[np.generic], kind: type[np.generic], count: int) -> NDArray[np.int64]:
    if found.dtype != kind or len(found) != count:
        raise DamagedError(f"{len(found)} values of {found.dtype} where {count} of {np.dtype(kind)} belong")
    return found  # type: ignore[return-value]


def _decimal(values: Column, bits: NDArray[np.int64]) -> tuple[int, NDArray[np.int64]] | None:
    """The fewest decimals that give every value back bit by bit, and the integers; None when there are none."""
    if not np.isfinite(values).all():
        return None
    # A few values tell at once that most columns are none: only then is the whole column tried.
    probe = values[:: max(1, len(values) // 8)]
    for exponent in range(_MOST_DECIMALS + 1):
        factor = 10.0**exponent
        if not _comes_back(probe, factor):
            continue
        with np.errstate(over="ignore"):
            integers = np.rint(values * factor)
        if np.abs(integers).max() < _EXACT and ((integers / factor).view(np.int64) == bits).all():
            return exponent, integers.astype(np.int64)
    return None


def _comes_back(values: Column, factor: float) -> bool:
    with np.errstate(over="ignore"):
        return bool((np.rint(values * factor) / factor == values).all())
