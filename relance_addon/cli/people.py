"""Commands about one client or invoice: client, hold, explain, invoices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from relance_addon.cli.options import (
    DEFAULT_CONFIG,
    Config,
    Day,
    Format,
    Host,
    Shown,
    desk,
    example,
    finish,
    read_amount,
    read_date,
)

if TYPE_CHECKING:
    from relance_addon.operations.unpaid import Owing, Unpaid


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
    app.command(
        epilog=example(
            "relance invoices acme --overdue --by client", "relance invoices acme --min-days 31 --min-amount 500"
        )
    )(invoices)
    app.command(epilog=example("relance client acme 42 --program none"))(client)
    app.command(
        epilog=example(
            "relance hold acme --client 42 --until 2026-12-31 --reason 'plan agreed'",
            "relance hold acme --invoice FA-0017 --kind promise --until 2026-12-31 --reason 'she called'",
            "relance hold acme --client 42 --lift",
            "relance hold acme --all",
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
    min_days: Annotated[
        int | None, typer.Option("--min-days", metavar="DAYS", help="Late by that many at least.", show_default=False)
    ] = None,
    max_days: Annotated[
        int | None, typer.Option("--max-days", metavar="DAYS", help="Late by that many at most.", show_default=False)
    ] = None,
    min_amount: Annotated[
        Decimal | None,
        typer.Option(
            "--min-amount",
            parser=read_amount,
            metavar="AMOUNT",
            help="Lines with that much left to pay, or more.",
            show_default=False,
        ),
    ] = None,
    max_amount: Annotated[
        Decimal | None,
        typer.Option(
            "--max-amount",
            parser=read_amount,
            metavar="AMOUNT",
            help="Lines with that much left to pay, or less.",
            show_default=False,
        ),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="One line per what.")] = By.invoice,
    config: Config = DEFAULT_CONFIG,
    shown: Shown = Format.table,
    day: Day = None,
) -> None:
    """The unpaid invoices, how late they are, their last reminder and their next step."""
    from relance_addon.cli import show
    from relance_addon.operations import unpaid

    if overdue and pending:
        raise typer.BadParameter("--overdue and --pending exclude each other")
    opened = desk(config, day)
    wanted = unpaid.Filter(overdue, pending, client, min_days, max_days, min_amount, max_amount)
    rows = unpaid.unpaid(opened, host, wanted)
    lines: Sequence[Unpaid | Owing] = unpaid.by_client(rows, opened.today) if by is By.client else rows
    lines = [line for line in lines if wanted.takes_line(line)]
    items = [_line(line, opened.today) for line in lines]
    if shown is Format.json:
        show.items("invoices", items)
    elif items:
        flat = [_flat(item) for item in items]
        cells = [[show.money(value) if isinstance(value, dict) else value for value in item.values()] for item in flat]
        show.table(list(flat[0]), cells, ("invoices", "overdue", "days_late", "total", "residual", *unpaid.AGES))
        show.write("total: " + show.money(_amounts(unpaid.totals(lines))))
    else:
        show.write("no unpaid invoice")
    finish(opened)


def _line(line: Unpaid | Owing, today: date) -> dict[str, Any]:
    from relance_addon.core.amounts import amount
    from relance_addon.operations.unpaid import Owing, age, days_late, due_date

    if isinstance(line, Owing):
        return {
            "client": line.client,
            "client_name": line.name,
            "invoices": line.invoices,
            "overdue": line.overdue,
            "oldest_due_date": line.oldest.isoformat() if line.oldest else None,
            "days_late": (today - line.oldest).days if line.oldest else None,
            "residual": _amounts(line.residual),
            "ages": {name: _amounts(sums) for name, sums in line.ages.items()},
            "last_reminder": line.last.isoformat() if line.last else None,
            "next_date": line.next.isoformat() if line.next else None,
        }
    one, invoice = line.decision, line.decision.invoice
    due, late = due_date(one), days_late(one, today)
    return {
        "invoice": invoice.id,
        "number": invoice.number,
        "client": invoice.client,
        "client_name": one.client.name if one.client else None,
        "status": invoice.status,
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else None,
        "due_date": due.isoformat() if due else None,
        "days_late": late,
        "age": age(late),
        "total": amount(invoice.total, invoice.currency),
        "residual": amount(invoice.residual, invoice.currency),
        "currency": invoice.currency,
        "last_reminder": line.last.day.isoformat() if line.last else None,
        "last_step": line.last.step or None if line.last else None,
        "next_step": one.program.steps[one.step - 1].name if one.program and one.step else None,
        "next_date": one.date.isoformat() if one.date else None,
        "reason": one.reason,
    }


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    """A line with a column for each age."""
    return {
        name: cell for key, value in item.items() for name, cell in (value.items() if key == "ages" else [(key, value)])
    }


def _amounts(sums: Mapping[str, Decimal]) -> dict[str, str]:
    from relance_addon.core.amounts import amount

    return {currency: amount(value, currency) for currency, value in sorted(sums.items())}


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
    amount: Annotated[
        str,
        typer.Option("--amount", metavar="X", help="What was promised; all of it by default.", show_default=False),
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="In words.", show_default=False)] = "",
    lift: Annotated[bool, typer.Option("--lift", help="End the hold.")] = False,
    every: Annotated[bool, typer.Option("--all", help="List those that ended too.")] = False,
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
            operation.put(opened, host, client, invoice, until, kind.value, reason, amount)
            show.write(f"{host}: {name} is held {f'until {until}' if until else 'for good'}")
        finish(opened)
        return
    if lift or reason or until or amount:
        raise typer.BadParameter("--client or --invoice is missing")
    rows = [
        {**operation.item(opened, one), "state": one.state(opened.today)}
        for one in operation.listed(opened, host, every)
    ]
    if shown is Format.json:
        show.items("hold", rows)
    else:
        headers = ("client", "invoice", "kind", "until", "amount", "currency", "reason", "made_at", "state")
        show.table(headers, [[row[key] for key in headers] for row in rows], ("amount",))


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
