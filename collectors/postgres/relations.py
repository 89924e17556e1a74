"""Tables and indexes."""

from collections.abc import Sequence
from typing import ClassVar

from collectors.postgres import metrics, tables
from collectors.postgres.ask import Ask
from collectors.round import Round
from metrics.poll import Tier


class Relations:
    """Those of the source's database."""

    tiers: ClassVar[Sequence[Tier]] = (Tier.MEDIUM,)

    def read(self, round_: Round, ask: Ask) -> None:
        """Tables, what they say as a whole, and indexes."""
        rows = ask.take(round_, metrics.TABLES)
        round_.take(metrics.TABLES_STATE, tables.state(rows, in_recovery=ask.in_recovery), ask.version)
        ask.take(round_, metrics.INDEXES)
