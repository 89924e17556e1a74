"""A local store whose polls go to remotes as well: the local one stays the truth, and is what they are served from."""

from collections.abc import Sequence
from pathlib import Path

from metrics.config import Remote
from metrics.duration import seconds
from metrics.model import Labels, Selector
from metrics.points import Points
from metrics.poll import Poll
from storage.remote.door import Door
from storage.remote.feed import FIRST_PAUSE, Feed
from storage.remote.marks import Marks
from storage.remote.replay import Replay
from storage.remote.sender import Say, Sender
from storage.store import Fold, Grid, Health, Store, StoredRecord


class BesideStore:
    """The Store protocol, answered by the local store. An append is acknowledged by it alone."""

    def __init__(
        self, local: Store, remotes: Sequence[Remote], folder: Path, say: Say, pause: float = FIRST_PAUSE
    ) -> None:
        """Remotes are served from the watermark that the folder's state file has for each."""
        self._local = local
        # All that can fail comes before the first thread.
        marks = Marks(folder)
        parts = [
            (remote, Sender(Door(remote), remote, say), Replay(local, marks, remote.name, seconds(remote.backfill)))
            for remote in remotes
        ]
        self._feeds = [
            Feed(remote.name, sender, replay, say, resend_live=False, pause=pause) for remote, sender, replay in parts
        ]

    def append(self, poll: Poll) -> None:
        """See Store.append."""
        self._local.append(poll)
        for feed in self._feeds:
            feed.offer(poll)

    def prune(self, before: float) -> int:
        """See Store.prune. What a remote has not got by then it never gets."""
        return self._local.prune(before)

    def raw(self, selector: Selector, start: float, end: float, step: float = 0.0) -> Sequence[Points]:
        """See Store.raw."""
        return self._local.raw(selector, start, end, step)

    def window(
        self, selector: Selector, t0: float, step: float, n: int, fold: Fold, top: int | None = None
    ) -> Sequence[Grid]:
        """See Store.window."""
        return self._local.window(selector, t0, step, n, fold, top)

    def windows(
        self, selector: Selector, t0: float, step: float, n: int, folds: Sequence[Fold]
    ) -> dict[Fold, list[Grid]]:
        """See Reader.windows."""
        return self._local.windows(selector, t0, step, n, folds)

    def latest(self, selector: Selector | None = None) -> Sequence[tuple[str, Labels, float, float]]:
        """See Store.latest."""
        return self._local.latest(selector)

    def series(self, metric: str | None = None) -> Sequence[tuple[str, Labels]]:
        """See Store.series."""
        return self._local.series(metric)

    def labels(self, metric: str) -> dict[str, list[str]]:
        """See Store.labels."""
        return self._local.labels(metric)

    def records(self, source: str, kind: str, keys: Sequence[str] | None = None) -> Sequence[StoredRecord]:
        """See Store.records."""
        return self._local.records(source, kind, keys)

    def health(self) -> Health:
        """See Store.health: a remote that is down is no trouble of the store."""
        return self._local.health()

    def idle(self) -> bool:
        """Whether every remote has everything."""
        return all(feed.idle() for feed in self._feeds)

    def close(self) -> None:
        """Stop sending, then let go of the local store."""
        for feed in self._feeds:
            feed.close()
        self._local.close()
