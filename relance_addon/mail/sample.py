"""Sample messages, for trying texts before any invoice needs them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from relance_addon.core.decide import Decision
from relance_addon.core.group import Message, People
from relance_addon.core.model import Address, Client, Instalment, Invoice
from relance_addon.core.program import Program

TODAY: Final = date(2026, 11, 20)
SENDER: Final = Address("Comptabilité Acme", "compta@acme.example")


def messages(program: Program, number: int, language: str) -> list[Message]:
    """Messages of a step (counted from 1): one invoice, one not due yet without a link, several in two currencies."""
    client = Client("3", "Dupont & Fils", "facturation@dupont.example", language, "FR")
    late = _invoice("17", "FA-2026-0017", date(2026, 11, 1), "1200.00", "EUR")
    coming = _invoice("18", "FA-2026-0018", date(2026, 11, 27), "350.50", "EUR", link=False)
    foreign = _invoice("19", "FA-2026-0019", date(2026, 9, 15), "980.00", "CHF")
    parts = _invoice("20", "FA-2026-0020", date(2026, 10, 15), "3000.00", "EUR", parts=3)
    groups: Sequence[Sequence[Invoice]] = ((late,), (coming,), (late, foreign, parts))
    return [_message(program, number, language, client, group) for group in groups]


def _message(program: Program, number: int, language: str, client: Client, invoices: Sequence[Invoice]) -> Message:
    people = People(SENDER, (Address(client.name, client.email),), (), ())
    decisions = tuple(_decision(program, number, client, invoice) for invoice in invoices)
    return Message(1, client, program, number, language, people, decisions)


def _decision(program: Program, number: int, client: Client, invoice: Invoice) -> Decision:
    owed = [part for part in invoice.instalments if part.residual > 0 and part.due_date <= TODAY]
    due = owed[0].due_date if owed else invoice.due_date
    asked = sum((part.residual for part in owed), Decimal()) if owed else invoice.residual
    return Decision(invoice, client, due, asked, "due", program, number, TODAY)


def _invoice(
    identifier: str, number: str, due: date, total: str, currency: str, link: bool = True, parts: int = 0
) -> Invoice:
    amount = Decimal(total)
    instalments = tuple(
        Instalment(due + timedelta(days=30 * index), amount / parts, amount / parts if index else Decimal(0))
        for index in range(parts)
    )
    residual = sum((part.residual for part in instalments), Decimal()) if parts else amount
    address = f"https://pay.example/{number}?client=3&lang=fr" if link else ""
    return Invoice(
        identifier,
        number,
        "3",
        "open",
        due - timedelta(days=30),
        due,
        amount,
        residual,
        currency,
        payment_link=address,
        instalments=instalments,
    )
