"""The config file decides which store there is."""

from contextlib import closing
from pathlib import Path

import pytest

from metrics.config import Config, ConfigError, Remote, parse
from storage.files import StoreBusy, StoreError
from storage.reading import SeriesReader
from storage.remote.beside import BesideStore
from storage.remote.instead import RemoteStore
from storage.remote.opening import reader, store
from storage.remote.reader import RemoteReader
from storage.series import SeriesStore
from tests.storage.remotes import remote

NOWHERE = "http://127.0.0.1:9"
BLOCK = """
[[remote]]
name = "metrics"
write_url = "https://metrics.example.org/api/v1/push"
"""


def config(folder: Path, *remotes: Remote) -> Config:
    """A config whose data are in a folder."""
    return Config(remotes=remotes, base=folder)


def test_without_a_remote_there_is_the_local_store(tmp_path: Path) -> None:
    with closing(store(config(tmp_path), print)) as made, closing(reader(config(tmp_path))) as read:
        assert (type(made), type(read)) == (SeriesStore, SeriesReader)


def test_beside_reads_locally_and_instead_reads_there(tmp_path: Path) -> None:
    beside, instead = remote(NOWHERE), remote(NOWHERE, mode="instead")
    with (
        closing(store(config(tmp_path / "1", beside), print)) as made,
        closing(reader(config(tmp_path, beside))) as read,
    ):
        assert (type(made), type(read)) == (BesideStore, SeriesReader)
    with (
        closing(store(config(tmp_path / "2", instead), print)) as other,
        closing(reader(config(tmp_path, instead))) as far,
    ):
        assert (type(other), type(far)) == (RemoteStore, RemoteReader)
        assert "refused" in far.health().problem


@pytest.mark.parametrize("mode", ["beside", "instead"])
def test_one_collector_per_folder_with_a_remote_too(tmp_path: Path, mode: str) -> None:
    """And what a failed opening took, it gives back."""
    settings = config(tmp_path, remote(NOWHERE, mode=mode))
    with closing(store(settings, print)), pytest.raises(StoreBusy):
        store(settings, print)
    broken = config(tmp_path, remote(NOWHERE, mode=mode, token_file=str(tmp_path / "no-such-file")))
    with pytest.raises(StoreError, match=r"no-such-file cannot be read"):
        store(broken, print)
    store(settings, print).close()


def test_a_block_needs_little() -> None:
    (found,) = parse(BLOCK + 'token = "${TOKEN}"\n', {}, {}, {"TOKEN": "t"}).remotes
    assert (found.mode, found.token, found.timeout) == ("beside", "t", "10s")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ('mode = "instead"', "mode = instead needs read_url"),
        ('read_url = "https://user:hunter2@example.org"', "expected str matching regex"),
        ('token = "x"\nuser = "u"', "not both"),
        ('password = "x"\npassword_file = "y"', "not both"),
        ("labels = { source = 'x' }", "labels.source"),
        ("timeout = '10 minutes'", "is no length of time"),
        ('headers = { "X-A" = "a\\r\\nX-B: b" }', "headers are one line each"),
        ("urls = 3", "is no setting here"),
        ('read_url = "https://a"\nmode = "instead"\n' + BLOCK.replace("metrics", "b"), "one remote and no other"),
        (BLOCK, 'remote[1].name: "metrics" is taken by remote[0]'),
    ],
)
def test_a_wrong_block_is_told_before_anything_starts(more: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{BLOCK}{more}\n", {}, {}, {})
    assert problem in str(caught.value)
    assert "hunter2" not in str(caught.value)
