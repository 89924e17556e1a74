"""How a collector's inside says that something went wrong.

Failed               one reading failed; others may go on over the same connection
└── Disconnected     the connection is of no more use
"""

import re

from metrics.poll import ErrorClass, Failure

LONGEST_TEXT = 500

MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What an answer that is not what the manual says makes of what reads it."""


class Failed(Exception):  # noqa: N818 - a verdict on one reading, not on the program
    """Carries the Failure that the poll will show."""

    def __init__(self, kind: ErrorClass, text: str, hint: str = "", *, quiet: bool = False) -> None:
        """The text is the server's or the driver's; it is brought onto one line and cut.

        quiet   found out without an error on the server: nothing speaks against asking again
        """
        self.failure = Failure(kind, one_line(text), hint)
        self.quiet = quiet
        super().__init__(self.failure.text)

    def without(self, *secrets: str) -> "Failed":
        """The same error with every secret blotted out."""
        text = self.failure.text
        for word in filter(None, secrets):
            text = text.replace(word, "…")
        return type(self)(self.failure.kind, text, self.failure.hint, quiet=self.quiet)

    def hinted(self, hint: str) -> "Failed":
        """The same error with what mends it, unless it knows that already."""
        return type(self)(self.failure.kind, self.failure.text, self.failure.hint or hint, quiet=self.quiet)


class Disconnected(Failed):
    """The connection was never made, broke, or is in an unknown state."""


def late() -> Disconnected:
    """What a cut deadline means."""
    hint = "Raise interval and deadline if the server is merely slow; else see why it does not answer."
    return Disconnected(ErrorClass.TIMEOUT, "no answer before the deadline", hint)


def one_line(text: str) -> str:
    """Text from elsewhere on one line, without control characters, cut at 500 characters.

    >>> one_line('FATAL:  no\\n\\tsuch "x"')
    'FATAL: no such "x"'
    """
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text).split())
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1] + "…"
