"""The command ``replay``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Host, Shown, desk, example, finish

if TYPE_CHECKING:
    from relance_addon.operations.replay import Replay, Tally

MOST = 10
"""The most clients named one by one."""
DAYS = 31
"""The most days shown one by one; of more, months are."""
NUMBERS = ("messages", "reminders", "asked for")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=example("relance replay acme standard", "relance replay acme standard --days 365"))(replay)


def replay(
    host: Host,
    program: Annotated[str, typer.Argument(metavar="PROGRAM", help="The program's name.", show_default=False)],
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="So many days before today.")] = 90,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """What a program would have sent over the past days, had it been switched on for every invoice then."""
    from relance_addon.cli import show
    from relance_addon.operations import replay as operation
    from relance_addon.operations.report import items

    opened = desk(config, day)
    made = operation.replay(opened, host, program, days)
    if not made.settled:
        show.say(f"{host} does not tell when invoices were settled: only what is owed now was replayed")
    if shown is Format.json:
        show.document({**items("replay", [*map(operation.item, made.sent)]), "summary": made.summary()})
    else:
        _tables(host, made)
    finish(opened)


def _tables(host: str, made: Replay) -> None:
    from relance_addon.cli import show
    from relance_addon.operations.replay import tally

    name = f"{made.program.name}, version {made.program.version}"
    show.write(f"{host}, {name}: switched on for every invoice from {made.first} to {made.last}\n")
    if made.sent:
        show.table(("step", *NUMBERS), ((step, *_cells(found)) for step, found in made.steps), NUMBERS)
        show.write("")
        clients = made.clients
        show.table(("client", *NUMBERS), ((one.name, *_cells(found)) for one, found in clients[:MOST]), NUMBERS)
        if len(clients) > MOST:
            show.write(f"… and {len(clients) - MOST} more clients")
        show.write("")
        what, when = ("day", made.days) if len(made.days) <= DAYS else ("month", made.months)
        show.table((what, *NUMBERS), ((key, *_cells(found)) for key, found in when.items()), NUMBERS)
        show.write("")
    total = tally(made.sent)
    told = f"{total.messages} messages to {len(made.clients)} clients, {total.reminders} reminders"
    busiest = made.busiest
    show.write(told + (f"; the busiest day is {busiest}: {made.days[busiest].messages} messages" if busiest else ""))


def _cells(found: Tally) -> Iterable[object]:
    from relance_addon.cli import show

    return found.messages, found.reminders, show.money(found.as_dict()["residual"])
