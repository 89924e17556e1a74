"""The declarations as a document: one chapter for each kind of source."""

from collections.abc import Iterable, Iterator, Sequence

from collectors.api.presets import PRESETS
from metrics.handbook import Chapter, Derived, Fate, Origin, Other, Statement, Told, names

TITLES = {
    "api": "API",
    "pgbouncer": "PgBouncer",
    "postgres": "PostgreSQL",
    "redis": "Redis and Valkey",
    "trivet": "Trivet's own",
}
HEAD = """\
# Every metric, and every column that a server gives

Made from the declarations by `trivet metrics > docs/metrics.md`; a test holds the two against each other. Units are
base units. *fast* is every interval, *medium* about every minute, *slow* every hour. A counter is stored as the server
gives it; every ratio is the change of its part over the change of its whole in the window asked for (Δ).
"""


def markdown(given: Sequence[Chapter]) -> Iterator[str]:
    """The lines of the document."""
    yield HEAD
    for chapter in given:
        title = TITLES.get(chapter["kind"], chapter["kind"])
        yield f"## {title}\n"
        yield f"### Metrics of {title}\n"
        yield from _metrics(chapter)
        if chapter["kind"] == "api":
            yield from _presets()
        if chapter["forms"]:
            yield f"### What is made of them: {title}\n"
            yield from _table(("form", "what it is", "arithmetic", "unit, by", "target"), map(_form, chapter["forms"]))
        for statement in chapter["statements"]:
            yield from _statement(statement)
        if chapter["aliases"]:
            yield f"### Under the names of another exporter: /metrics/{chapter['kind']}\n"
            rows = (
                (
                    _code(alias["name"]),
                    alias["kind"],
                    _reckoned(alias),
                    names(alias["labels"]),
                    ", ".join(f"{label} {value}" for label, value in alias["where"].items()),
                )
                for alias in chapter["aliases"]
            )
            yield from _table(("theirs", "kind", "ours", "labels: ours → theirs", "of series with"), rows)
        if chapter["left_out"]:
            yield "What that exporter gives, by default or to those who ask, and we leave out, in whole or in part:\n"
            yield from _table(("theirs", "why"), ((_code(name), why) for name, why in chapter["left_out"].items()))


def _metrics(chapter: Chapter) -> Iterator[str]:
    rows = (
        (
            _code(metric["name"]),
            metric["kind"],
            metric["unit"],
            ", ".join(metric["labels"]),
            _origins(chapter["kind"], metric),
            " ".join(filter(None, (metric["help"], f"*Misleading:* {metric['note']}" if metric["note"] else ""))),
        )
        for metric in chapter["metrics"]
    )
    yield from _table(("metric", "kind", "unit", "labels", "from", "what it is"), rows)


def _origins(kind: str, metric: Told) -> str:
    if not metric["origins"]:
        return "the page, by its name" if kind == "api" else "the collector"
    return "; ".join(dict.fromkeys(map(_origin, metric["origins"])))


def _presets() -> Iterator[str]:
    yield "### Under other people's names: API\n"
    rows = (
        (
            preset,
            _code(rule.of) + (f" × {rule.scale:g}" if rule.scale != 1 else ""),
            _code(rule.into.name),
            ", ".join(f"{ours} ← {theirs}" for ours, theirs in rule.labels.items()),
            ", ".join(f"{label} {test}" for label, test in rule.where.items()),
        )
        for preset, rules in PRESETS.items()
        for rule in rules
    )
    yield from _table(("preset", "theirs", "ours", "labels", "of series with (! is not)"), rows)


def _origin(origin: Origin) -> str:
    versions = f" ({origin['versions']})" if origin["versions"] else ""
    scale = f" × {origin['scale']:g}" if origin["scale"] != 1 else ""
    return f"{origin['statement']}: {_code(origin['column'])}{scale}{versions}"


def _reckoned(alias: Other) -> str:
    """How their value is made of ours; one that does not depend on it stands in where no other has a sample."""
    if alias["scale"] == 0:
        return f"{alias['offset']:g} where {_code(alias['of'])} is and no other"
    scale = f" × {alias['scale']:g}" if alias["scale"] != 1 else ""
    return _code(alias["of"]) + scale + (f" + {alias['offset']:g}" if alias["offset"] else "")


def _form(form: Derived) -> tuple[str, ...]:
    by = f", by {', '.join(form['by'])}" if form["by"] else ""
    return _code(form["name"]), form["help"], _code(form["formula"]), form["unit"] + by, form["target"]


def _statement(statement: Statement) -> Iterator[str]:
    view = f" of {statement['view']}" if statement["view"] not in ("", statement["statement"]) else ""
    versions = f", {statement['versions']}" if statement["versions"] else ""
    yield f"### {_text(statement['statement'] + view)}\n"
    taken = any(fate["becomes"] or fate["label"] for fate in statement["columns"])
    yield f"Asked {' and '.join(statement['every'])}{versions}.\n" if taken else "Not asked for itself.\n"
    yield from _table(("column", "what becomes of it"), map(_fate, statement["columns"]))


def _fate(fate: Fate) -> tuple[str, str]:
    parts = [_code(name) for name in fate["becomes"]]
    if fate["versions"]:
        parts[-1:] = [f"{parts[-1]} ({fate['versions']})"] if parts else []
    parts += [f"the label {fate['label']}"] if fate["label"] else []
    parts += [f"rows with {fate['passed_over']} are passed over"] if fate["passed_over"] else []
    parts += [f"not taken here: {fate['left']}"] if fate["left"] else []
    return _code(fate["column"]), "; ".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(map(_text, row))} |"
    yield ""


def _code(text: str) -> str:
    return f"`{text}`"


def _text(text: str) -> str:
    """A cell, whose bars and line ends would begin another; outside of code, a sign that would begin a tag."""
    pieces = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(piece if n % 2 else piece.replace("<", "&lt;") for n, piece in enumerate(pieces))
