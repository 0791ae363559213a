"""Commands to start with: demo, init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Day, Format, Shown, desk, example, finish


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("relance demo", "relance demo essai"))(demo)
    app.command(epilog=example("relance init"))(init)


def demo(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="The folder to make.")] = Path("relance-demo"),
    config: Annotated[
        str, typer.Option("--config", metavar="FILE", help="The name of the configuration in that folder.")
    ] = "relance.toml",
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Make a folder of example data, then simulate, activate, run, and show what was written."""
    from relance_addon.cli import show, tables
    from relance_addon.operations import demo as operation
    from relance_addon.operations import log, programs, report, run, simulate, switch

    def title(text: str) -> None:
        if shown is Format.table:
            show.write(f"\n── {text} ──\n")

    host = operation.HOST
    operation.write_demo(directory, Path(config).name, day or operation.today())
    path = directory / Path(config).name
    opened = desk(path, day)
    title(f"relance programs apply {directory / 'programs.toml'}")
    for one in programs.apply(opened, directory / "programs.toml"):
        if shown is Format.table:
            show.write(f"{one.name}: version {one.version}, {one.change}")
    title(f"relance simulate {host}")
    made = simulate.simulate(opened, host)
    if shown is Format.table:
        tables.simulation(opened, host, made)
    title(f"relance activate {host}")
    switch.switch(opened, host, True)
    if shown is Format.table:
        show.write(f"{host}: automatic reminders are now on")
    title(f"relance run {host}")
    ran = run.run(opened, host)
    if shown is Format.json:
        show.document(report.run(opened, host, ran))
        finish(opened)
        return
    tables.run(opened, host, ran)
    title(f"relance log {host}")
    rows = [log.item(opened, one) for one in log.entries(opened, host)]
    headers = ("date", "number", "client_name", "step_name", "channel", "last_event", "to", "subject")
    show.table(headers, [[row[key] for key in headers] for row in rows])
    title("what was written")
    for name in sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()):
        if not name.endswith((".lock", "-wal", "-shm")):
            show.write(str(directory / name))
    show.write(f"\nTry: relance explain {host} FA-0016 --config {path}")
    finish(opened)


def init(
    config: Annotated[
        Path, typer.Option("--config", envvar="RELANCE_CONFIG", metavar="FILE", help="Where to write it.")
    ] = DEFAULT_CONFIG,
) -> None:
    """Write a commented relance.toml and programs.toml."""
    from relance_addon.cli import show
    from relance_addon.operations import demo as operation

    for path in operation.write_first_files(config):
        show.write(f"{path}: written")
