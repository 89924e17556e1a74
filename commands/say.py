"""Words to the person at the terminal: progress to stderr, results to stdout, and one clear sentence at the end.

Stop           it failed, exit code 1
├── Misused    wrong usage or config, 2
└── Busy       another process does this already, 75 (EX_TEMPFAIL of sysexits.h)
"""

import sys
import time

import click


def say(line: str) -> None:
    """One line of progress, with the time when nobody is watching a terminal."""
    stamp = "" if sys.stderr.isatty() else time.strftime("%H:%M:%S ")
    click.echo(f"{stamp}{line}", err=True)


class Stop(click.ClickException):
    """Ends the command with one clear sentence and an exit code, never a traceback."""

    exit_code = 1


class Misused(Stop):
    """The command or the config file has to be changed."""

    exit_code = 2


class Busy(Stop):
    """Another process holds what this one needs."""

    exit_code = 75
