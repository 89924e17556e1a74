"""A row of INFO made into samples: planned once, and anew only when the server's fields are others."""

from dataclasses import replace

from collectors.redis.info import Fields
from collectors.round import Round
from metrics.reading import Column, Reading, Version


class Taker:
    """Remembers, for each reading, which fields its rows have. A field that is there counts, whatever the version."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._known: dict[str, tuple[tuple[str, ...], Reading]] = {}

    def take(self, round_: Round, reading: Reading, row: Fields, version: Version, *, few: bool = False) -> None:
        """Put the row into the round; what is missing or unknown is said when the fields have changed.

        few  no field has to be there: Sentinel has but some
        """
        names, known = tuple(row), self._known.get(reading.statement)
        if known is None or known[0] != names:
            self._anew(round_, _present(reading, row, version, few=few), row)
            self._known[reading.statement] = (names, _filled(reading, row))
        else:
            round_.samples += known[1].read([row])[0]

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


def _filled(reading: Reading, row: Fields) -> Reading:
    """The reading with the columns that hold a number in the row."""
    kept = {name: given for name, given in reading.columns.items() if name in row and _is_number(row[name])}
    return replace(
        reading, columns={name: replace(_column(given), since=(), before=None) for name, given in kept.items()}
    )


def _column(given: object) -> Column:
    return given if isinstance(given, Column) else Column(given)  # type: ignore[arg-type]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
