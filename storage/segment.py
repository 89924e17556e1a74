"""A segment: the polls of one stream over a span of time, column by column, in one blob.

    header     magic "TVS1", columns per series, ticks, series, length of the packed times, of the statistics
    times      payload of integers: milliseconds of the epoch, one per tick
    turns      one bit per tick: a counter may have been reset since the tick before
    checks     CRC-32 of all of the head but itself
    directory  per series: its number (u32); per column: end of the payload (u32) and its CRC-32
    statistics payloads of min, max, sum, count, increase, first, last over the series
    payloads   series by series, column by column

A series that was not in every poll has a payload that begins with PARTIAL: a mask of one bit per tick, then the
values that are there. Absent is not NaN: NaN is a value that was stored.
"""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metrics.points import Column
from storage import codec
from storage.codec import DamagedError

MAGIC = b"TVS1"
PARTIAL = 0x40
STATISTICS = ("min", "max", "sum", "count", "increase", "first", "last")
_HEADER = struct.Struct("<4sHHIIII")
_CHECK = struct.Struct("<I")

Numbers = NDArray[np.uint32]
Times = NDArray[np.int64]
Read = Callable[[int, int], bytes]
"""Bytes of a blob, by offset and length."""


@dataclass(frozen=True, slots=True)
class Filled:
    """One column of one series: its values, and at which ticks; ``mask`` is None when at all of them."""

    values: Column
    mask: NDArray[np.bool_] | None = None


@np.errstate(over="ignore", invalid="ignore")
def encode(
    times: Times, turns: NDArray[np.bool_], numbers: Sequence[int], columns: Sequence[Sequence[Filled]]
) -> bytes:
    """The blob of some ticks.

    numbers   series numbers, rising
    columns   per series its columns; all series have as many, the first is what statistics are made of
    """
    order = np.array(numbers, dtype=np.uint32)
    payloads = [[_payload(filled, len(times)) for filled in series] for series in columns]
    flat = [payload for series in payloads for payload in series]
    ends = np.cumsum([len(payload) for payload in flat], dtype=np.uint32) if flat else np.empty(0, dtype=np.uint32)
    checks = np.array([zlib.crc32(payload) for payload in flat], dtype=np.uint32)
    packed = codec.encode_integers(times)
    figures = _statistics([series[0] for series in columns]) if columns else []
    statistics = b"".join(_sized(codec.encode(column)) for column in figures)
    width = len(columns[0]) if columns else 1
    header = _HEADER.pack(MAGIC, width, 0, len(times), len(order), len(packed), len(statistics))
    head = header + packed + np.packbits(turns).tobytes()
    directory = order.tobytes() + ends.tobytes() + checks.tobytes() + statistics
    return b"".join([head, _CHECK.pack(zlib.crc32(head + directory)), directory, *flat])


class Segment:
    """A parsed head; payloads are read and checked when asked for."""

    __slots__ = ("_checks", "_ends", "_position", "_width", "body", "numbers", "size", "statistics", "times", "turns")

    def __init__(self, read: Read, total: int) -> None:
        """Read the head of a blob of ``total`` bytes; DamagedError when its checksum is wrong."""
        head = read(0, min(total, _HEADER.size))
        try:
            magic, self._width, _, ticks, series, packed, statistics = _HEADER.unpack(head)
        except struct.error as error:
            raise DamagedError(str(error)) from None
        turns = (ticks + 7) // 8
        directory = 4 * series + 8 * series * self._width
        self.body = _HEADER.size + packed + turns + _CHECK.size + directory + statistics
        if magic != MAGIC or self.body > total:
            raise DamagedError("no segment")
        rest = read(_HEADER.size, self.body - _HEADER.size)
        split = packed + turns
        (check,) = _CHECK.unpack(rest[split : split + _CHECK.size])
        listed = rest[split + _CHECK.size :]
        if zlib.crc32(listed, zlib.crc32(head + rest[:split])) != check:
            raise DamagedError("the head's checksum is wrong")
        self.times: Times = codec.decode_integers(rest[:packed], ticks)
        self.turns: NDArray[np.bool_] = np.unpackbits(np.frombuffer(rest[packed:split], np.uint8), count=ticks) > 0
        self.numbers: Numbers = np.frombuffer(listed, np.uint32, series)
        ends = np.frombuffer(listed, np.uint32, series * self._width, 4 * series).astype(np.int64)
        self._ends = np.concatenate(([0], ends))
        self._checks = np.frombuffer(listed, np.uint32, series * self._width, 4 * series * (1 + self._width))
        self.statistics = listed[directory:]
        self._position = {int(number): i for i, number in enumerate(self.numbers)}
        self.size = int(self._ends[-1]) + self.body

    def __contains__(self, number: int) -> bool:
        return number in self._position

    def column(self, read: Read, number: int, column: int = 0) -> Filled:
        """One column of a series; DamagedError when its checksum is wrong."""
        slot = self._position[number] * self._width + column
        start, end = int(self._ends[slot]), int(self._ends[slot + 1])
        payload = read(self.body + start, end - start)
        if zlib.crc32(payload) != self._checks[slot]:
            raise DamagedError(f"the checksum of series {number} is wrong")
        return _filled(payload, len(self.times))

    def columns(self, read: Read, number: int) -> list[Filled]:
        """All columns of a series."""
        return [self.column(read, number, i) for i in range(self._width)]

    def figures(self) -> dict[str, Column]:
        """The statistics, each over all series in the order of ``numbers``; nan where a series has no value."""
        found, at = {}, 0
        for name in STATISTICS if len(self.numbers) else ():
            (length,) = _CHECK.unpack_from(self.statistics, at)
            found[name] = codec.decode(self.statistics[at + 4 : at + 4 + length], len(self.numbers))
            at += 4 + length
        return found


def reader(blob: bytes) -> Read:
    """Reads of a blob that is in memory."""
    view = memoryview(blob)
    return lambda offset, length: bytes(view[offset : offset + length])


def _payload(filled: Filled, ticks: int) -> bytes:
    if filled.mask is None:
        return codec.encode(filled.values)
    mask = np.packbits(filled.mask).tobytes()
    return bytes([PARTIAL]) + mask + (codec.encode(filled.values) if len(filled.values) else b"")


def _filled(payload: bytes, ticks: int) -> Filled:
    if not payload or payload[0] != PARTIAL:
        return Filled(codec.decode(payload, ticks))
    size = (ticks + 7) // 8
    mask = np.unpackbits(np.frombuffer(payload[1 : 1 + size], np.uint8), count=ticks) > 0
    count = int(mask.sum())
    return Filled(codec.decode(payload[1 + size :], count) if count else np.empty(0), mask)


def _sized(payload: bytes) -> bytes:
    return _CHECK.pack(len(payload)) + payload


def _statistics(columns: Sequence[Filled]) -> list[Column]:
    rows = np.array([_figures(filled.values) for filled in columns])
    return [np.ascontiguousarray(rows[:, i]) for i in range(len(STATISTICS))]


def _figures(values: Column) -> tuple[float, ...]:
    """min, max, sum, count, increase (falls left out), first, last of the finite values."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return (np.nan, np.nan, 0.0, float(len(values)), np.nan, np.nan, np.nan)
    rises = np.diff(finite)
    return (
        float(finite.min()),
        float(finite.max()),
        float(finite.sum()),
        float(len(values)),
        float(rises[rises > 0].sum()),
        float(finite[0]),
        float(finite[-1]),
    )
