"""The command ``relance``: its commands, its exit statuses, its one-line errors."""

from __future__ import annotations

import gc
import os
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from relance_addon.cli import hosts, people, plans, programs, reminders, replay, sending, start
from relance_addon.cli.options import words
from relance_addon.cli.show import say

if TYPE_CHECKING:
    from relance_addon.core.errors import RelanceError

# Typer may carry a click of its own: its classes are reached through what Typer exports
_CLICK: Any = typer.BadParameter.__mro__[2]

app = typer.Typer(
    name="relance",
    help="Reminders of unpaid invoices: pull, decide, claim, post, record.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from relance_addon import __version__

        typer.echo(f"relance {__version__}")
        raise typer.Exit


@app.callback()
def _relance(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Taken before any command; --debug is looked at in main."""


for _module in (start, hosts, programs, people, plans, reminders, sending, replay):
    _module.register(app)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and end the process with the contract's exit status."""
    # a command is short and keeps what it loads: going through all of it again and again would free nothing
    gc.set_threshold(50_000, 20, 50)
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    _write_anything()
    sys.exit(_run([argument for argument in given if argument != "--debug"], debug))


def _write_anything() -> None:
    """A job's locale may know no accents: files and pipes get UTF-8, and a terminal what it can show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _run(arguments: list[str], debug: bool) -> int:
    try:
        status = app(arguments, prog_name="relance", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except _CLICK as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(f"{error.format_message()}\n")
            return 2
        context = getattr(error, "ctx", None)
        hint = f" (see '{context.command_path} --help')" if context else ""
        say(f"{error.format_message()}{hint}")
        return 2
    except (typer.Abort, KeyboardInterrupt):
        say("interrupted; the next run finds out what left")
        return 130
    except (BrokenPipeError, SystemExit):
        # the reader of a pipe has gone (Typer ends the process then): nothing more to say, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _known_errors() as error:
        if debug:
            raise
        say(words(error))
        return error.status
    except OSError as error:
        if debug:
            raise
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    except Exception as error:
        # the last resort: a person at a terminal gets one line, whatever went wrong
        if debug:
            raise
        from relance_addon.journal import database

        if database.is_failure(error):
            say(str(database.failure(error)))
            return 1
        say(f"{type(error).__name__}: {error} (a fault of relance itself; --debug shows where)")
        return 1


def _known_errors() -> type[RelanceError]:
    """The errors that are for a person; imported once something went wrong, so that --help is quick."""
    from relance_addon.core.errors import RelanceError

    return RelanceError
