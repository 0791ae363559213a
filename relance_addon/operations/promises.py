"""Promises to pay whose day has passed: found once, recorded, and said where nothing was paid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relance_addon.core import promise
from relance_addon.core.amounts import amount
from relance_addon.core.model import Client, Invoice
from relance_addon.core.records import Hold
from relance_addon.operations.desk import Desk

Owed = Mapping[str, Sequence[Invoice]]


def look(desk: Desk, host: str, owed: Owed, clients: Mapping[str, Client]) -> None:
    """Look at the promises whose day has passed, with all that is owed now, by client id."""
    judge(desk, host, pending(desk, host), owed, clients)


def pending(desk: Desk, host: str) -> list[Hold]:
    """The promises whose day has passed, and that nobody has looked at since."""
    from relance_addon.journal import holds

    return holds.promised(host, desk.today)


def judge(desk: Desk, host: str, promises: Sequence[Hold], owed: Owed, clients: Mapping[str, Client]) -> None:
    """Record which of these promises were kept, and say which were not: that is for a person to know, and no fault."""
    from relance_addon.journal import holds, ledger

    for one in promises:
        assert one.until is not None
        concerned = _concerned(one, owed)
        kept = promise.is_kept(one, promise.due_by(concerned, one.until, early=bool(one.invoice)))
        holds.ended(one.number, kept, desk.now())
        if not kept:
            names = [invoice.number for invoice in ledger.invoices(host, [one.invoice])] if one.invoice else []
            client = clients.get(one.client)
            name = names[0] if names else client.name if client else one.client or one.invoice
            what = f"{amount(one.amount, one.currency)} {one.currency} promised" if one.amount else "promised"
            desk.say(f"{name}: {what} by {one.until}, not paid: reminders go on")


def _concerned(one: Hold, owed: Owed) -> Sequence[Invoice]:
    if one.client:
        return owed.get(one.client, ())
    return [invoice for invoices in owed.values() for invoice in invoices if invoice.id == one.invoice]
