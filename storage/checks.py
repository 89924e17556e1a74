"""The checksums of rows: a row that was changed by anything but this program is left out, not believed.

All are CRC-32 (zlib's) of the row's numbers as text, its texts and, for a layout and a record, the digest of what is
too long to be read each time. ``storage/FORMAT.md`` has them byte by byte. A TypeError says that a column is not what
it was.
"""

import hashlib
import struct
import zlib

END = b"\0"


def digest(body: bytes) -> bytes:
    """BLAKE2b of 16 bytes: what layouts and texts are known by."""
    return hashlib.blake2b(body, digest_size=16).digest()


def of_hot(stream: int, at: int, layout: int, turn: int, data: bytes) -> int:
    """A poll."""
    return zlib.crc32(data, zlib.crc32(b"%d %d %d %d" % (stream, at, layout, turn)))


def of_source(number: int, name: bytes) -> int:
    """A source."""
    return zlib.crc32(_numbers(number) + name)


def of_series(number: int, source: int, metric: bytes, labels: bytes) -> int:
    """A series; labels are JSON, which has no zero byte."""
    return zlib.crc32(_numbers(number, source) + metric + END + labels)


def of_stream(number: int, source: int, tier: bytes) -> int:
    """A stream."""
    return zlib.crc32(_numbers(number, source) + tier)


def of_layout(number: int, stream: int, kept: bytes) -> int:
    """A layout, by its digest."""
    return zlib.crc32(_numbers(number, stream) + kept)


def of_segment(number: int, stream: int, res: int, start: int, stop: int, ticks: int, samples: int) -> int:
    """What a segment is of; its data has checksums of its own."""
    return zlib.crc32(_numbers(number, stream, res, start, stop, ticks, samples))


def of_record(source: int, kind: bytes, key: bytes, at: float, kept: bytes) -> int:
    """A record, by the digest of its text."""
    return zlib.crc32(_numbers(source) + kind + END + key + END + struct.pack("<d", at) + kept)


def of_meta(name: str, value: int) -> int:
    """One of the numbers that a file keeps of itself."""
    return zlib.crc32(_numbers(value) + name.encode())


def _numbers(*numbers: int) -> bytes:
    if not all(isinstance(number, int) for number in numbers):
        # %d would take 7.5 for 7.
        raise TypeError("a number is none")
    return b"%d " * len(numbers) % numbers
