"""`trivet run`: Trivet on your servers, or on the reference stack when there is no config file."""

import os
import threading
from pathlib import Path

import click

from commands import house
from commands.cost import Cost, sentence
from commands.say import Busy, Stop, say
from commands.signals import Stopping
from commands.supervisor import Supervisor
from metrics.config import Config
from stack.native.ports import LOOPBACK, KeptPorts
from stack.native.process import ProcessError
from stack.native.server import FolderInUse, ServerError
from stack.native.tools import ToolMissing
from stack.reference import ReferenceStack

COST_EVERY = 10.0


@click.command()
@house.config_option(required=False, stack=False)
@click.option(
    "--traffic",
    type=click.Choice(["on", "off"]),
    default="on",
    show_default=True,
    help="Whether the reference stack is kept busy by k6.",
)
def run(config: Path | None, traffic: str) -> None:
    """Watch the servers of trivet.toml; without one, start the reference stack and watch that.

    The reference stack is PostgreSQL, PgBouncer, Redis, an API and k6 on loopback ports, with all data below var/.
    Ctrl-C stops everything that was started, and nothing else. A second run goes on with the same data.
    """
    stopping = Stopping()
    if config is not None:
        _watch(config, house.read(config), stopping, None)
        return
    say("There is no trivet.toml, so this is the reference stack. (`trivet init` writes one for your own servers.)")
    stack = ReferenceStack(house.HOME, say, traffic=traffic == "on")
    try:
        stack.start(stopping.is_set)
        path = house.STACK_CONFIG
        path.write_text(_reference(stack), encoding="utf-8")
        if not stopping.is_set():
            _watch(path, house.read(path), stopping, stack)
    except FolderInUse as error:
        raise Busy(str(error)) from None
    except (ServerError, ProcessError, ToolMissing) as error:
        raise Stop(str(error)) from None
    finally:
        _stop(stack)


def _stop(stack: ReferenceStack) -> None:
    """Says so only where something runs: who is refused would take it for the other's end."""
    ours = bool(stack.pids())
    if ours:
        say("Stopping …")
    stack.stop()
    if ours:
        say("Stopped.")


def _reference(stack: ReferenceStack) -> str:
    """The config file that watches the stack; the pages keep their port too, and wish for the usual one."""
    usual = int(Config().web.listen.rpartition(":")[2])
    port = KeptPorts(house.HOME / "stack" / "ports.json").port("web", usual)
    return f'{stack.config()}\n[store]\nfolder = "../data"\n\n[web]\nlisten = "{LOOPBACK}:{port}"\n'


def _watch(path: Path, config: Config, stopping: threading.Event, stack: ReferenceStack | None) -> None:
    _, port = house.check_address(config.web.listen)
    house.check_free(port)
    notice = config.folder / "notice.txt"
    env = {**os.environ, house.NOTICE_VARIABLE: str(notice)}
    supervisor = Supervisor(path.absolute(), config.folder / "logs", env, say)
    url = f"http://{config.web.listen}{config.web.url_prefix}"
    config.folder.mkdir(parents=True, exist_ok=True)
    cost = Cost()
    _tell(notice, stack, supervisor, cost)
    try:
        say("Starting collect, alert and web …")
        supervisor.start()
        supervisor.wait_ready(url, stopping)
        if not stopping.is_set():
            say("Ready. Ctrl-C stops everything.")
            click.echo(url + "/")
        while not stopping.wait(COST_EVERY):
            supervisor.tend()
            _tell(notice, stack, supervisor, cost)
    finally:
        supervisor.stop()
        notice.unlink(missing_ok=True)


def _tell(notice: Path, stack: ReferenceStack | None, supervisor: Supervisor, cost: Cost) -> None:
    """Write what the banner says; only the reference stack has one."""
    if stack is None:
        return
    shares = cost.look({**stack.pids(), **supervisor.pids()})
    known = f" {sentence(shares)}" if any(shares.values()) else ""
    load = " under k6's load" if "traffic" in shares else ""
    fresh = notice.with_suffix(".new")
    fresh.write_text(f"This is the reference stack{load} on this machine.{known}", encoding="utf-8")
    fresh.replace(notice)
