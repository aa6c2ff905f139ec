"""The command line, assembled from the entry points of the group `apronwatch.commands`.

Each entry point names a function (a command) or a `typer.Typer` (a group of commands), so that the datasets and the
training add theirs without being imported from here. Command modules import what they need inside their functions:
`apronwatch --help` loads none of it.
"""

import os
import sys
from importlib.metadata import entry_points
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from apronwatch.errors import ApronwatchError

GROUP = "apronwatch.commands"
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the number of its signal."""


def build() -> typer.Typer:
    """The whole command line."""
    app = typer.Typer(
        name="apronwatch",
        help="Counts aircraft, helicopters, vehicles and ships in overhead images of known places, over time.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        command = entry.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=entry.name)
        else:
            app.command(entry.name)(command)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        from apronwatch.version import __version__

        typer.echo(f"apronwatch {__version__}")
        raise typer.Exit


def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    pass


def main() -> None:
    """Run the command line; one line on standard error and status 2 for whatever the user can mend."""
    try:
        status = build()(standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        _stop("interrupted; what was finished before is kept", INTERRUPTED)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(str(error), err=True)
            sys.exit(2)
        _stop(_usage(error), 2)
    except ApronwatchError as error:
        _stop(str(error), 2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    if status == INTERRUPTED:
        _stop("interrupted; what was finished before is kept", INTERRUPTED)
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: TyperException) -> str:
    """What is wrong with a call, and where its help is."""
    context = getattr(error, "ctx", None)
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    return f"{text} (see '{context.command_path} --help')" if context else text


def _stop(message: str, status: int) -> NoReturn:
    typer.echo(f"apronwatch: {' '.join(message.split())}", err=True)
    sys.exit(status)
