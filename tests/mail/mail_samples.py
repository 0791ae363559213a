"""Invoices, programs and messages made in one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from relance_addon.core.decide import Decision
from relance_addon.core.group import Message, People
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.core.program import Program

TODAY = date(2026, 11, 21)


def invoice(identifier: str = "17", **fields: Any) -> Invoice:
    """An open invoice of 1,200 euros due on 1 November 2026."""
    given = {
        "number": f"FA-{identifier:0>4}",
        "client": "3",
        "status": "open",
        "issue_date": date(2026, 10, 2),
        "due_date": date(2026, 11, 1),
        "total": Decimal("1200.00"),
        "residual": Decimal("1200.00"),
        "currency": "EUR",
    }
    return Invoice(identifier, **(given | fields))


def program(**step: Any) -> Program:
    """A program of one step."""
    return Program.model_validate({"name": "p", "steps": [{"name": "s", "trigger": {"after_due": 3}} | step]})


def message(
    invoices: Sequence[Invoice] = (),
    language: str = "fr",
    client: str = "Dupont SA",
    sender: Address = Address("Comptabilité", "compta@acme.example"),  # noqa: B008
    **step: Any,
) -> Message:
    """A message of a step about some invoices."""
    made = program(**step)
    who = Client("3", client, "a@dupont.example", language, "FR")
    decisions = tuple(
        Decision(one, who, one.due_date, one.residual, "due", made, 1, TODAY) for one in invoices or (invoice(),)
    )
    people = People(sender, (Address(client, "a@dupont.example"),), (), ())
    return Message(1, who, made, 1, language, people, decisions)
