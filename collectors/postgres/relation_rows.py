"""Which tables and indexes have series of their own, and the rests of all others."""

from collections.abc import Mapping

from collectors.frame import Frame
from collectors.postgres import budget, metrics
from collectors.postgres import metrics_tables as more
from collectors.postgres.budget import Want
from collectors.postgres.listed import busiest, epoch
from collectors.postgres.metrics_indexes import INDEXES
from collectors.postgres.tables import kinds, measured
from collectors.rest import REST
from collectors.round import Round
from metrics.reading import Version

RANK = ("seq_tup_read", "idx_rows", "n_tup_ins", "n_tup_upd", "n_tup_del")
A_DATABASE = 32
"""Series that each database has whatever its tables: the rests of tables and indexes, its state and its sums."""


class Capped:
    """Three lists: tables with what targets are judged by, the fewer with all that is known, and indexes."""

    def __init__(self, max_series: int) -> None:
        """Nothing was seen yet."""
        self._series = budget.relations(max_series)
        self._tables = busiest(metrics.TABLES, RANK, levels=("n_dead_tup",))
        self._work = busiest(more.WORK, RANK, levels=("n_dead_tup",))
        self._indexes = busiest(INDEXES, ("idx_scan", "idx_tup_read"), urgent=("invalid",))

    def tell(self, round_: Round, version: Version, tables: Mapping[str, Frame], indexes: Mapping[str, Frame]) -> None:
        """Put the rows of all databases into the round."""
        self._share(version, tables, indexes)
        by_size = {name: kinds(name, frame) for name, frame in tables.items()}
        look = self._tables.look(tables, by_size)
        round_.take(metrics.TABLES, [measured(row) for row in look.rows(tables)], version)
        round_.left_out += look.left
        # One rest for the whole server: what is judged by database is in the list above.
        whole = {name: [(REST, REST, REST)] * len(frame) for name, frame in tables.items()}
        round_.take(more.WORK, self._work.look(tables, whole).rows(tables), version)
        by_database = {name: [(name, REST, REST, REST)] * len(frame) for name, frame in indexes.items()}
        look = self._indexes.look(indexes, by_database)
        round_.take(INDEXES, look.rows(indexes), version)
        round_.left_out += look.left
        mark = round_.epochs[metrics.EPOCH]
        round_.epochs[more.EPOCH] = epoch(mark, self._tables, self._work, self._indexes)

    def _share(self, version: Version, tables: Mapping[str, Frame], indexes: Mapping[str, Frame]) -> None:
        places, count = len(tables), sum(map(len, tables.values()))
        wants = {
            "tables": Want(count, metrics.TABLES.width(version), weight=2),
            "work": Want(count, more.WORK.width(version)),
            "indexes": Want(sum(map(len, indexes.values())), INDEXES.width(version)),
        }
        rows = budget.allot(self._series - places * A_DATABASE - more.WORK.width(version), wants)
        self._tables.most, self._work.most, self._indexes.most = rows["tables"], rows["work"], rows["indexes"]
