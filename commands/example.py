"""The commented config file, made of the types that read it, so that it cannot fall behind them."""

import textwrap
from typing import Annotated, Any, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from alerts.channel import Channel, channel_types
from collectors.kinds import source_types
from commands.house import catalog, target_names
from metrics.alerting import Tuning
from metrics.config import SECTIONS, Remote
from metrics.forms import Form

WIDTH = 116
HEAD = """\
# What Trivet watches. `trivet check` tells what is wrong with this file and with the servers it names.
# A text may hold ${NAME}, which is taken from the environment. Files are relative to this one.
# What is commented out shows the default, or an example where there is none.
"""
REQUIRED = {
    "name": {"postgres": "main", "pgbouncer": "pooler", "redis": "cache", "api": "shop-api"},
    "user": {"postgres": "trivet", "pgbouncer": "trivet"},
    "url": {"api": "http://127.0.0.1:3000/metrics"},
}
OPTIONAL = {"tags": '{ environment = "production" }', "password_file": '"/etc/trivet/password"'}
REMOTE = {
    "name": '"central"',
    "write_url": '"http://127.0.0.1:8428/api/v1/write"',
    "read_url": '"http://127.0.0.1:8428"',
}
CHANNEL = {
    "name": '"on-call"',
    "url": '"https://hooks.example.com/…"',
    "host": '"mail.example.com"',
    "sender": '"trivet@example.com"',
    "to": '["on-call@example.com"]',
    "schemes": '["ntfys"]',
    "chat": '"-1001234567890"',
}
ALERT = {"rule": '"redis_hit_rate"', "source": '"cache"', "hold": '"5m"', "severity": '"critical"'}
ORDER = ("postgres", "pgbouncer", "redis", "api")


def text() -> str:
    """The whole file: every section and kind with every key."""
    kinds = source_types()
    ordered = sorted(kinds, key=lambda kind: ORDER.index(kind) if kind in ORDER else len(ORDER))
    blocks = [
        HEAD,
        *(_section(name, kind) for name, kind in SECTIONS.items()),
        *_channels(),
        _alert(),
        _remote(),
        *(_source(k, kinds[k]) for k in ordered),
    ]
    return "\n".join(blocks)


def _section(name: str, kind: type[Struct]) -> str:
    keys = "".join(_key(info, _default(info), True) for info in msgspec.structs.fields(kind))
    return f"[{name}]\n{keys}"


def _channels() -> list[str]:
    """One block for each kind, all of it commented out; what every kind has stands in the first."""
    blocks: list[str] = []
    for kind, struct in sorted(channel_types().items(), key=lambda each: (each[0] != "webhook", each[0])):
        shared = {info.name for info in msgspec.structs.fields(Channel)} - {"name"}
        infos = [info for info in msgspec.structs.fields(struct) if not blocks or info.name not in shared]
        infos.sort(key=lambda info: not info.required)
        about = (struct.__doc__ or "").splitlines()[0]
        keys = "".join(_key(info, CHANNEL[info.name] if info.required else _default(info), True) for info in infos)
        blocks.append(f'# [[channel]]\n# {about}\n# kind = "{kind}"\n{keys}')
    return blocks


def _alert() -> str:
    about = (Tuning.__doc__ or "").partition(": ")[2]
    keys = "".join(_key(info, ALERT.get(info.name) or _default(info), True) for info in msgspec.structs.fields(Tuning))
    return f"# [[alert]]\n# {about[:1].upper()}{about[1:]}\n{keys}"


def _remote() -> str:
    """All of it commented out: most have none."""
    about = (Remote.__doc__ or "").partition(": ")[2]
    keys = "".join(
        _key(info, REMOTE.get(info.name) or _default(info), True)
        for info in sorted(msgspec.structs.fields(Remote), key=lambda info: not info.required)
    )
    return f"# [[remote]]\n# {about[:1].upper()}{about[1:]} docs/scaling.md\n{keys}"


def _source(kind: str, struct: type[Struct]) -> str:
    about = textwrap.fill((struct.__doc__ or "").splitlines()[0], 100, initial_indent="# ", subsequent_indent="# ")
    lines = ["[[source]]", about, f'kind = "{kind}"', ""]
    body = "\n".join(lines)
    for info in sorted(msgspec.structs.fields(struct), key=lambda info: not info.required):
        if info.name == "bounds":
            continue
        given = REQUIRED.get(info.name, {}).get(kind)
        value = f'"{given}"' if given else OPTIONAL.get(info.name) or _default(info)
        body += _key(info, value, given is None)
    return body + _bounds(kind)


def _key(info: msgspec.structs.FieldInfo, value: str, optional: bool) -> str:
    assignment = f"{'# ' if optional else ''}{info.encode_name} = {value}"
    about = _description(info.type)
    beside = f"{assignment:<32} # {about}"
    if len(beside) <= WIDTH:
        return f"{beside}\n"
    above = textwrap.fill(about, WIDTH, initial_indent="# ", subsequent_indent="# ")
    return f"{above}\n{assignment}\n"


def _description(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        found = [extra.description for extra in get_args(kind)[1:] if isinstance(extra, Meta) and extra.description]
        return found[-1] if found else _description(get_args(kind)[0])
    return ""


def _default(info: msgspec.structs.FieldInfo) -> str:
    value = info.default_factory() if info.default is msgspec.NODEFAULT and not info.required else info.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return '""' if value is None else str(value)


def _bounds(kind: str) -> str:
    lines = ["# Bounds in place of the built-in ones, in base units (seconds, shares of 1).", "# [source.bounds]"]
    for name in target_names().get(kind, []):
        lines.append(f"# {name} = {_bound(catalog().forms[name]):<8g} # {catalog().forms[name].help}")
    return "\n".join(lines) + "\n"


def _bound(form: Form) -> float:
    return form.target.bound if form.target else 0.0
