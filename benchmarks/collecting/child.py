"""`python -m benchmarks.collecting.child CONFIG [--all]`: `trivet collect` as it is, or so that each turn asks all.

With --all tables and statements are asked for at every turn, and dear polls are not made less often: else a figure
for one poll would take many minutes.
"""

import importlib
import sys

from collectors import pace
from collectors.kinds import source_types
from commands.collect import collect
from metrics.poll import Tier


def ask_all() -> None:
    """The medium tier with every turn. The hourly one stays hourly: it comes once, before anything is measured."""
    pace.DEAR = float("inf")
    for kind in source_types():
        module = importlib.import_module(f"collectors.{kind}.collector")
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "tiers"):
                value.tiers = {tier: least if tier is Tier.SLOW else 0.0 for tier, least in value.tiers.items()}


if __name__ == "__main__":
    if "--all" in sys.argv:
        ask_all()
    collect(["--config", sys.argv[1]])
