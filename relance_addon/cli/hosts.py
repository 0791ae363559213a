"""Commands about a host as a whole: check, mapping, sync, activate, deactivate, events."""

from __future__ import annotations

from typing import Annotated

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Host, Shown, desk, example, finish


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("relance check", "relance check acme"))(check)
    app.command(epilog=example("relance mapping acme"))(mapping)
    app.command(epilog=example("relance sync acme --full"))(sync)
    app.command(epilog=example("relance activate acme"))(activate)
    app.command(epilog=example("relance deactivate acme"))(deactivate)
    app.command(epilog=example("relance events acme"))(events)


def check(
    host: Annotated[str | None, typer.Argument(metavar="[HOST]", help="All of them when none is named.")] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Connect, and say what is fine and what is to be mended."""
    from relance_addon.cli import show
    from relance_addon.operations import check as operation

    opened = desk(config, day)
    found = operation.check(opened, host)
    if shown is Format.json:
        show.items("check", ({"host": name, **finding._asdict()} for name, finding in found))
    else:
        rows = [(name, finding.level, finding.subject, finding.text, finding.mend) for name, finding in found]
        show.table(("host", "level", "what", "found", "to do"), rows)
    if any(finding.level == "error" for _, finding in found):
        raise typer.Exit(1)
    finish(opened)


def mapping(host: Host, config: Config = DEFAULT_CONFIG, shown: Shown = Format.table, day: Day = None) -> None:
    """Every field of ours, where it comes from on the host, and three sample values."""
    from relance_addon.cli import show

    opened = desk(config, day)
    connector = opened.connector(host)
    found = connector.fields(opened.today)
    connector.close()
    if shown is Format.json:
        show.items("mapping", (field._asdict() for field in found))
    else:
        rows = [(f"{one.kind}.{one.field}", one.source, " | ".join(one.samples), one.problem) for one in found]
        show.table(("ours", "theirs", "samples", "problem"), rows)
    if any(one.problem for one in found):
        raise typer.Exit(1)


def sync(
    host: Host,
    full: Annotated[bool, typer.Option("--full", help="Pull everything, not only what changed.")] = False,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Pull what changed on the host."""
    from relance_addon.cli import show
    from relance_addon.operations import sync as operation

    opened = desk(config, day)
    pulled = operation.sync(opened, host, full)
    row = {"host": host, **{name: getattr(pulled, name) for name in pulled.__slots__}}
    if shown is Format.json:
        show.items("sync", [row])
    else:
        show.write(
            f"{host}: {pulled.invoices} invoices and {pulled.clients} clients pulled, {pulled.changed} changed here"
        )
    finish(opened)


def activate(host: Host, config: Config = DEFAULT_CONFIG) -> None:
    """Switch automatic reminders on: the next run sends what is due."""
    _switch(host, config, True)


def deactivate(host: Host, config: Config = DEFAULT_CONFIG) -> None:
    """Switch automatic reminders off: nothing leaves by itself any more."""
    _switch(host, config, False)


def _switch(host: str, config: Config, on: bool) -> None:
    from relance_addon.cli import show
    from relance_addon.operations import switch

    changed = switch.switch(desk(config), host, on)
    state = "on" if on else "off"
    show.write(f"{host}: automatic reminders are {'now' if changed else 'already'} {state}")


def events(host: Host, config: Config = DEFAULT_CONFIG, shown: Shown = Format.table, day: Day = None) -> None:
    """Ask what became of the messages sent."""
    from relance_addon.cli import show
    from relance_addon.operations import events as operation

    opened = desk(config, day)
    new = operation.events(opened, host)
    if shown is Format.json:
        show.items("events", [{"host": host, "new": new}])
    else:
        show.write(f"{host}: {show.count(new, 'new event')}")
    finish(opened)
