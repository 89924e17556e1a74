"""Settings of the server."""

from collectors.postgres.declare import gauge
from metrics.model import BEYOND_COUNT
from metrics.poll import Tier
from metrics.reading import Reading

setting = gauge(
    "pg_setting",
    "A setting that is a number, in seconds or bytes where it has a unit, or a switch: 1 for on.",
    ("setting", "unit"),
    least=-BEYOND_COUNT,
    note="What a new session of our role would have. -1 stays -1: it mostly means off, or as "
    "another setting says. Modes of files are as they are written: 700 is 0700.",
)
choice = gauge("pg_setting_choice", "Always 1; what a setting of several words is set to.", ("setting", "value"))
pending = gauge("pg_settings_pending_restart", "Settings that were changed in a file and need a restart.")
SETTINGS = Reading(
    "settings",
    tier=Tier.SLOW,
    view="pg_settings",
    labels={"name": "setting", "base": "unit"},
    columns={"number": setting},
    omitted={
        "reset_val": "taken where our own session has set something",
        "category": "no measure",
        "*_desc": "no measure",
        "context": "no measure",
        "source*": "no measure",
        "min_val": "no measure",
        "max_val": "no measure",
        "boot_val": "no measure",
    },
)
"""Those that changed since are told in the medium tier too, until the hour is over."""

CHOICES = Reading(
    "settings_choices",
    tier=Tier.SLOW,
    view="pg_settings",
    labels={"name": "setting", "value": "value"},
    columns={"one": choice},
)
PENDING = Reading("settings_pending", tier=Tier.MEDIUM, view="pg_settings", columns={"pending": pending})
