"""The command about the plan of one invoice."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Host, Shown, desk, example, finish, read_date

People = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=example(
            "relance plan acme FA-0017",
            "relance plan acme FA-0017 --apply public",
            "relance plan acme FA-0017 --drop 2 --set 'Dernier rappel' --on 2026-12-15 --cc manager",
        )
    )(plan)


def plan(
    host: Host,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="A number, or id:…", show_default=False)],
    apply: Annotated[
        str | None,
        typer.Option(
            "--apply", metavar="PROGRAM|none", help="Follow this program, at its current version.", show_default=False
        ),
    ] = None,
    drop: Annotated[
        People, typer.Option("--drop", metavar="STEP", help="Take a step out: its name or number.", show_default=False)
    ] = None,
    restore: Annotated[
        People,
        typer.Option("--restore", metavar="STEP", help="The step as the program has it again.", show_default=False),
    ] = None,
    change: Annotated[
        str | None, typer.Option("--set", metavar="STEP", help="Change this step.", show_default=False)
    ] = None,
    on: Annotated[
        date | None,
        typer.Option("--on", parser=read_date, metavar="DATE", help="With --set: its day.", show_default=False),
    ] = None,
    sender: Annotated[
        str | None,
        typer.Option("--sender", metavar="S", help="With --set: a role or an address.", show_default=False),
    ] = None,
    to: Annotated[
        People,
        typer.Option("--to", metavar="A", help="With --set: roles and addresses.", show_default=False),
    ] = None,
    cc: Annotated[
        People, typer.Option("--cc", metavar="A", help="With --set: as --to; '' for nobody.", show_default=False)
    ] = None,
    bcc: Annotated[
        People, typer.Option("--bcc", metavar="A", help="With --set: as --to; '' for nobody.", show_default=False)
    ] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Adapt nothing any more, and keep no version.")] = False,
    restart: Annotated[bool, typer.Option("--restart", help="Begin the program's steps again.")] = False,
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="fr|en", help="Default: the configuration's.", show_default=False),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The reminders of an invoice, sent and planned; with options, what is planned is changed first."""
    from relance_addon.cli import show
    from relance_addon.core.adapt import Change
    from relance_addon.operations import plan as operation

    asked = Change(
        apply,
        reset,
        restart,
        tuple(restore or ()),
        tuple(drop or ()),
        change,
        on,
        sender,
        _people(to),
        _people(cc),
        _people(bcc),
    )
    opened = desk(config, day)
    made = operation.plan(opened, host, invoice, None if asked == Change() else asked, language)
    rows = operation.items(opened, made)
    if shown is Format.json:
        show.items("plan", rows)
    else:
        for line in made.lines:
            show.write(show.clean(line))
        if rows:
            show.write("")
            headers = ("state", "date", "step", "moved_by", "changed", "sender", "to", "cc", "bcc", "last_event")
            show.table(headers, [[*_first(row), *(row[key] for key in headers[3:])] for row in rows])
    finish(opened)


def _people(given: People) -> tuple[str, ...] | None:
    """Roles and addresses; None where the option was not given, nobody where it was given empty."""
    return None if given is None or given == [] else tuple(given) if given != [""] else ()


def _first(row: dict[str, object]) -> tuple[object, object, object]:
    step = f"{row['step']} {row['step_name']}" if row["step"] else "(by hand)"
    return row["state"], row["date"], step
