"""Promises to pay: what is due by the promised day, and whether a promise was kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from relance_addon.core.model import Invoice
from relance_addon.core.records import Hold
from relance_addon.core.schedule import parts

_OWED = ("open", "disputed")


def due_by(invoices: Iterable[Invoice], day: date, early: bool = False) -> dict[str, Decimal]:
    """What these invoices ask for by that day, per currency; with ``early``, also those that are due after it only."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in invoices:
        part = parts(invoice, day)[0]
        first = min((one.due_date for one in invoice.instalments), default=part.due)
        if invoice.status in _OWED and part.asked > 0 and (part.due <= day or (early and first > day)):
            sums[invoice.currency] += part.asked
    return dict(sums)


def is_kept(promise: Hold, left: dict[str, Decimal]) -> bool:
    """Whether what was promised was paid, of what is still ``left`` of what was due by its day, per currency."""
    if promise.amount is None:
        return not left
    most = max(Decimal(), (promise.owed or Decimal()) - promise.amount)
    return left.get(promise.currency, Decimal()) <= most
