"""Text from outside: bytes until proven."""

import re

LONGEST = 60
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def clean(value: object) -> str:
    r"""Any value as text that can be stored and shown: what is no UTF-8 is escaped, so that two odd names stay two.

    >>> clean(b"caf\xe9"), clean("caf\udce9"), clean(None), clean(7), clean("a\x00b")
    ('caf\\xe9', 'caf\\xe9', '', '7', 'a\\x00b')
    """
    if isinstance(value, str):
        text = value
    elif isinstance(value, bytes | bytearray | memoryview):
        text = bytes(value).decode("utf-8", "backslashreplace")
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


def shown(value: object, longest: int = LONGEST) -> str:
    """A value in a message: on one line and cut.

    >>> shown("x" * 100, 10), shown(b"12")
    ('xxxxxxxxx…', '12')
    """
    text = " ".join(clean(value).split())
    return text if len(text) <= longest else text[: longest - 1] + "…"
