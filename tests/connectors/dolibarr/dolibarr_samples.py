"""Messages about invoices that Dolibarr has."""

from __future__ import annotations

from dataclasses import replace

from relance_addon.core.model import Invoice
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.fake import message


def outgoing(key: str, *invoices: Invoice, **more: object) -> Outgoing:
    """A reminder of some invoices of one client."""
    singles = [message(key, one) for one in invoices]
    claims = tuple(claim for single in singles for claim in single.claims)
    return replace(singles[0], claims=claims, **more)  # type: ignore[arg-type]


def activity(key: str, invoice: Invoice, **more: object) -> Outgoing:
    """A to-do about an invoice."""
    return replace(message(key, invoice, "activity"), **more)  # type: ignore[arg-type]
