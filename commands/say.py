"""Words to the person at the terminal: progress to stderr, results to stdout."""

import sys
import time

import click

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_BUSY = 75
"""EX_TEMPFAIL of sysexits.h: another process does this already."""


def say(line: str) -> None:
    """One line of progress, with the time when nobody is watching a terminal."""
    stamp = "" if sys.stderr.isatty() else time.strftime("%H:%M:%S ")
    click.echo(f"{stamp}{line}", err=True)


class Stop(click.ClickException):
    """Ends the command with one clear sentence and an exit code, never a traceback."""

    def __init__(self, message: str, exit_code: int = EXIT_FAILED) -> None:
        """What to print, and what to exit with."""
        super().__init__(message)
        self.exit_code = exit_code
