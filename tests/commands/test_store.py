"""`trivet store`, alone and beside a running collector."""

import json
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import chdir, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from metrics.model import Sample, Selector
from metrics.poll import Poll, Tier
from storage.reading import SeriesReader
from storage.series import SeriesStore

ROOT = Path(__file__).parents[2]
BEGIN = 1_760_000_000
CONFIG = """
[store]
folder = "data"

[[source]]
kind = "redis"
name = "cache"
port = 1
interval = "1s"
"""


@dataclass(frozen=True)
class Ended:
    """What became of a command."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A config file, and three hours of polls that are due for a segment."""
    (tmp_path / "trivet.toml").write_text(CONFIG, encoding="utf-8")
    with closing(SeriesStore(tmp_path / "data")) as store:
        samples = [Sample("rows", (("i", str(i)),), i * 1.5) for i in range(20)]
        store.append_many(
            [
                Poll(source="cache", tier=Tier.FAST, at=BEGIN + 60.0 * i, duration=0, up=True, samples=samples)
                for i in range(180)
            ]
        )
    return tmp_path


def trivet(home: Path, *words: str) -> Ended:
    """One command, in this process and in that folder."""
    with chdir(home):
        ended = CliRunner().invoke(main, words)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


@pytest.fixture
def collector(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A collector that takes errands; its one source does not answer."""
    command = [sys.executable, str(ROOT / "cli.py"), "collect"]
    process = subprocess.Popen(command, cwd=home, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 20
    while not (home / "data" / "collector.sock").exists():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < end
        threading.Event().wait(0.05)
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=15)
    assert process.returncode == 0
    assert not (home / "data" / "collector.sock").exists()


def history(home: Path) -> Path:
    """A file of other history."""
    path = home / "old.csv"
    lines = [f"{BEGIN + 30 * i},load,{i / 8},web" for i in range(50)]
    path.write_text("\n".join(["time,metric,value,host", *lines]), encoding="utf-8")
    return path


def damage(home: Path) -> None:
    """One hot row's values, whether or not it is in a segment by now."""
    with closing(sqlite3.connect(home / "data" / "series.db")) as db:
        segment = db.execute("select id, data from segment limit 1").fetchone()
        if segment:
            data = bytearray(segment[1])
            data[-1] ^= 1
            db.execute("update segment set data = ? where id = ?", (bytes(data), segment[0]))
        else:
            db.execute("update hot set data = zeroblob(length(data)) where seq = (select max(seq) from hot)")
        db.commit()


def everything(home: Path) -> None:
    """Each command once; the same whether or not a collector runs."""
    compacted = trivet(home, "store", "compact")
    assert compacted.returncode == 0, compacted.stderr
    assert re.match(r"windows \d+, merged \d+, forgotten \d+, damaged 0\n", compacted.stdout)
    stats = trivet(home, "store", "stats")
    assert re.search(r"^raw +\d+ +3,[56]\d\d +[\d,]+ +\d+\.\d\d$", stats.stdout, re.MULTILINE), stats.stdout
    sound = trivet(home, "store", "scrub")
    assert (sound.returncode, sound.stdout) == (0, ""), sound.stderr
    imported = trivet(home, "store", "import", "old.csv", "--source", "older")
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.startswith(
        "50 samples of 1 series, 2025-10-09 08:53:20 to 2025-10-09 09:17:50 UTC, into older"
    )
    again = trivet(home, "store", "import", "old.csv", "--source", "older")
    assert again.returncode == 1
    assert "Nothing was imported." in again.stderr
    made = trivet(home, "store", "backup", "b.zip")
    assert made.returncode == 0, made.stderr
    damage(home)
    looked = trivet(home, "store", "scrub", "--dry-run")
    assert looked.returncode == 1
    scrubbed = trivet(home, "store", "scrub")
    assert scrubbed.returncode == 1
    assert scrubbed.stdout == looked.stdout
    assert re.match(r"(segment|poll) \d+: ", scrubbed.stdout), scrubbed.stdout
    assert "1 damaged pieces are now in quarantine" in scrubbed.stderr
    forgot = trivet(home, "store", "scrub", "--forget")
    assert forgot.returncode == 0
    assert "1 pieces were in quarantine" in forgot.stderr
    reader = SeriesReader(home / "data")
    (points,) = reader.raw(Selector("load"), 0, 1e10)
    assert (points.labels, len(points.times)) == ({"source": "older", "host": "web"}, 50)
    reader.close()


def keep_for_ever(home: Path) -> None:
    """What is imported here is old."""
    text = CONFIG.replace('"data"', '"data"\nkeep = "90y"\nmax_size = "1GB"')
    (home / "trivet.toml").write_text(text, encoding="utf-8")
    history(home)


def test_stats_say_what_is_wrong(home: Path) -> None:
    """As the status page does."""
    assert trivet(home, "store", "stats").stderr == ""
    with closing(sqlite3.connect(home / "data" / "series.db")) as db:
        db.execute("update series set metric = 'other' where id = (select max(id) from series)")
        db.commit()
    ended = trivet(home, "store", "stats")
    assert ended.returncode == 0
    assert ended.stderr.endswith(" 1 damaged pieces are left out: run `trivet store scrub`.\n")
    assert re.search(r"^WAL +\d", ended.stdout, re.MULTILINE)
    assert trivet(home, "store", "scrub").returncode == 1
    assert trivet(home, "store", "scrub").returncode == 0
    assert trivet(home, "store", "scrub", "--forget").returncode == 0
    assert trivet(home, "store", "stats").stderr == ""


def test_every_command_without_a_collector(home: Path) -> None:
    """With the lock of its own, which is free again afterwards."""
    keep_for_ever(home)
    everything(home)
    refused = trivet(home, "store", "restore", "b.zip")
    assert refused.returncode == 1
    assert "--force" in refused.stderr
    assert trivet(home, "store", "restore", "b.zip", "--force").returncode == 0
    assert trivet(home, "store", "scrub").returncode == 0


def test_every_command_beside_a_collector(home: Path, request: pytest.FixtureRequest) -> None:
    """What writes is done by the collector; a restore has to wait until it is gone."""
    keep_for_ever(home)
    request.getfixturevalue("collector")
    everything(home)
    busy = trivet(home, "store", "restore", "b.zip", "--force")
    assert busy.returncode == 75
    assert re.search(r"is being written by process \d+ since", busy.stderr)
    reader = SeriesReader(home / "data")
    end = time.monotonic() + 10
    while not reader.raw(Selector("trivet_source_up"), time.time() - 60, 1e10):
        assert time.monotonic() < end, "the collector's own polls do not come in"
        threading.Event().wait(0.1)
    reader.close()


def test_refusals(home: Path) -> None:
    """One sentence, a code, no traceback."""
    for words, code, said in (
        (("backup", "-"), 2, "goes to a file"),
        (("backup", "no/such/folder/b.zip"), 1, "No such file"),
        (("restore", "trivet.toml"), 1, "--force"),
        (("restore", "trivet.toml", "--force"), 1, "no backup of trivet"),
        (("import", "trivet.toml", "--source", "x"), 1, "trivet.toml:"),
        (("import", "trivet.toml", "--source", "x", "--format", "csv"), 1, "expected a header"),
    ):
        ended = trivet(home, "store", *words)
        assert ended.returncode == code, ended.stderr
        assert said in ended.stderr
        assert "Traceback" not in ended.stderr
    (home / "trivet.toml").write_text('[store]\nfolder = "nowhere"\n', encoding="utf-8")
    ended = trivet(home, "store", "stats")
    assert (ended.returncode, "is not there yet" in ended.stderr) == (1, True)


def test_bad_settings_are_refused(home: Path) -> None:
    """With what is expected."""
    for line, said in (('keep_1h = "forever"', "no length of time"), ('max_size = "10 big"', "is no size")):
        (home / "trivet.toml").write_text(f"[store]\n{line}\n", encoding="utf-8")
        ended = trivet(home, "store", "stats")
        assert ended.returncode == 2
        assert said in ended.stderr


def test_a_collector_that_was_killed_leaves_nothing_in_the_way(home: Path) -> None:
    """Its socket is there, nobody answers, and the command does it itself."""
    command = [sys.executable, str(ROOT / "cli.py"), "collect"]
    process = subprocess.Popen(command, cwd=home, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 20
    while not (home / "data" / "collector.sock").exists():
        assert time.monotonic() < end
        threading.Event().wait(0.05)
    process.kill()
    process.wait()
    assert (home / "data" / "collector.sock").exists()
    assert trivet(home, "store", "compact").returncode == 0


def test_a_collector_that_cannot_begin_says_why(home: Path) -> None:
    """In one line, with the folder."""
    for path in (home / "data").glob("series.db*"):
        path.unlink()
    (home / "data" / "series.db").mkdir()
    command = [sys.executable, str(ROOT / "cli.py"), "collect"]
    ended = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert str(home / "data") in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_the_manifest(home: Path) -> None:
    """Anybody can read what a backup is of."""
    import zipfile

    assert trivet(home, "store", "backup", "b.zip").returncode == 0
    assert "--force" in trivet(home, "store", "backup", "b.zip").stderr
    assert trivet(home, "store", "backup", "b.zip", "--force").returncode == 0
    with zipfile.ZipFile(home / "b.zip") as packed:
        manifest = json.loads(packed.read("manifest.json"))
        assert manifest["bytes"]["series.db"] == len(packed.read("series.db"))
    assert manifest["mark"] >= 180
