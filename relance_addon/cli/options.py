"""The options that commands share, and how a command opens its desk."""

from __future__ import annotations

import sys
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from relance_addon.core.errors import RelanceError
    from relance_addon.operations.desk import Desk

DEFAULT_CONFIG = Path("relance.toml")


class Format(StrEnum):
    """How results are shown."""

    table = "table"
    json = "json"


def read_date(text: str | date) -> date:
    """A day written YYYY-MM-DD."""
    if isinstance(text, date):
        return text
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise typer.BadParameter(f"{text!r} is no day; write YYYY-MM-DD")


def read_amount(text: str | Decimal) -> Decimal:
    """An amount written with a point."""
    try:
        amount = Decimal(text)
    except ArithmeticError:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise typer.BadParameter(f"{text!r} is no amount; write it as in 10.00")
    return amount


Config = Annotated[
    Path, typer.Option("--config", envvar="RELANCE_CONFIG", metavar="FILE", help="The configuration.", show_envvar=True)
]
Shown = Annotated[Format, typer.Option("--format", help="How to show it.")]
Day = Annotated[
    date | None,
    typer.Option("--date", parser=read_date, metavar="YYYY-MM-DD", help="Take this day for today.", show_default=False),
]
Host = Annotated[str, typer.Argument(metavar="HOST", help="The host's name in the configuration.", show_default=False)]


def example(*lines: str) -> str:
    """The epilog of a command: how it is used."""
    return "Example: " + " · ".join(f"`{line}`" for line in lines)


def desk(config: Path, day: date | None = None) -> Desk:
    """Open a desk that speaks on standard error."""
    from relance_addon.cli.show import say
    from relance_addon.operations.desk import open_desk

    opened = open_desk(config, day, say=say)
    _LAST[:] = [opened]
    return opened


_LAST: list[Desk] = []


def words(error: RelanceError) -> str:
    """What an error says, with the line of the configuration where it is about a key of that file."""
    problems = getattr(error, "problems", ())
    if not problems or not _LAST:
        return str(error)
    return "\n".join(str(_LAST[0].config.located(problem)) for problem in problems)


def confirmed(question: str) -> bool:
    """Ask on standard error; status 2 where nobody answers."""
    typer.echo(f"{question} [y/N] ", nl=False, err=True)
    answer = sys.stdin.readline() if sys.stdin else ""
    if not answer:
        typer.echo("", err=True)
        raise typer.BadParameter("not confirmed; --yes answers for you")
    return answer.strip().casefold() in ("y", "yes", "o", "oui")


def finish(opened: Desk) -> None:
    """End with exit status 1 when something failed, is in doubt or could not be read."""
    if opened.problems:
        raise typer.Exit(1)
