"""Holds: nothing goes out for a client or an invoice, until a day or for good, with a reason."""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import Q

from relance_addon.core.records import Hold
from relance_addon.journal import models


def put(host: str, hold: Hold) -> None:
    """Hold a client or an invoice; it replaces the hold that it had."""
    lift(host, hold.client, hold.invoice, hold.made_at)
    models.Hold.objects.create(host=host, **hold._asdict())


def lift(host: str, client: str, invoice: str, at: datetime) -> int:
    """End the holds of a client or an invoice; how many there were."""
    in_force = models.Hold.objects.filter(host=host, client=client, invoice=invoice, lifted_at=None)
    return int(in_force.update(lifted_at=at))


def in_force(host: str, today: date) -> list[Hold]:
    """The holds that are in force today, the oldest first."""
    rows = models.Hold.objects.filter(host=host, lifted_at=None).filter(Q(until=None) | Q(until__gte=today))
    return [
        Hold(row.client, row.invoice, row.kind, row.until, row.reason, row.made_at)
        for row in rows.order_by("made_at", "pk")
    ]
