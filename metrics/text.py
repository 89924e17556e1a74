"""Text from outside: bytes until proven."""

import codecs
import re

LONGEST = 60
ESCAPE = "\\x"
"""What stands before the number of a byte that is no text."""

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(value: object, codec: str = "utf-8") -> str:
    r"""Any value as text that can be stored and shown: what is no UTF-8 is escaped, so that two odd names stay two.

    >>> clean(b"caf\xe9"), clean("caf\udce9"), clean(None), clean(7), clean("a\x00b")
    ('caf\\xe9', 'caf\\xe9', '', '7', 'a\\x00b')

    codec  what bytes are read as, in Python's words
    """
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value).decode(codec, "backslashreplace")
    else:
        text = "" if value is None else str(value)
    if "\x00" in text:
        text = text.replace("\x00", "\\x00")
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(_escaped, text)
    return text


def _escaped(found: re.Match[str]) -> str:
    """What stands for a byte that somebody else could not decode, or for half a character."""
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def cut(raw: bytes, most: int, codec: str = "utf-8") -> str:
    r"""The beginning of a text that was cut after so many bytes: half a character at its end is left out.

    >>> cut("größe".encode()[:3], 3), cut(b"caf\xe9", 9), cut(b"caf\xe9", 4)
    ('gr', 'caf\\xe9', 'caf')
    """
    if len(raw) < most:
        return clean(raw, codec)
    decoder = codecs.getincrementaldecoder(codec)("backslashreplace")
    return clean(decoder.decode(raw[:most]))


def shown(value: object, longest: int = LONGEST) -> str:
    """A value in a message: on one line and cut.

    >>> shown("x" * 100, 10), shown(b"12")
    ('xxxxxxxxx…', '12')
    """
    text = " ".join(clean(value).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
