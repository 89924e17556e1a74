"""The store that a config file asks for: the local one, one with remotes beside it, or a remote instead."""

from metrics.config import Config, Remote
from storage.reading import SeriesReader
from storage.remote.beside import BesideStore
from storage.remote.faults import RemoteError
from storage.remote.instead import RemoteStore
from storage.remote.reader import RemoteReader
from storage.remote.sender import Say
from storage.series import SeriesStore
from storage.store import Reader, Store


def reader(config: Config) -> Reader:
    """To read from; raises StoreError when a secret's file cannot be read."""
    local = SeriesReader(config.folder)
    remote = _instead(config)
    if remote is None:
        return local
    try:
        return RemoteReader(remote, config.folder, local)
    except OSError as error:
        raise _unreadable(remote, error) from None


def store(config: Config, say: Say, local: SeriesStore | None = None) -> Store:
    """To write to, once per data folder; raises StoreBusy or another StoreError.

    local  the folder's own store, when the caller has opened it and compacts it; it is closed with the rest
    """
    local = local or SeriesStore(config.folder)
    remote = _instead(config)
    try:
        if remote is not None:
            return RemoteStore(remote, config.folder, local, say)
        return BesideStore(local, config.remotes, config.folder, say) if config.remotes else local
    except OSError as error:
        local.close()
        raise _unreadable(remote, error) from None
    except BaseException:
        local.close()
        raise


def _instead(config: Config) -> Remote | None:
    return next((remote for remote in config.remotes if remote.mode == "instead"), None)


def _unreadable(remote: Remote | None, error: OSError) -> RemoteError:
    name = remote.name if remote else "[[remote]]"
    return RemoteError(f"{name}: {error.filename or ''} cannot be read: {error.strerror or error}")
