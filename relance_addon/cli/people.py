"""Commands about one client or invoice: client, hold, explain, invoices."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import typer

from relance_addon.cli.options import DEFAULT_CONFIG, Config, Day, Format, Host, Shown, desk, example, finish, read_date


class Kind(StrEnum):
    """Why there is a hold."""

    pause = "pause"
    promise = "promise"
    dispute = "dispute"


class By(StrEnum):
    """One line per what."""

    invoice = "invoice"
    client = "client"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=example("relance invoices acme --overdue --by client"))(invoices)
    app.command(epilog=example("relance client acme 42 --program none"))(client)
    app.command(
        epilog=example(
            "relance hold acme --client 42 --until 2026-12-31 --reason 'plan agreed'",
            "relance hold acme --client 42 --lift",
            "relance hold acme",
        )
    )(hold)
    app.command(epilog=example("relance explain acme FA-0017", "relance explain acme id:17"))(explain)


def invoices(
    host: Host,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those after their due date.")] = False,
    pending: Annotated[bool, typer.Option("--pending", help="Only those before their due date.")] = False,
    client: Annotated[
        str, typer.Option("--client", metavar="CLIENT", help="Only this client's.", show_default=False)
    ] = "",
    by: Annotated[By, typer.Option("--by", help="One line per what.")] = By.invoice,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The unpaid invoices."""
    from relance_addon.cli import show
    from relance_addon.operations import unpaid
    from relance_addon.operations.report import amount

    if overdue and pending:
        raise typer.BadParameter("--overdue and --pending exclude each other")
    opened = desk(config, day)
    rows = unpaid.unpaid(opened, host, overdue, pending, client)
    items: list[dict[str, Any]]
    if by is By.client:
        items = [
            {
                "client": one.client,
                "client_name": one.name,
                "invoices": one.invoices,
                "overdue": one.overdue,
                "oldest_due_date": one.oldest.isoformat() if one.oldest else None,
                "days_late": (opened.today - one.oldest).days if one.oldest else None,
                "residual": {currency: amount(value, currency) for currency, value in sorted(one.residual.items())},
            }
            for one in unpaid.by_client(rows, opened.today)
        ]
    else:
        items = [_unpaid(row, opened.today) for row in rows]
    if shown is Format.json:
        show.items("invoices", items)
    elif items:
        cells = [[show.money(value) if isinstance(value, dict) else value for value in item.values()] for item in items]
        show.table(list(items[0]), cells, ("invoices", "overdue", "days_late", "total", "residual"))
        show.write("total: " + show.money({key: amount(value, key) for key, value in unpaid.totals(rows).items()}))
    else:
        show.write("no unpaid invoice")
    finish(opened)


def _unpaid(row: object, today: date) -> dict[str, object]:
    from relance_addon.operations.report import amount
    from relance_addon.operations.unpaid import Unpaid

    assert isinstance(row, Unpaid)
    one, invoice = row.decision, row.decision.invoice
    return {
        "invoice": invoice.id,
        "number": invoice.number,
        "client": invoice.client,
        "client_name": one.client.name if one.client else None,
        "status": invoice.status,
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else None,
        "due_date": one.due.isoformat() if one.due else None,
        "days_late": (today - one.due).days if one.due else None,
        "total": amount(invoice.total, invoice.currency),
        "residual": amount(invoice.residual, invoice.currency),
        "currency": invoice.currency,
        "last_reminder": row.last.day.isoformat() if row.last else None,
        "last_step": row.last.step or None if row.last else None,
        "next_step": one.program.steps[one.step - 1].name if one.program and one.step else None,
        "next_date": one.date.isoformat() if one.date else None,
        "reason": one.reason,
    }


def client(
    host: Host,
    client: Annotated[str, typer.Argument(metavar="CLIENT", help="The host's id of the client.", show_default=False)],
    program: Annotated[
        str, typer.Option("--program", metavar="NAME|none|inherit", help="The program to follow.", show_default=False)
    ],
    config: Config = DEFAULT_CONFIG,
    day: Day = None,
) -> None:
    """The program of a client: one of its own, none, or the one it inherits."""
    from relance_addon.cli import show
    from relance_addon.operations import programs

    opened = desk(config, day)
    programs.choose(opened, host, client, program)
    show.write(f"{host}: client {client} follows {'what it inherits' if program == 'inherit' else program}")
    finish(opened)


def hold(
    host: Host,
    client: Annotated[
        str, typer.Option("--client", metavar="CLIENT", help="The client's id.", show_default=False)
    ] = "",
    invoice: Annotated[
        str, typer.Option("--invoice", metavar="INVOICE", help="A number, or id:…", show_default=False)
    ] = "",
    until: Annotated[
        date | None,
        typer.Option(
            "--until",
            parser=read_date,
            metavar="YYYY-MM-DD",
            help="The last day; for good by default.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[Kind, typer.Option("--kind", help="Why.")] = Kind.pause,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="In words.", show_default=False)] = "",
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Nothing goes out for a client or an invoice; alone: lists the holds."""
    from relance_addon.cli import show
    from relance_addon.operations import hold as operation

    opened = desk(config, day)
    if client and invoice:
        raise typer.BadParameter("--client and --invoice exclude each other")
    if client or invoice:
        name = f"client {client}" if client else f"invoice {invoice}"
        if lift:
            operation.lift(opened, host, client, invoice)
            show.write(f"{host}: the hold of {name} is lifted")
        else:
            operation.put(opened, host, client, invoice, until, kind.value, reason)
            show.write(f"{host}: {name} is held {f'until {until}' if until else 'for good'}")
        finish(opened)
        return
    if lift or reason or until:
        raise typer.BadParameter("--client or --invoice is missing")
    rows = [
        {
            "client": one.client or None,
            "invoice": one.invoice or None,
            "kind": one.kind,
            "until": one.until.isoformat() if one.until else None,
            "reason": one.reason,
            "made_at": one.made_at.astimezone(opened.config.zone).isoformat(timespec="seconds"),
        }
        for one in operation.listed(opened, host)
    ]
    if shown is Format.json:
        show.items("hold", rows)
    else:
        show.table(("client", "invoice", "kind", "until", "reason", "made_at"), [list(row.values()) for row in rows])


def explain(
    host: Host,
    invoice: Annotated[str, typer.Argument(metavar="INVOICE", help="A number, or id:…", show_default=False)],
    language: Annotated[
        str | None,
        typer.Option("--language", metavar="fr|en", help="Default: the configuration's.", show_default=False),
    ] = None,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """Why an invoice is reminded today or not, in words, and when it will be."""
    from relance_addon.cli import show
    from relance_addon.operations import explain as operation
    from relance_addon.operations.report import decision

    opened = desk(config, day)
    made = operation.explain(opened, host, invoice, language)
    if shown is Format.json:
        show.items("explain", [{**decision(made.decision, opened.today), "lines": list(made.lines)}])
    else:
        for line in made.lines:
            show.write(show.clean(line))
    finish(opened)
