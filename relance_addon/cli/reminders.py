"""Commands about reminders: simulate, run, log, doubt."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Host, Shown, desk, example, finish, read_date


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=example(
            "relance simulate acme",
            "relance simulate acme --html today.html --mail-to me@acme.example",
            "relance simulate acme --save",
        )
    )(simulate)
    app.command(epilog=example("relance run acme", "relance run acme --simulation 3"))(run)
    app.command(
        epilog=example(
            "relance log acme --search dupont",
            "relance log acme --event bounced --csv log.csv",
            "relance log acme --invoice FA-0017 --archive FA-0017.zip",
        )
    )(log)
    app.command(
        epilog=example("relance doubt acme", "relance doubt acme --sent KEY", "relance doubt acme --resend KEY")
    )(doubt)


def simulate(
    host: Host,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page too.", show_default=False)
    ] = None,
    mail_to: Annotated[
        str, typer.Option("--mail-to", metavar="ADDRESS", help="Mail it as a page too.", show_default=False)
    ] = "",
    save: Annotated[bool, typer.Option("--save", help="Keep it, to be run as it is.")] = False,
    no_sync: Annotated[bool, typer.Option("--no-sync", help="Decide on what was last pulled.")] = False,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Say who would be reminded today, who would not, and why. Nothing leaves."""
    from relance_addon.cli import show, tables
    from relance_addon.operations import page, report
    from relance_addon.operations import simulate as operation

    opened = desk(config, day)
    made = operation.simulate(opened, host, not no_sync, save)
    if shown is Format.json or html or mail_to:
        document = report.simulation(opened, host, made)
        if html:
            page.save(opened, document, html)
        if mail_to:
            page.mail(opened, document, mail_to)
    if shown is Format.json:
        show.document(document)
    else:
        tables.simulation(opened, host, made)
    finish(opened)


def run(
    host: Host,
    simulation: Annotated[
        int | None,
        typer.Option("--simulation", metavar="ID", help="Send what that saved one has, no more.", show_default=False),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The automatic run: pull, decide, send what is due, record it. Made for cron; safe to repeat."""
    from relance_addon.cli import show, tables
    from relance_addon.core.errors import InputError
    from relance_addon.operations import report
    from relance_addon.operations import run as operation

    opened = desk(config, day)
    with show.progress("sending") as watch:
        ran = operation.run(opened, host, watch, simulation)
    if shown is Format.json:
        show.document(report.run(opened, host, ran))
    else:
        tables.run(opened, host, ran)
    if ran.broken is not None:
        if any(result.state != "dropped" for result in ran.results) and isinstance(ran.broken, InputError):
            # something left: that is not "nothing done"
            opened.report(str(ran.broken))
        else:
            raise ran.broken
    finish(opened)


def log(
    host: Host,
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="In numbers, clients and recipients.", show_default=False)
    ] = "",
    event: Annotated[str, typer.Option("--event", metavar="E", help="By last event.", show_default=False)] = "",
    since: Annotated[
        date | None,
        typer.Option("--since", parser=read_date, metavar="YYYY-MM-DD", help="From that day on.", show_default=False),
    ] = None,
    invoice: Annotated[
        str, typer.Option("--invoice", metavar="INVOICE", help="A number, or id:…", show_default=False)
    ] = "",
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write it as CSV too.", show_default=False)
    ] = None,
    message: Annotated[
        str, typer.Option("--message", metavar="KEY", help="Show the exact message of a key.", show_default=False)
    ] = "",
    archive: Annotated[
        Path | None,
        typer.Option(
            "--archive", metavar="FILE.zip", help="Write all there is about --invoice to a file.", show_default=False
        ),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
) -> None:
    """The reminders, and what became of them."""
    import sys

    from relance_addon.cli import show
    from relance_addon.operations import archive as evidence
    from relance_addon.operations import hold
    from relance_addon.operations import log as operation

    opened = desk(config)
    if archive and not invoice:
        raise typer.BadParameter("--archive is about one invoice: --invoice is missing")
    if message and shown is Format.json:
        show.items("log", operation.described(opened, host, message))
        return
    if message:
        sys.stdout.buffer.write(operation.exact(opened, host, message))
        return
    found = operation.entries(opened, host, search, event, since, invoice)
    rows = [operation.item(opened, one) for one in found]
    holds = [hold.item(opened, one) for one in operation.holds(host, invoice)] if invoice else []
    if csv:
        operation.save_csv(rows, csv)
    if archive:
        evidence.save(opened, host, invoice, archive)
    if shown is Format.json:
        from relance_addon.operations.report import items

        show.document({**items("log", rows), **({"holds": holds} if invoice else {})})
    else:
        headers = ("date", "number", "client_name", "step_name", "origin", "last_event", "to", "subject", "message_key")
        cells = [
            [f"{', '.join(row['to'])} → {row['redirected_to']}" if key == "to" and "redirected_to" in row else row[key]
             for key in headers]
            for row in rows
        ]  # fmt: skip
        show.table(headers, cells)
        if holds:
            show.write("")
            show.table(list(holds[0]), [list(one.values()) for one in holds], ("amount",))
    finish(opened)


def doubt(
    host: Host,
    sent: Annotated[str, typer.Option("--sent", metavar="KEY", help="This one left.", show_default=False)] = "",
    resend: Annotated[
        str, typer.Option("--resend", metavar="KEY", help="Send this one again now.", show_default=False)
    ] = "",
    override_hold: Annotated[
        str | None,
        typer.Option("--override-hold", metavar="REASON", help="Send it in spite of a hold.", show_default=False),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The messages whose outcome nobody knows: list them, or settle one."""
    from relance_addon.cli import show
    from relance_addon.operations import doubt as operation

    if sent and resend:
        raise typer.BadParameter("--sent and --resend exclude each other")
    if override_hold is not None and not resend:
        raise typer.BadParameter("--override-hold goes with --resend")
    opened = desk(config, day)
    rows: list[dict[str, Any]]
    if sent:
        settled = operation.settle_as_sent(opened, host, sent)
        rows = [{"key": sent, "state": "sent", "numbers": list(settled.numbers)}]
    elif resend:
        outcome = operation.send_again(opened, host, resend, override_hold)
        rows = [{"key": outcome.key, "state": outcome.state, "error": outcome.error}]
    else:
        rows = [
            {
                "key": one.mark.key,
                "message_id": one.mark.message_id,
                "date": one.day.isoformat(),
                "client": one.client,
                "client_name": one.client_name,
                "invoices": list(one.mark.invoices),
                "numbers": list(one.numbers),
                "to": list(one.to),
                "subject": one.subject,
                "error": one.error,
            }
            for one in operation.listed(opened, host)
        ]
    if shown is Format.json:
        show.items("doubt", rows)
    elif rows:
        show.table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        show.write(f"{host}: nothing is in doubt")
    finish(opened)
