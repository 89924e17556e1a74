"""A row of INFO made into samples: planned once, and anew only when the server's fields are others."""

from collections.abc import Mapping
from dataclasses import replace

from collectors.redis.info import Fields
from collectors.round import Round
from metrics.model import Labels, Sample, labelled
from metrics.reading import Column, Reading, Version

Plan = list[tuple[str, str, Labels, float]]


class Taker:
    """Remembers, for each reading, which fields its rows have. A field that is there counts, whatever the version."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._known: dict[str, tuple[tuple[str, ...], Plan]] = {}

    def take(self, round_: Round, reading: Reading, row: Fields, version: Version, *, few: bool = False) -> None:
        """Put the row into the round; what is missing or unknown is said when the fields have changed.

        few  no field has to be there: Sentinel has but some
        """
        names, known = tuple(row), self._known.get(reading.statement)
        if known is None or known[0] != names:
            self._anew(round_, _present(reading, row, version, few=few), row)
            self._known[reading.statement] = (names, _plan(reading, row))
            return
        try:
            round_.samples += [
                Sample(metric, labels, float(row[name]) * scale) for name, metric, labels, scale in known[1]
            ]
        except ValueError:
            # A value that was a number and is none now: the slow way passes over it.
            self._anew(round_, _present(reading, row, version, few=few), row)

    def _anew(self, round_: Round, reading: Reading, row: Fields) -> None:
        round_.take(reading, [row])


def _present(reading: Reading, row: Fields, version: Version, *, few: bool) -> Reading:
    """The reading with the columns that the row has, and those that a server of this version should have."""
    kept = {
        name: replace(_column(given), since=(), before=None)
        for name, given in reading.columns.items()
        if name in row or (not few and _column(given).expected(version))
    }
    return replace(reading, columns=kept)


def _plan(reading: Reading, row: Mapping[str, str]) -> Plan:
    columns = ((name, _column(given)) for name, given in reading.columns.items())
    return [
        (name, column.metric.name, labelled(column.labels), column.scale)
        for name, column in columns
        if name in row and _is_number(row[name])
    ]


def _column(given: object) -> Column:
    return given if isinstance(given, Column) else Column(given)  # type: ignore[arg-type]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
