"""A store that is somewhere else: polls are acknowledged by the remote, or by the disk they wait on while it is down.

What is no number stays here: records live in the local series.db, which also holds the writer's lock.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from metrics.config import Remote
from metrics.duration import seconds
from metrics.poll import Poll
from storage.remote.door import Door
from storage.remote.faults import RemoteError
from storage.remote.feed import FIRST_PAUSE, Feed
from storage.remote.reader import RemoteReader
from storage.remote.sender import Say, Sender
from storage.remote.spool import Spool
from storage.store import Store

PATIENCE = 30.0
"""Seconds beyond the remote's timeout after which an append gives up waiting for its turn."""


class RemoteStore(RemoteReader):
    """The whole Store protocol, for the one process that writes.

    An append returns once the remote has answered 2xx, or while it is down once the poll is in the spool on disk;
    readers see the poll when the engine shows it, which VictoriaMetrics does after about a second.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        local: Store,
        say: Say,
        clock: Callable[[], float] | None = None,
        pause: float = FIRST_PAUSE,
    ) -> None:
        """``local``: the folder's own store, for records; it is closed with this one."""
        super().__init__(remote, folder, local, **({"clock": clock} if clock else {}))
        self._local = local
        self._patience = seconds(remote.timeout) + PATIENCE
        sender = Sender(Door(remote), remote, say)
        spool = Spool(folder, remote.spool * 1024 * 1024)
        self._feed = Feed(remote.name, sender, spool, say, resend_live=True, pause=pause)

    def append(self, poll: Poll) -> None:
        """See Store.append. Raises StoreError for a poll that the remote refused or the spool has no room for."""
        ticket = self._feed.offer(poll)
        if poll.records:
            self._local.append(replace(poll, samples=(), epochs={}))
        if not ticket.done.wait(self._patience):
            raise RemoteError(f"{self._name}: no answer to a poll of {poll.source} in {self._patience:g} s")
        if ticket.error is not None:
            raise ticket.error

    def prune(self, before: float) -> int:
        """Records only: how long the remote keeps samples is set there."""
        self._local.prune(before)
        return 0

    def idle(self) -> bool:
        """Whether nothing waits."""
        return self._feed.idle()

    def close(self) -> None:
        """What was not sent waits on disk."""
        self._feed.close()
        super().close()
