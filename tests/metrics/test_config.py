"""The config file: one file per rule; a bad one's first comment lines are the expected problems."""

from pathlib import Path
from typing import Annotated

import pytest
from msgspec import Meta, Struct

from metrics.config import Config, ConfigError, load, parse

HERE = Path(__file__).parent / "config"


class Cache(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag="cache"):
    """A kind of source for these tests."""

    name: str
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 6379
    password: str = ""
    tags: dict[str, str] = {}
    bounds: dict[str, float] = {}


TYPES = {"cache": Cache}
TARGETS = {"cache": ["hit_rate", "memory_use"]}
ENVIRON = {"CACHE_PASSWORD": "s3cret", "NAME": "x"}


@pytest.mark.parametrize("path", sorted(HERE.glob("*.good.toml")), ids=lambda path: path.stem)
def test_good_files_load(path: Path) -> None:
    """Each is a use that must go on working."""
    assert load(path, TYPES, TARGETS, ENVIRON).sources


@pytest.mark.parametrize("path", sorted(HERE.glob("*.bad.toml")), ids=lambda path: path.stem)
def test_bad_files_name_every_mistake(path: Path) -> None:
    """File, line, key, what was expected, and the nearest valid word; never a secret."""
    expected = [line[2:] for line in path.read_text().splitlines() if line.startswith("# ")]
    with pytest.raises(ConfigError) as caught:
        load(path, TYPES, TARGETS, ENVIRON)
    found = [str(problem).replace(str(path), path.name) for problem in caught.value.problems]
    assert found == expected
    assert "s3cret" not in str(caught.value)


def test_secrets_come_from_the_environment() -> None:
    """Anywhere in a text."""
    text = '[[source]]\nname = "a-${NAME}"\nkind = "cache"\npassword = "${CACHE_PASSWORD}"\n'
    (source,) = parse(text, TYPES, TARGETS, ENVIRON).sources
    assert (source.name, source.password) == ("a-x", "s3cret")


def test_bounds_are_by_source() -> None:
    """What evaluate is given."""
    text = '[[source]]\nname = "a"\nkind = "cache"\nbounds = { hit_rate = 0.9 }\n'
    assert parse(text, TYPES, TARGETS, ENVIRON).bounds.overrides == {"a": {"hit_rate": 0.9}}


def test_a_file_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    """No traceback."""
    with pytest.raises(ConfigError, match=r"trivet.toml: cannot be read: No such file"):
        load(tmp_path / "trivet.toml", TYPES, TARGETS)


def test_an_empty_file_is_a_config_without_sources() -> None:
    """Nothing is required at the top."""
    assert parse("", TYPES, TARGETS).sources == Config().sources == ()
