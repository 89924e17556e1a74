"""Remote write 1.0: protobuf by hand, packed with snappy.

    WriteRequest { repeated TimeSeries = 1 }    TimeSeries { repeated Label = 1; repeated Sample = 2 }
    Label { string name = 1; string value = 2 } Sample { double value = 1; int64 milliseconds = 2 }

https://prometheus.io/docs/specs/remote_write_spec/
"""

from collections.abc import Mapping

import cramjam
import numpy as np

from storage.remote.batch import Batch
from storage.remote.entry import Key

MOST_NAMES = 200_000
_SAMPLE = 18
# Times whose varint has six bytes: 1971 to 2109.
_FIRST, _LAST = 1 << 35, 1 << 42

HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


class Wire:
    """Encodes batches; the labels of a series are encoded once. Not for several threads."""

    def __init__(self, more: Mapping[str, str]) -> None:
        """``more``: labels that every series gets."""
        self._more = dict(more)
        self._names: dict[Key, bytes] = {}

    def body(self, batch: Batch) -> bytes:
        """The body of one request."""
        samples = _samples(batch)
        parts: list[bytes] = []
        at = 0
        for key, (times, _) in batch.series.items():
            name = self._names.get(key) or self._named(key)
            end = at + len(times)
            mine = b"".join(samples[at:end])
            parts += (b"\x0a", _varint(len(name) + len(mine)), name, mine)
            at = end
        return bytes(cramjam.snappy.compress_raw(b"".join(parts)))

    def _named(self, key: Key) -> bytes:
        if len(self._names) >= MOST_NAMES:
            self._names.clear()
        labels = {**self._more, **dict(key[1]), "__name__": key[0]}
        # An empty value is the same as none; half of a surrogate pair is no text on the wire.
        pairs = sorted((name.encode(), value.encode("utf-8", "replace")) for name, value in labels.items() if value)
        self._names[key] = b"".join(_field(b"\x0a", _field(b"\x0a", n) + _field(b"\x12", v)) for n, v in pairs)
        return self._names[key]


def _field(tag: bytes, content: bytes) -> bytes:
    return tag + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, lowest first.

    >>> _varint(300)
    b'\\xac\\x02'
    """
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _samples(batch: Batch) -> list[bytes]:
    """Every sample of a batch as a field of its series, in the order of the batch."""
    times = np.array([at for times, _ in batch.series.values() for at in times], dtype=np.int64)
    values = np.array([value for _, values in batch.series.values() for value in values], dtype="<f8")
    if not len(times):
        return []
    if times.min() < _FIRST or times.max() >= _LAST:
        pairs = zip(times.tolist(), values, strict=True)
        return [_field(b"\x12", b"\x09" + value.tobytes() + b"\x10" + _varint(at % (1 << 64))) for at, value in pairs]
    matrix = np.empty((len(times), _SAMPLE), dtype=np.uint8)
    matrix[:, 0], matrix[:, 1], matrix[:, 2], matrix[:, 11] = 0x12, _SAMPLE - 2, 0x09, 0x10
    matrix[:, 3:11] = values.view(np.uint8).reshape(-1, 8)
    for byte in range(6):
        matrix[:, 12 + byte] = (times >> (7 * byte)) & 127 | (128 if byte < 5 else 0)
    body = matrix.tobytes()
    return [body[i : i + _SAMPLE] for i in range(0, len(body), _SAMPLE)]
