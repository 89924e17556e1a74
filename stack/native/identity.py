"""Who a server runs as: PostgreSQL and PgBouncer refuse root, so root has to become someone else for them.

Three ways, the first that works is taken:

- `SELF`: we are not root; nothing changes.
- `DROP`: root, and an unprivileged account can reach the folders: the server runs as that account.
- `NAMESPACE`: root, but the folders lie below one that only root may enter (`/root`, `mktemp -d`): the server
  runs in a user namespace in which root's files belong to an unprivileged number.
"""

import enum
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
IF_STILL_OURS = ("/bin/sh", "-c", '[ "$PPID" = "$0" ] && exec "$@"')
"""Words before a parent's number and a command."""


class NoIdentity(RuntimeError):  # noqa: N818 - a statement
    """Root, and no way to run a server as anyone else."""


class Way(enum.Enum):
    SELF = "as ourselves"
    DROP = "as an unprivileged account"
    NAMESPACE = "in a user namespace"


@dataclass(frozen=True)
class Identity:
    """An account and the way to become it."""

    way: Way
    uid: int
    gid: int

    @classmethod
    def ourselves(cls) -> "Identity":
        return cls(Way.SELF, os.geteuid(), os.getegid())

    def command(self, argv: Sequence[str], death: signal.Signals | None = None) -> list[str]:
        """`argv` as this identity; with `death`, the kernel sends it that signal when its parent thread ends.

        Every word added execs the next, so the process id is the server's own. With `death` it is for this process to
        start: as a child of any other it ends at once.
        """
        return [*self._namespace(), *self._setpriv(death), *argv]

    def _namespace(self) -> list[str]:
        if self.way is not Way.NAMESPACE:
            return []
        return ["unshare", "--user", f"--map-user={self.uid}", f"--map-group={self.gid}", "--"]

    def _setpriv(self, death: signal.Signals | None) -> list[str]:
        # The kernel forgets a death signal when credentials change, so it is asked for in the last step.
        words, then = [], []
        if self.way is Way.DROP:
            words += [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        if death is not None and shutil.which("setpriv"):
            words += ["--pdeathsig", death.name.removeprefix("SIG")]
            # A parent that was killed before it was asked for sends none.
            then = [*IF_STILL_OURS, str(os.getpid())]
        return ["setpriv", *words, "--", *then] if words else []

    def can(self, test: str, path: Path) -> bool:
        """Whether `test -x` (enter, execute) or `test -r` (read) holds for this identity."""
        return _succeeds(self.command(["test", test, str(path)]))

    def own(self, path: Path) -> None:
        """Gives `path` and what lies below it to this identity, when it is not its own already."""
        # In a namespace root's files are those of the mapped account.
        uid, gid = (self.uid, self.gid) if self.way is Way.DROP else (os.geteuid(), os.getegid())
        if self.way is Way.SELF or path.lstat().st_uid == uid:
            return
        for below in _tree(path):
            os.chown(below, uid, gid, follow_symlinks=False)

    def own_file(self, file: Path) -> None:
        """Lets this identity read a file of ours, and not write it."""
        if self.way is Way.DROP:
            os.chown(file, 0, self.gid)
            file.chmod(0o640)


def choose(above: Path, data: Path, programs: Iterable[Path]) -> Identity:
    """The identity for a server whose data lie or will lie in `data`: it can enter `above` (or the first of its
    ancestors that exists) and execute `programs`.

    Raises NoIdentity when root can become nobody who can; the message says what to do.
    """
    if os.geteuid() != 0:
        return Identity.ourselves()
    above = nearest(above)
    needed = [above, *programs]
    candidates = list(_candidates(data))
    for identity in [*candidates, *map(_in_namespace, candidates)]:
        if all(identity.can("-x", path) for path in needed):
            return identity
    raise NoIdentity(
        f"No unprivileged account can enter {above} and this kernel gives no user namespace: "
        f"run as another user than root, or move the project to where user {ACCOUNTS[0]!r} may enter."
    )


def nearest(path: Path) -> Path:
    """`path`, or the first of its ancestors that exists."""
    return next(each for each in (path, *path.parents) if each.exists())


def _candidates(data: Path) -> Iterator[Identity]:
    """The owner first: data that an earlier run left belong to whom it ran as."""
    owner = nearest(data).stat().st_uid
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    ordered = [account for account in accounts.values() if account.pw_uid == owner]
    ordered += [accounts[name] for name in ACCOUNTS if name in accounts]
    for account in ordered:
        if account.pw_uid != 0:
            yield Identity(Way.DROP, account.pw_uid, account.pw_gid)


def _in_namespace(identity: Identity) -> Identity:
    return Identity(Way.NAMESPACE, identity.uid, identity.gid)


def _succeeds(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=10, check=False)  # noqa: S603 - our own words
    except OSError:
        return False
    return done.returncode == 0


def _tree(top: Path) -> Iterator[Path]:
    yield top
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))
