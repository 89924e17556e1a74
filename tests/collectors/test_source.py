from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from collectors.kinds import source_types
from collectors.source import Source, secret

ENOUGH: dict[str, dict[str, Any]] = {
    "api": {"url": "http://127.0.0.1:8000/metrics"},
    "pgbouncer": {"user": "trivet"},
    "postgres": {"user": "trivet"},
    "redis": {},
}


def made(kind: str, **settings: Any) -> Source:
    return msgspec.convert({"kind": kind, "name": "x", **ENOUGH[kind], **settings}, source_types()[kind])


def test_there_is_a_kind_for_each_folder() -> None:
    assert set(source_types()) == {"api", "pgbouncer", "postgres", "redis"}


@pytest.mark.parametrize("kind", ENOUGH)
def test_every_field_is_described(kind: str) -> None:
    for name, hint in get_type_hints(source_types()[kind], include_extras=True).items():
        if not name.startswith("__"):
            (meta,) = [each for each in get_args(hint) if isinstance(each, msgspec.Meta) and each.description]
            assert meta.description is not None
            assert meta.description.endswith(".")


@pytest.mark.parametrize("kind", ENOUGH)
def test_few_fields_are_enough(kind: str) -> None:
    source = made(kind)
    assert (source.kind, source.every, source.limit) == (kind, 10, 8)


@pytest.mark.parametrize(("interval", "limit"), [("5s", 4), ("10s", 8), ("1m", 8)])
def test_the_deadline_follows_from_the_interval(interval: str, limit: float) -> None:
    assert made("redis", interval=interval).limit == limit


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("redis", {"interval": "soon"}, "no length of time"),
        ("redis", {"interval": "500ms"}, "at least 1s"),
        ("redis", {"interval": "5s", "deadline": "6s"}, "no more than the interval"),
        ("redis", {"password": "a", "password_file": "b"}, "both set"),
        ("redis", {"user": "trivet"}, "without password"),
        ("redis", {"ca_file": "x"}, "need tls"),
        ("redis", {"port": 0}, ">= 1"),
        ("postgres", {"password": "a", "password_file": "b"}, "both set"),
        ("postgres", {"sslmode": "perhaps"}, "Invalid enum value"),
        ("postgres", {"databse": "x"}, "databse"),
        ("api", {"url": "ftp://x"}, "matching regex"),
        ("api", {"url": "http://user:password@x/"}, "matching regex"),
    ],
)
def test_mistakes_are_refused(kind: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        made(kind, **settings)


def test_secrets_are_not_shown() -> None:
    shown = repr(made("postgres", password="hunter2"))
    assert "hunter2" not in shown
    assert "user='trivet'" in shown


def test_a_secret_is_read_from_its_file_each_time(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one\n")
    assert secret("", str(file)) == "one"
    file.write_text(" two ")
    assert secret("", str(file)) == " two "
