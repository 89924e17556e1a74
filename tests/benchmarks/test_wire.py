"""Remote write's bytes."""

import struct

import numpy as np
import pytest

from benchmarks import wire
from benchmarks.generator import generate

AT = 1_750_000_000_123


def test_a_sample_is_a_double_and_a_time() -> None:
    said = wire.body([b""], np.array([AT]), np.array([[1.5]]))
    # TimeSeries of 18 bytes; in it a Sample of 16: value as fixed64, timestamp as varint.
    assert said[:5] == b"\x0a\x12\x12\x10\x09"
    assert struct.unpack("<d", said[5:13]) == (1.5,)
    assert said[13:] == b"\x10" + wire.varint(AT)


def test_labels_are_in_their_order() -> None:
    names = wire.named(generate(1, 1, start=AT / 1000).feeds[0])
    places = [names[0].index(word) for word in (b"__name__", b"item", b"source")]
    assert places == sorted(places)


def test_a_time_of_another_age_is_refused() -> None:
    with pytest.raises(ValueError, match="this century"):
        wire.body([b""], np.array([5]), np.array([[1.5]]))


def test_a_block_says_its_length_and_holds_one_literal() -> None:
    block = b"x" * 300
    assert wire.snappy(block) == b"\xac\x02" + b"\xfc" + struct.pack("<I", 299) + block
