"""Commands about what is sent: programs and templates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Shown, confirmed, desk, example, read_date

if TYPE_CHECKING:
    from relance_addon.operations.diff import Row

Name = Annotated[str, typer.Argument(metavar="NAME", help="The program's name.", show_default=False)]
Language = Annotated[
    str | None, typer.Option("--language", metavar="fr|en", help="Default: the configuration's.", show_default=False)
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A programs.toml.", show_default=False)]
MOST = 200
"""The most planned reminders listed one by one; the rest are counted."""


class Pinned(StrEnum):
    """What becomes of plans that are pinned to an older version."""

    keep = "keep"
    move = "move"


Pinning = Annotated[
    Pinned, typer.Option("--pinned", help="Whether plans pinned to an older version keep it or move to the new one.")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    programs = typer.Typer(help="Programs: the steps by which clients are reminded.", no_args_is_help=True)
    programs.command(epilog=example("relance programs apply programs.toml"))(apply)
    programs.command(epilog=example("relance programs diff programs.toml --host acme"))(diff)
    programs.command("list", epilog=example("relance programs list"))(listing)
    programs.command(epilog=example("relance programs recap standard"))(recap)
    programs.command(epilog=example("relance programs export > programs.toml"))(export)
    programs.command(epilog=example("relance programs copy standard dupont"))(copy)
    programs.command(epilog=example("relance programs delete dupont --yes"))(delete)
    app.add_typer(programs, name="programs")
    templates = typer.Typer(help="The message library.", no_args_is_help=True)
    templates.command("list", epilog=example("relance templates list"))(template_list)
    templates.command("show", epilog=example("relance templates show first --language fr"))(template_show)
    app.add_typer(templates, name="templates")


def apply(
    file: File,
    pinned: Pinning = Pinned.keep,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
) -> None:
    """Store the programs of a file; a program that changed gets a new version."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    done = programs.apply(desk(config), file, pinned is Pinned.move)
    if shown is Format.json:
        show.items("programs", (one._asdict() for one in done))
    else:
        for one in done:
            show.write(f"{one.name}: version {one.version}, {one.change}{_pinned(one.moved, one.kept)}")


def _pinned(moved: int, kept: int) -> str:
    if moved:
        return f"; pinned plans moved to it: {moved}"
    return f"; pinned plans that keep an older version: {kept}" if kept else ""


def diff(
    file: File,
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host", metavar="HOST", help="Only this host; may be repeated. Default: all.", show_default=False
        ),
    ] = None,
    pinned: Pinning = Pinned.keep,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The planned reminders that applying a file would move, add, take away or change; nothing is stored."""
    from relance_addon.cli import show
    from relance_addon.operations import diff as operation

    made = operation.diff(desk(config, day), file, host or (), pinned is Pinned.move)
    if shown is Format.json:
        show.items("diff", (row.as_dict() for row in made.rows))
        return
    for one in made.applied:
        show.write(f"{one.name}: version {one.version}, {one.change}{_pinned(one.moved, one.kept)}")
    if made.rows:
        show.write("")
        _differences(made.rows[:MOST])
        if len(made.rows) > MOST:
            show.write(f"… and {len(made.rows) - MOST} more (--format json shows them all)")
    counts, invoices = made.counts, len({(row.host, row.invoice.id) for row in made.rows})
    changes = ", ".join(f"{counts[change]} {told}" for change, told in _CHANGES.items() if counts[change])
    show.write(f"\nplanned reminders: {changes or 'none changes'}" + (f"; of {invoices} invoices" if changes else ""))


_CHANGES = {"moves": "move", "appears": "appear", "vanishes": "vanish", "changes": "change"}


def _differences(rows: Sequence[Row]) -> None:
    from relance_addon.cli import show

    plain = ("host", "client_name", "number", "step_name", "before", "after", "change")
    cells = []
    for one in (row.as_dict() for row in rows):
        programs = [f"{one[f'program_{key}']} {one[f'version_{key}']}" for key in ("before", "after") if one[key]]
        told = ", ".join(one["fields"]), " → ".join(dict.fromkeys(programs))
        cells.append((*(one[key] for key in plain), *told))
    headers = ("host", "client", "invoice", "step", "before", "after", "change", "what", "program")
    show.table(headers, cells)


def listing(config: Config = DEFAULT_CONFIG, shown: Shown = Format.table) -> None:
    """The programs, their versions and what uses them."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    rows = [
        {
            "name": program.name,
            "label": program.label or program.name,
            "version": program.version,
            "default": program.default,
            "steps": len(program.steps),
            **use._asdict(),
        }
        for program, use in programs.listed(desk(config))
    ]
    if shown is Format.json:
        show.items("programs", rows)
    else:
        headers = ("name", "label", "version", "default", "steps", "clients", "invoices", "reminders")
        cells = [[row[key] if key != "default" else "yes" * row["default"] for key in headers] for row in rows]
        show.table(headers, cells, headers[4:])


def recap(
    name: Name,
    language: Language = None,
    issue: Annotated[
        date | None,
        typer.Option(
            "--issue", parser=read_date, metavar="YYYY-MM-DD", help="The example's issue date.", show_default=False
        ),
    ] = None,
    due: Annotated[
        date | None,
        typer.Option(
            "--due", parser=read_date, metavar="YYYY-MM-DD", help="The example's due date.", show_default=False
        ),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """A program in plain words, and a worked example with dates."""
    from relance_addon.cli import show
    from relance_addon.operations import recap as operation

    made = operation.recap(desk(config, day), name, language, issue, due)
    if shown is Format.json:
        show.items("recap", [made.as_dict()])
    else:
        for line in made.lines():
            show.write(show.clean(line))


def export(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One program; all of them by default.")] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
) -> None:
    """The programs as a programs.toml on standard output."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    opened = desk(config)
    found = [programs.one(opened, name)[0]] if name else [program for program, _ in programs.listed(opened)]
    if shown is Format.json:
        show.items("programs", ({**program.content(), "default": program.default} for program in found))
    else:
        typer.echo(programs.export(found), nl=False)


def copy(
    name: Name,
    new: Annotated[str, typer.Argument(metavar="NEW", help="The copy's name.", show_default=False)],
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Copy a program under a new name, to be adjusted."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    made = programs.copy(desk(config), name, new)
    show.write(f"{made.name}: version {made.version}, a copy of {name}")


def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: Config = DEFAULT_CONFIG,
) -> None:
    """Take a program out of use, after saying what used it; pinned plans keep their version."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    opened = desk(config)
    _, use = programs.one(opened, name)
    users = f"{show.count(use.clients, 'client')} and {show.count(use.invoices, 'plan')}"
    show.say(f"{name} is used by {users}, and sent {show.count(use.reminders, 'reminder')}")
    for line in programs.users(opened, name):
        show.say(line)
    if not yes and not confirmed(f"Delete {name}?"):
        show.say("nothing was deleted")
        return
    programs.delete(opened, name)
    show.write(f"{name}: deleted")


def template_list(config: Config = DEFAULT_CONFIG, shown: Shown = Format.table) -> None:
    """The templates of the message library, and the languages each is written in."""
    from relance_addon.cli import show

    library = desk(config).library
    rows = [{"name": name, "languages": sorted(library.languages(name))} for name in library.names()]
    if shown is Format.json:
        show.items("templates", rows)
    else:
        show.table(("name", "languages"), [list(row.values()) for row in rows])


def template_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template's name.", show_default=False)],
    language: Language = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
) -> None:
    """A template as it is written."""
    from relance_addon.cli import show

    opened = desk(config)
    default = opened.config.file.relance.language
    found = opened.library.find(name, language or default, default)
    if shown is Format.json:
        row = {"name": found.name, "language": found.language, "html": found.html, "path": str(found.path)}
        show.items("templates", [{**row, "subject": found.subject, "body": found.body}])
    else:
        show.write(f"Subject: {found.subject}\n{found.body}")
