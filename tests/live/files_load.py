"""The same books as CSV files, which can say all of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from .csvs import write
from .same_books import SALESPERSON, Bill, Books


def load(books: Books, folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True)
    credits: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in books.credits:
        credits[one.client][one.currency] += one.amount
    write(
        folder / "clients.csv",
        ("id", "name", "email", "language", "country", "tags", "hold_until", "credit"),
        (
            (one.ref, one.name, one.email, one.language, one.country, " ".join(one.tags), _always(one.held),
             "; ".join(f"{amount} {currency}" for currency, amount in credits[one.ref].items()))
            for one in books.clients.values()
        ),
    )  # fmt: skip
    write(
        folder / "contacts.csv",
        ("client", "name", "email", "roles"),
        (
            (client.ref, one.name, one.email, "billing" if one.billing else "")
            for client in books.clients.values()
            for one in client.people
        ),
    )
    write(
        folder / "invoices.csv",
        ("id", "client", "issue_date", "due_date", "total", "residual", "currency", "status", "hold_until",
         "salesperson"),
        (
            (one.ref, one.client, one.issued, one.due[-1].on if one.due else "", one.total, one.residual,
             one.currency, _status(one), _always(one.kind == "blocked"), SALESPERSON)
            for one in books.bills
        ),
    )  # fmt: skip
    write(
        folder / "instalments.csv",
        ("invoice", "due_date", "amount", "residual"),
        (
            (bill.ref, one.on, one.amount, left)
            for bill in books.bills
            if len(bill.due) > 1
            for one, left in zip(bill.due, bill.left, strict=True)
        ),
    )


def _status(bill: Bill) -> str:
    if bill.kind in ("open", "blocked"):
        return "open" if bill.residual else "paid"
    return bill.kind


def _always(held: bool) -> str:
    return "always" if held else ""
