"""What can go wrong between us and a remote.

RemoteError      nothing was done; the text names the remote and no secret
├── Waits     it may work later: no answer, overload, a door that is shut; nothing was judged
└── Refused   the request itself was refused, and would be again
"""

from storage.files import StoreError


class RemoteError(StoreError):
    """The remote did not do what was asked."""


class Waits(RemoteError):  # noqa: N818
    """Try again. ``after``: seconds that the remote asked for.

    ``lost``: no answer came at all, so the remote may have started anew and forgotten its newest samples.
    """

    def __init__(self, text: str, after: float | None = None, *, lost: bool = False) -> None:
        """The reason in one line."""
        super().__init__(text)
        self.after = after
        self.lost = lost


class Refused(RemoteError):  # noqa: N818
    """An answer of 4xx that speaks of the content. ``reason``: the remote's words."""

    def __init__(self, text: str, status: int, reason: str) -> None:
        """Text for people, status and reason for us."""
        super().__init__(text)
        self.status = status
        self.reason = reason

    @property
    def of_age(self) -> bool:
        """Whether samples were refused for their time: the remote has newer ones, or takes none as old."""
        words = ("out of order", "out of bounds", "too old", "duplicate")
        reason = self.reason.lower().replace("-", " ")
        return any(word in reason for word in words)
