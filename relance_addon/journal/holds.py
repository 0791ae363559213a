"""Holds: nothing goes out for a client or an invoice, until a day or for good, with a reason."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q

from relance_addon.core.records import Hold
from relance_addon.journal import models


def put(host: str, hold: Hold) -> None:
    """Hold a client or an invoice; it replaces the hold that it had, unless that was over."""
    facts = {name: "" if value is None else str(value) for name, value in _amounts(hold).items()}
    known = {name: getattr(hold, name) for name in ("client", "invoice", "kind", "until", "reason", "made_at")}
    with transaction.atomic():  # whoever dies here leaves the old one in force
        lift(host, hold.client, hold.invoice, hold.made_at)
        models.Hold.objects.create(host=host, currency=hold.currency, **known, **facts)


def lift(host: str, client: str, invoice: str, at: datetime) -> int:
    """End the holds of a client or an invoice that are in force on the day of ``at``; how many there were."""
    mine = _in_force(host, at.date()) & Q(client=client, invoice=invoice)
    return int(models.Hold.objects.filter(mine).update(lifted_at=at))


def in_force(host: str, today: date) -> list[Hold]:
    """The holds that are in force today, the oldest first."""
    return _holds(_in_force(host, today))


def every(host: str) -> list[Hold]:
    """All holds there ever were, the oldest first."""
    return _holds(Q(host=host))


def of(host: str, client: str, invoice: str) -> list[Hold]:
    """All holds there ever were of an invoice and of its client (ids), the oldest first."""
    return _holds(Q(host=host) & (Q(invoice=invoice) | Q(client=client, invoice="")))


def promised(host: str, today: date) -> list[Hold]:
    """The promises whose day has passed, and of which that was not found yet by today."""
    found = _holds(Q(host=host, kind="promise", lifted_at=None, kept_at=None, until__lt=today))
    return [one for one in found if one.broken_at is None or one.broken_at.date() > today]


def ended(number: int, kept: bool, at: datetime) -> None:
    """Record that the day of a promise has passed, and whether it was kept; what was kept was not broken."""
    found = {"kept_at": at, "broken_at": None} if kept else {"broken_at": at}
    models.Hold.objects.filter(pk=number).update(**found)


def _in_force(host: str, today: date) -> Q:
    return Q(host=host, lifted_at=None) & (Q(until=None) | Q(until__gte=today))


def _holds(wanted: Q) -> list[Hold]:
    return [_hold(row) for row in models.Hold.objects.filter(wanted).order_by("made_at", "pk")]


def _hold(row: Any) -> Hold:
    fields = {name: getattr(row, name) for name in Hold._fields if name != "number"}
    amounts = {name: Decimal(fields[name]) if fields[name] else None for name in ("amount", "owed")}
    return Hold(**{**fields, **amounts}, number=row.pk)


def _amounts(hold: Hold) -> dict[str, Decimal | None]:
    return {"amount": hold.amount, "owed": hold.owed}
