"""`python -m benchmarks.collecting.child CONFIG [--quick]`: `trivet collect` as it is, or ten times as quick.

With --quick the slower tiers come as often between the polls as they do at an interval of 10 s: every sixth poll asks
for tables and statements as well. And dear polls are not made less often. Else a figure would take many minutes.
"""

import importlib
import sys
from pathlib import Path

from collectors import pace
from collectors.kinds import source_types
from commands import house
from commands.collect import collect

USUAL = 10.0


def hurry(share: float) -> None:
    """All tiers in a share of their time. The hourly one comes once, before anything is measured."""
    pace.DEAR = float("inf")
    for kind in source_types():
        module = importlib.import_module(f"collectors.{kind}.collector")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "tiers"):
                value.tiers = {tier: least * share for tier, least in value.tiers.items()}


if __name__ == "__main__":
    if "--quick" in sys.argv:
        hurry(house.read(Path(sys.argv[1])).sources[0].every / USUAL)
    collect(["--config", sys.argv[1]])
