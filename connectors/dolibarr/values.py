"""Dolibarr's values as ours: texts for numbers, seconds for days, nothing written in three ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from relance_addon.core.model import Status
from relance_addon.hosts import values

_CENTS: Final = Decimal("0.01")
_ENDED: Final[Mapping[str, Status]] = {
    "badcustomer": "written_off",
    "abandon": "cancelled",
    "replaced": "cancelled",
}
"""What an invoice is that was closed for a reason before it was paid; a discount for early payment is none of these."""


def day_in(zone: ZoneInfo) -> Callable[[Any], date | None]:
    """A function from Dolibarr's days, midnights of its PHP's ``zone`` in seconds since 1970, to ours."""

    @lru_cache(maxsize=4096)
    def of(said: str) -> date | None:
        if said.removeprefix("-").isdecimal():
            try:
                return datetime.fromtimestamp(int(said), zone).date()
            except (OverflowError, OSError, ValueError):
                raise ValueError(f"{said!r} is no day") from None
        return values.day(said)

    return lambda value: of(values.text(value))


def hold_in(zone: ZoneInfo) -> Callable[[Any], date | None]:
    """A function from a day, a box that is ticked for good, or ``always``, to the last day of a hold."""
    day = day_in(zone)

    def of(value: Any) -> date | None:
        said = values.text(value)
        if said in ("0", "false"):
            return None
        return date.max if said in ("1", "true", "always") else day(said)

    return of


def number(value: Any) -> Decimal:
    """An amount; nothing is zero. Raises ValueError."""
    return values.amount(value) if value not in (None, "", []) else Decimal()


def identifier(value: Any) -> int:
    """An id; 0 for none."""
    said = values.text(value)
    return int(said) if said.isdecimal() else 0


def state(row: Mapping[str, Any], remain: Decimal) -> Status:
    """Draft, open, or how it ended. Closed and abandoned invoices keep something to pay: only the status says so."""
    status = str(row.get("statut"))
    if status == "0":
        return "draft"
    if status == "1":
        return "open" if remain > 0 and str(row.get("paye")) != "1" else "paid"
    return _ENDED.get(str(row.get("close_code")), "paid" if status == "2" else "cancelled")


def rate(row: Mapping[str, Any]) -> Decimal:
    """How much of the invoice's currency is one of the company's. What remains to pay is told in the company's only."""
    return number(row.get("multicurrency_tx")) or Decimal(1)


def remaining(row: Mapping[str, Any]) -> Decimal:
    """What remains to pay in the invoice's own currency; below zero for a credit note.

    Dolibarr tells it in the company's currency: what was paid is converted, so that nothing paid is the whole total.
    """
    remain, factor = number(row.get("remaintopay")), rate(row)
    if factor == 1 or remain == 0:
        return remain
    paid = number(row.get("total_ttc")) - remain
    return total(row) - (paid * factor).quantize(_CENTS)


def total(row: Mapping[str, Any]) -> Decimal:
    """The total in the invoice's own currency, taxes included."""
    own = number(row.get("multicurrency_total_ttc")) if rate(row) != 1 else Decimal()
    return own or number(row.get("total_ttc"))
