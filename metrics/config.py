"""The config file: TOML in, typed settings out, or every mistake at once.

ConfigError   carries all problems found; each says where, what was expected and the nearest valid word

The types of ``[[source]]`` blocks are given by the doors, so that this module knows no collector.
"""

import difflib
import math
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from metrics.alerting import Alerting, Tuning
from metrics.duration import seconds
from metrics.target import Bounds

DEFAULT_PATH = Path("trivet.toml")
LEAST_TOKEN = 16
# No account in it: it would be told in every message.
_URL = r"^https?://[^\s/?#@]+(/[^\s#?]*)?$"


class Web(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[web]``: where the pages are served."""

    listen: Annotated[str, Meta(description="Address and port of the pages. Loopback only, until sign-in exists.")] = (
        "127.0.0.1:8600"
    )
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="Host names the pages answer to, beside the loopback ones.")
    ] = ()
    url_prefix: Annotated[
        str, Meta(description="Path under which a proxy serves the pages, such as /trivet.", pattern=r"^(/[\w.~-]+)*$")
    ] = ""
    external_url: Annotated[
        str, Meta(description="Address at which people reach the pages; without it messages hold no links.")
    ] = ""
    token: Annotated[
        str, Meta(description="Bearer token that POST /api/v1/events asks for; nobody may post when empty.")
    ] = ""
    token_file: Annotated[str, Meta(description="File that holds the token and nothing else.")] = ""

    def __post_init__(self) -> None:
        """Refuse a token that is given twice, or that can be guessed."""
        if self.token and self.token_file:
            raise ValueError("token and token_file are both set: one of them is enough")
        if self.token and len(self.token) < LEAST_TOKEN:
            raise ValueError(f"the token is shorter than {LEAST_TOKEN} characters: `openssl rand -hex 24` makes one")


class Keep(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[store]``: where samples are kept and for how long."""

    folder: Annotated[str, Meta(description="Folder of the two data files, relative to this file.")] = "var/data"
    keep: Annotated[str, Meta(description="How long samples are kept as they came, such as 30d.")] = "30d"
    keep_10m: Annotated[str, Meta(description="How long one value per 10 minutes is kept.")] = "1y"
    keep_1h: Annotated[str, Meta(description="How long one value per hour is kept.")] = "5y"
    max_size: Annotated[
        str, Meta(description="Size at which the oldest samples go earlier, such as 10GB; no limit when empty.")
    ] = ""

    def __post_init__(self) -> None:
        """Refuse a length or a size that is none."""
        for length in (self.keep, self.keep_10m, self.keep_1h):
            seconds(length)
        self.most_bytes()

    def most_bytes(self) -> int:
        """``max_size`` in bytes; 0 is no limit.

        >>> Keep(max_size="10GB").most_bytes(), Keep(max_size="512MiB").most_bytes(), Keep().most_bytes()
        (10000000000, 536870912, 0)
        """
        if not self.max_size:
            return 0
        found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([kMGT]i?)?B", self.max_size)
        if not found:
            raise ValueError(f'max_size = "{self.max_size}" is no size: write 500MB, 10GB or 2TB')
        prefix = found[2] or ""
        base = 1024.0 if prefix.endswith("i") else 1000.0
        power = " kMGT".index(prefix[:1] or " ")
        return round(float(found[1]) * math.pow(base, power))


class Remote(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[remote]]``: an engine that speaks Prometheus, beside the local store or instead of it."""

    name: Annotated[str, Meta(description="What messages call it. Unique.", pattern=r"^[\w.-]{1,60}$")]
    mode: Annotated[
        Literal["beside", "instead"],
        Meta(description="beside: the local store stays the truth; instead: pages read the engine."),
    ] = "beside"
    write_url: Annotated[str, Meta(description="Where it takes remote writes, path included.", pattern=_URL)]
    read_url: Annotated[
        str, Meta(description="What stands before /api/v1/query; needed with mode = instead.", pattern=f"^$|{_URL}")
    ] = ""
    headers: Annotated[dict[str, str], Meta(description="Headers of every request, such as a tenant's.")] = {}
    labels: Annotated[
        dict[str, str], Meta(description="Labels of every series there, which tell several Trivets apart.")
    ] = {}
    user: Annotated[str, Meta(description="Account for basic authentication.")] = ""
    password: Annotated[str, Meta(description="Its password; better ${NAME} from the environment than in clear.")] = ""
    password_file: Annotated[str, Meta(description="File that holds the password and nothing else.")] = ""
    token: Annotated[str, Meta(description="Bearer token; better ${NAME} from the environment than in clear.")] = ""
    token_file: Annotated[str, Meta(description="File that holds the token and nothing else.")] = ""
    ca_file: Annotated[str, Meta(description="File of the certificate authorities to trust.")] = ""
    timeout: Annotated[str, Meta(description="When a request is cut off.")] = "10s"
    backfill: Annotated[
        str, Meta(description="How much of the local history a remote gets when it is new; beside only.")
    ] = "0s"
    spool: Annotated[
        int, Meta(description="MiB of polls that may wait on disk while it is down; instead only.", ge=1)
    ] = 256

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        seconds(self.backfill)
        if not 0 < seconds(self.timeout) <= 300:
            raise ValueError(f'timeout = "{self.timeout}": expected more than nothing and at most 5m')
        if self.mode == "instead" and not self.read_url:
            raise ValueError("mode = instead needs read_url: pages are drawn from there")
        if (self.user or self.password or self.password_file) and (self.token or self.token_file):
            raise ValueError("a user with a password, or a token: not both")
        if (self.password and self.password_file) or (self.token and self.token_file):
            raise ValueError("a secret, or the file that holds it: not both")
        for name in self.labels:
            if not re.fullmatch(r"[a-zA-Z_]\w*", name, re.ASCII) or name in ("source", "__name__"):
                raise ValueError(f"labels.{name}: expected letters, digits and underscores, and not source")
        if any(set("\r\n") & set(name + value) for name, value in self.headers.items()):
            raise ValueError("headers are one line each")


SECTIONS: Mapping[str, type[Struct]] = {"web": Web, "store": Keep, "alerts": Alerting}
LISTS: tuple[str, ...] = ("source", "remote", "channel", "alert")
"""What is written with double brackets: there may be several."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the key's path in the file, its line where it can be had, and what is wrong."""

    file: str
    key: str
    text: str
    line: int | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.text}" if self.key else f"{place}: {self.text}"


class ConfigError(Exception):
    """The file cannot be used as it is."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """All that was found, in the file's order."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Config:
    """What the file says; ``sources`` and ``channels`` are of the types that the doors gave."""

    sources: tuple[Any, ...] = ()
    web: Web = field(default_factory=Web)
    store: Keep = field(default_factory=Keep)
    remotes: tuple[Remote, ...] = ()
    alerts: Alerting = field(default_factory=Alerting)
    channels: tuple[Any, ...] = ()
    tunings: tuple[Tuning, ...] = ()
    base: Path = Path()

    @property
    def folder(self) -> Path:
        """The data folder."""
        return (self.base / self.store.folder).resolve()

    @property
    def bounds(self) -> Bounds:
        """The bounds that sources set for themselves."""
        return Bounds({source.name: dict(source.bounds) for source in self.sources})


def load(
    path: Path,
    types: Mapping[str, type[Struct]],
    targets: Mapping[str, Collection[str]],
    environ: Mapping[str, str] = os.environ,
    channels: Mapping[str, type[Struct]] | None = None,
    rules: Collection[str] = (),
) -> Config:
    """Read a file.

    types     the Struct of each kind of source
    targets   the names that ``bounds`` may set, by kind of source
    channels  the Struct of each kind of channel
    rules     the names of the rules that [[alert]] may speak of
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [Problem(str(path), "", f"cannot be read: {getattr(error, 'strerror', None) or error}")]
        ) from None
    return parse(text, types, targets, environ, path, channels, rules)


def parse(
    text: str,
    types: Mapping[str, type[Struct]],
    targets: Mapping[str, Collection[str]],
    environ: Mapping[str, str] = os.environ,
    path: Path = DEFAULT_PATH,
    channels: Mapping[str, type[Struct]] | None = None,
    rules: Collection[str] = (),
) -> Config:
    """The same from a text; ``path`` names it in errors and is what folders are relative to."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+)", str(error))
        message = f"is no valid TOML: {error}"
        raise ConfigError([Problem(str(path), "", message, int(found[1]) if found else None)]) from None
    reader = _Reader(path, text, environ)
    config = reader.config(tables, types, targets)
    if reader.readable(tables):
        config = reader.alerting(config, tables, channels or {}, rules)
    if reader.problems:
        raise ConfigError(sorted(reader.problems, key=lambda problem: problem.line or 0))
    return config


def nearest(word: str, valid: Iterable[str]) -> str:
    """A hint at what may have been meant.

    >>> nearest("intervall", ["interval", "user"])
    ' (did you mean "interval"?)'
    """
    close = difflib.get_close_matches(word, list(valid), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


class _Reader:
    """Collects problems on the way instead of stopping at the first."""

    def __init__(self, path: Path, text: str, environ: Mapping[str, str]) -> None:
        self.file = str(path)
        self.base = path.absolute().parent
        self.environ = environ
        self.problems: list[Problem] = []
        self._lines = dict(_lines(text))

    def wrong(self, key: str, text: str) -> None:
        line = self._lines.get(key) or self._lines.get(key.rsplit(".", 1)[0])
        self.problems.append(Problem(self.file, key, text, line))

    def config(
        self,
        tables: Mapping[str, Any],
        types: Mapping[str, type[Struct]],
        targets: Mapping[str, Collection[str]],
    ) -> Config:
        valid = [*LISTS, *SECTIONS]
        for key in tables.keys() - set(valid):
            self.wrong(key, f"is no section: expected {', '.join(valid)}{nearest(key, valid)}")
        sections = {
            name: self.struct(name, tables[name], wanted) for name, wanted in SECTIONS.items() if name in tables
        }
        blocks = self.blocks("source", tables)
        sources = [self.source(f"source[{i}]", block, types, targets) for i, block in enumerate(blocks)]
        known = {name: section for name, section in sections.items() if section is not None}
        known["remotes"] = self.remotes(tables)
        return Config(tuple(source for source in sources if source is not None), base=self.base, **known)

    def blocks(self, name: str, tables: Mapping[str, Any]) -> list[Any]:
        blocks = tables.get(name, [])
        if not isinstance(blocks, list):
            self.wrong(name, f"expected [[{name}]] with double brackets: there may be several")
            return []
        self.unique(name, blocks)
        return blocks

    def remotes(self, tables: Mapping[str, Any]) -> tuple[Remote, ...]:
        blocks = self.blocks("remote", tables)
        found = [self.struct(f"remote[{i}]", block, Remote) for i, block in enumerate(blocks)]
        remotes = tuple(remote for remote in found if remote is not None)
        if len(remotes) > 1 and any(remote.mode == "instead" for remote in remotes):
            # Others would have to be fed from a local store that is not there.
            self.wrong("remote[0].mode", "with mode = instead there is one remote and no other")
        return remotes

    def readable(self, tables: Mapping[str, Any]) -> bool:
        """Whether the blocks are blocks."""
        return all(isinstance(tables.get(name, []), list) for name in LISTS)

    def alerting(
        self, config: Config, tables: Mapping[str, Any], types: Mapping[str, type[Struct]], rules: Collection[str]
    ) -> Config:
        """The same with channels and what is different for single rules."""
        blocks = self.blocks("channel", tables)
        channels = [self.tagged(f"channel[{i}]", block, types) for i, block in enumerate(blocks)]
        names = [block.get("name") for block in blocks if isinstance(block, dict)]
        found = [self.struct(f"alert[{i}]", block, Tuning) for i, block in enumerate(tables.get("alert", []))]
        sources = [source.name for source in config.sources]
        for i, tuning in enumerate(found):
            if tuning is not None:
                self.known(f"alert[{i}].rule", tuning.rule, rules, "rule")
                self.known(f"alert[{i}].source", tuning.source, sources, "[[source]]")
                for name in tuning.channels or ():
                    self.known(f"alert[{i}].channels", name, names, "[[channel]]")
        for i, source in enumerate(config.sources):
            for name in getattr(source, "behind", ()):
                self.known(f"source[{i}].behind", name, sources, "[[source]]")
        self.known("alerts.escalate_to", config.alerts.escalate_to, names, "[[channel]]")
        for i, channel in enumerate(channels):
            self.known(f"channel[{i}].fallback", getattr(channel, "fallback", ""), names, "[[channel]]")
        return replace(
            config,
            channels=tuple(channel for channel in channels if channel is not None),
            tunings=tuple(tuning for tuning in found if tuning is not None),
        )

    def known(self, key: str, name: str, valid: Collection[Any], of: str) -> None:
        """Something that is named has to be there."""
        words = [str(word) for word in valid]
        if name and name not in words:
            self.wrong(key, f'"{name}" is no {of}: expected one of {", ".join(sorted(words))}{nearest(name, words)}')

    def tagged(self, path: str, block: object, types: Mapping[str, type[Struct]]) -> Struct | None:
        """A block whose kind says which type it is of."""
        if not isinstance(block, dict):
            self.wrong(path, "expected a table")
            return None
        kinds, kind = ", ".join(sorted(types)), block.get("kind")
        if kind is None:
            self.wrong(f"{path}.kind", f"is missing: expected one of {kinds}")
            return None
        if kind not in types:
            self.wrong(f"{path}.kind", f'"{kind}" is unknown: expected one of {kinds}{nearest(str(kind), types)}')
            return None
        found: Struct | None = self.struct(path, {k: v for k, v in block.items() if k != "kind"}, types[kind])
        return found

    def source(
        self, path: str, block: object, types: Mapping[str, type[Struct]], targets: Mapping[str, Collection[str]]
    ) -> Struct | None:
        kind = block.get("kind") if isinstance(block, dict) else None
        if not isinstance(block, dict) or kind not in types:
            return self.tagged(path, block, types)
        bounds = block.get("bounds")
        for name in bounds if isinstance(bounds, dict) else ():
            if name not in targets.get(str(kind), ()):
                valid = sorted(targets.get(str(kind), ()))
                self.wrong(
                    f"{path}.bounds.{name}",
                    f"is no target of {kind}: expected one of {', '.join(valid)}{nearest(name, valid)}",
                )
        return self.tagged(path, block, types)

    def struct(self, path: str, table: object, wanted: type[Struct]) -> Any:
        if not isinstance(table, dict):
            self.wrong(path, f"expected a table: [{path}]")
            return None
        before = len(self.problems)
        fields = {info.encode_name: info for info in msgspec.structs.fields(wanted)}
        for key in table.keys() - fields.keys():
            self.wrong(
                f"{path}.{key}", f"is no setting here: expected one of {', '.join(fields)}{nearest(key, fields)}"
            )
        for key in [name for name, info in fields.items() if info.required and name not in table]:
            self.wrong(f"{path}.{key}", "is missing")
        table = {key: self.placed(key, self.filled(f"{path}.{key}", value)) for key, value in table.items()}
        for key in [key for key in fields if key in table]:
            self.checked(f"{path}.{key}", table[key], fields[key].type)
        if len(self.problems) > before:
            return None
        try:
            return msgspec.convert({**table, **_tag(wanted)}, wanted)
        except msgspec.ValidationError as error:
            text, _, _ = str(error).partition(" - at `$")
            self.wrong(path, text)
            return None

    def checked(self, key: str, value: object, wanted: Any) -> None:
        try:
            msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            text = str(error).replace("`", "").replace(" - at $", " at ")
            unknown = re.search(r"unknown field `(\w+)`", str(error))
            hint = nearest(unknown[1], _keys(wanted)) if unknown else ""
            self.wrong(key, text[0].lower() + text[1:] + hint)

    def filled(self, key: str, value: Any) -> Any:
        """The value with ${NAME} replaced from the environment, also inside lists and tables."""
        if isinstance(value, dict):
            return {name: self.filled(f"{key}.{name}", inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self.filled(key, inner) for inner in value]
        if not isinstance(value, str):
            return value
        for name in re.findall(r"\$\{(\w+)\}", value):
            if name not in self.environ:
                self.wrong(key, f"the environment has no {name}")
        return re.sub(r"\$\{(\w+)\}", lambda found: self.environ.get(found[1], ""), value)

    def placed(self, key: str, value: Any) -> Any:
        """Paths of files as seen from the config file's folder."""
        return str(self.base / value) if key.endswith("_file") and isinstance(value, str) and value else value

    def unique(self, of: str, blocks: Sequence[object]) -> None:
        seen: dict[str, int] = {}
        for i, block in enumerate(blocks):
            name = block.get("name") if isinstance(block, dict) else None
            if isinstance(name, str) and seen.setdefault(name, i) != i:
                self.wrong(f"{of}[{i}].name", f'"{name}" is taken by {of}[{seen[name]}]: names are unique')


def _keys(kind: Any) -> Iterator[str]:
    """The keys of all tables that a type has within it."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield from (info.encode_name for info in msgspec.structs.fields(kind))
    for inner in get_args(kind):
        yield from _keys(inner)


def _tag(wanted: type[Struct]) -> dict[str, str]:
    config = wanted.__struct_config__
    return {config.tag_field: str(config.tag)} if config.tag_field else {}


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Where each key of the common layout stands: tables by header, one ``key = value`` a line."""
    table, counts = "", dict.fromkeys(LISTS, -1)
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*(\[\[?)\s*([\w.\-\" ]+?)\s*\]", line):
            name = header[2].replace('"', "").replace(" ", "")
            first, dot, rest = name.partition(".")
            if first in counts:
                counts[first] += header[1] == "[["
                first = f"{first}[{counts[first]}]" if counts[first] >= 0 else first
            table = first + dot + rest
            yield table, number
        elif key := re.match(r"\s*([\w\-\"]+(?:\s*\.\s*[\w\-\"]+)*)\s*=", line):
            name = key[1].replace('"', "").replace(" ", "")
            yield (f"{table}.{name}" if table else name), number
