"""Remote write 1.0 by hand: protobuf in a snappy block of literals, which every receiver takes."""

import struct
from collections.abc import Sequence

import numpy as np

from benchmarks.generator import Column, Feed, Times

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
SAMPLE = np.dtype([("head", "V3"), ("value", "<f8"), ("tag", "u1"), ("time", "u1", 6)])
# Milliseconds of these years are six bytes of seven bits.
LEAST, MOST = 1 << 35, 1 << 42


def varint(number: int) -> bytes:
    """As protobuf writes lengths."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def named(feed: Feed) -> list[bytes]:
    """The labels of each series of a source, written once."""
    return [
        b"".join(
            _field(1, _field(1, name.encode()) + _field(2, value.encode()))
            for name, value in (("__name__", series.metric), *series.labels, ("source", feed.source))
        )
        for series in feed.series
    ]


def body(names: Sequence[bytes], times: Times, values: Column) -> bytes:
    """The series of one source over these times."""
    return b"".join(_field(1, name + _samples(times, row)) for name, row in zip(names, values, strict=True))


def snappy(block: bytes) -> bytes:
    """A block that says of itself that it holds one literal."""
    return varint(len(block)) + b"\xfc" + struct.pack("<I", len(block) - 1) + block


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + varint(len(content)) + content


def _samples(times: Times, values: Column) -> bytes:
    if len(times) and not LEAST <= times[0] <= times[-1] < MOST:
        raise ValueError("times are milliseconds of this century")
    rows = np.zeros(len(times), dtype=SAMPLE)
    rows["head"] = np.void(b"\x12\x10\x09")
    rows["value"] = values
    rows["tag"] = 0x10
    parts = (times[:, None] >> (7 * np.arange(6))) & 0x7F
    parts[:, :5] |= 0x80
    rows["time"] = parts
    return rows.tobytes()
