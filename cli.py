"""`trivet`: the command line. One file per command in commands/."""

import importlib
import pkgutil

import click

import commands


class Found(click.Group):
    """The commands are the modules of commands/ that hold a click command of their own name; loaded when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer needs them."""
        order = ["run", "init", "check", "collect", "alert", "web", "alerts", "silence", "export", "event", "metrics"]
        order += ["store", "doctor"]
        found = [info.name for info in pkgutil.iter_modules(commands.__path__) if self.get_command(ctx, info.name)]
        return sorted(found, key=lambda name: (order.index(name) if name in order else len(order), name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        try:
            module = importlib.import_module(f"commands.{cmd_name}")
        except ModuleNotFoundError as error:
            if error.name != f"commands.{cmd_name}":
                raise
            return None
        found = getattr(module, cmd_name, None)
        return found if isinstance(found, click.Command) else None


@click.group(cls=Found, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trivet", message="trivet %(version)s")
def main() -> None:
    """Watches PostgreSQL, PgBouncer, Redis and the API on top of them, and judges all four against targets.

    Without a trivet.toml, `trivet run` starts a reference stack and watches that. With one, it watches your servers.
    Exit codes: 0 done, 1 failed, 2 wrong usage or config, 75 another process does this already.
    """


if __name__ == "__main__":
    main()
