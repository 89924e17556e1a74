"""The commands that need no running Trivet: init, check, doctor, export, web and the entry itself."""

import csv
import io
import re
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from collectors.api import metrics as api_metrics
from metrics.config import load
from metrics.model import Metric, Sample
from metrics.poll import Poll, Tier
from storage.series import SeriesStore
from tests.servers import MONITOR, STATS, Hole, PgBouncerServer, PostgresServer, RedisServer

ROOT = Path(__file__).parents[2]


def trivet(*words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, [*words], catch_exceptions=False)


def write(path: Path, text: str) -> str:
    """A config file; its name."""
    path.write_text(text)
    return str(path)


def test_the_example_is_what_init_writes_and_loads() -> None:
    """It is made of the types that read it, and committed so that it can be read without installing."""
    from collectors.kinds import source_types
    from commands.house import target_names

    example = ROOT / "trivet.example.toml"
    assert trivet("init", "-").output == example.read_text()
    kinds = [source.kind for source in load(example, source_types(), target_names()).sources]
    assert kinds == ["postgres", "pgbouncer", "redis", "api"]


def test_init_does_not_write_over_a_file(tmp_path: Path) -> None:
    """Unless it is told to."""
    path = tmp_path / "trivet.toml"
    assert trivet("init", str(path)).exit_code == 0
    path.write_text("mine")
    refused = trivet("init", str(path))
    assert refused.exit_code == 1
    assert "is there already" in refused.output
    assert path.read_text() == "mine"
    assert trivet("init", str(path), "--force").exit_code == 0


@pytest.mark.parametrize("name", ["run", "collect", "web", "check", "init", "export", "doctor", "store"])
def test_every_command_has_help(name: str) -> None:
    """The list names it, and it explains itself and each of its options."""
    assert re.search(rf"^  {name} ", trivet("--help").output, re.MULTILINE)
    text = trivet(name, "--help").output
    assert len(text) > 150
    for option in re.findall(r"^  (?:-\w, )?--[\w-]+[^\n]*$", text, re.MULTILINE):
        assert re.search(r"\S\s{2,}\S", option.strip()) or len(option) > 30, option


def test_the_version_is_the_packages() -> None:
    """One place has it."""
    assert re.fullmatch(r"trivet \d+\.\d+\.\d+\n", trivet("--version").output)


def test_mistakes_are_told_at_once_without_a_traceback_or_a_secret(tmp_path: Path) -> None:
    """Exit code 2, each with file, line and key."""
    text = '[[source]]\nname = "a"\nkind = "redis"\nprot = 1\npassword = "s3cret"\n[web]\nlisten = 5\n'
    result = trivet("check", "--config", write(tmp_path / "t.toml", text))
    assert result.exit_code == 2
    assert "t.toml:4: source[0].prot: is no setting here" in result.output
    assert "t.toml:7: web.listen: expected str, got int" in result.output
    assert "s3cret" not in result.output
    missing = trivet("check", "--config", str(tmp_path / "none.toml"))
    assert missing.exit_code == 2
    assert "trivet init" in missing.output


def test_check_tells_what_each_server_is_and_what_it_lacks(
    tmp_path: Path, postgres: PostgresServer, pgbouncer: PgBouncerServer, redis: RedisServer, hole: Hole
) -> None:
    """Versions of those that answer, the line that mends what is lacking, and exit code 1 for one that does not."""
    text = f"""
[[source]]
name = "db"
kind = "postgres"
port = {postgres.port}
user = "{MONITOR.name}"
password = "{MONITOR.password}"
[[source]]
name = "plain"
kind = "postgres"
port = {postgres.port}
user = "{STATS.name}"
password = "{STATS.password}"
[[source]]
name = "pool"
kind = "pgbouncer"
port = {pgbouncer.port}
user = "{STATS.name}"
password = "{STATS.password}"
[[source]]
name = "cache"
kind = "redis"
port = {redis.port}
[[source]]
name = "silent"
kind = "redis"
port = {hole.port}
deadline = "1s"
"""
    result = trivet("check", "--config", write(tmp_path / "t.toml", text))
    assert result.exit_code == 1, result.output
    assert re.search(r"db \(postgres\): .*\d+\.\d+", result.output)
    assert re.search(r"pool \(pgbouncer\): .*\d+\.\d+", result.output)
    assert re.search(r"cache \(redis\): .*\d+\.\d+", result.output)
    assert f"GRANT pg_monitor TO {STATS.name}" in result.output.replace('"', "")
    assert re.search(r"down\s+silent \(redis\): timeout", result.output)
    for secret in (MONITOR.password, STATS.password):
        assert secret not in result.output


@pytest.mark.parametrize("address", ["0.0.0.0:8600", "192.168.1.5:8600", "[::]:8600"])
def test_the_pages_are_refused_to_the_network(tmp_path: Path, address: str) -> None:
    """There is no sign-in yet, and the way in is named."""
    result = trivet("web", "--config", write(tmp_path / "t.toml", f'[web]\nlisten = "{address}"\n'))
    assert result.exit_code == 2
    assert "ssh -L 8600:127.0.0.1:8600" in result.output


def test_export_writes_what_the_page_shows(tmp_path: Path) -> None:
    """Targets and charts of a page, units in the second row."""
    path = write(tmp_path / "t.toml", '[[source]]\nname = "cache"\nkind = "redis"\n[store]\nfolder = "d"\n')
    with closing(SeriesStore(tmp_path / "d")) as store:
        now = time.time()
        for i in range(31):
            samples = [
                Sample("redis_keyspace_hits_total", (), i * 90.0),
                Sample("redis_keyspace_misses_total", (), i * 10.0),
            ]
            poll = Poll(source="cache", tier=Tier.FAST, at=now - 300 + i * 10, duration=0, up=True, samples=samples)
            store.append(poll)
    targets = list(csv.DictReader(io.StringIO(trivet("export", "redis", "--config", path).output)))
    rate = next(row for row in targets if row["target"] == "redis_hit_rate")
    assert (rate["state"], float(rate["value"]), rate["subject"]) == ("met", 0.9, "cache")
    out = tmp_path / "charts.csv"
    assert (
        trivet("export", "redis", "--what", "charts", "--range", "15m", "-o", str(out), "--config", path).exit_code == 0
    )
    rows = list(csv.reader(io.StringIO(out.read_text())))
    assert rows[0][0] == "time"
    assert "ratio" in " ".join(rows[1])
    wrong = trivet("export", "rediss", "--config", path)
    assert wrong.exit_code == 2
    assert 'did you mean "redis"?' in wrong.output


def test_doctor_looks_at_the_machine() -> None:
    """It names what it looked at, and does not fail for advice."""
    result = trivet("doctor")
    for what in ("Python", "SQLite", "postgres", "open files", "disk", "data folder"):
        assert what in result.output
    assert result.exit_code == (1 if "bad" in result.output else 0)


def test_the_page_on_api_metrics_names_every_family() -> None:
    """So that nobody has to read the source to serve them."""
    page = (ROOT / "docs" / "api-metrics.md").read_text()
    for metric in vars(api_metrics).values():
        if isinstance(metric, Metric):
            assert f"`{metric.name}`" in page
            assert all(f"`{label}`" in page for label in metric.labels)
