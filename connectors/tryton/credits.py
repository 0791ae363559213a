"""What clients are owed: payments that no invoice has taken up, and credit notes that are still open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Final

from relance_addon.connectors.tryton.records import Domain, Record, Records

Amounts = dict[str, Decimal]

_MODEL: Final = "account.move.line"
_OPEN: Final = (
    ["account.type.receivable", "=", True],
    ["reconciliation", "=", None],
    ["party", "!=", None],
    ["move.state", "=", "posted"],
    ["OR", ["credit", ">", Decimal()], ["debit", "<", Decimal()], ["invoice_payments", "!=", None]],
)
_PATHS: Final = ("party", "debit", "credit", "amount_second_currency", "second_currency.code", "invoice_payments")


class Credits:
    """Reads credits, by party and currency, above zero."""

    def __init__(self, records: Records, company: Domain, currency: str) -> None:
        """``company``: the domain of a line of the company's. ``currency``: the company's."""
        self._records, self._company, self._currency = records, company, currency
        self._all: dict[int, Amounts] | None = None

    def all(self) -> dict[int, Amounts]:
        """Everybody's, read once."""
        if self._all is None:
            pages = self._records.pages(_MODEL, [*self._company, *_OPEN], _PATHS)
            self._all = self._summed(row for page in pages for row in page)
        return self._all

    def of(self, parties: Collection[int]) -> dict[int, Amounts]:
        """Those of some parties."""
        domain = [*self._company, *_OPEN]
        return self._summed(self._records.among(_MODEL, parties, _PATHS, domain, "party"))

    def _summed(self, rows: Iterable[Record]) -> dict[int, Amounts]:
        found: dict[int, Amounts] = defaultdict(lambda: defaultdict(Decimal))
        for row in rows:
            second = row["second_currency"]
            amount = row["amount_second_currency"] if second else row["debit"] - row["credit"]
            # What was paid of an invoice is in its residual already; what was paid back of a credit note is in none.
            if amount > 0 or not row["invoice_payments"]:
                found[row["party"]][second["code"] if second else self._currency] -= amount
        return {
            party: kept
            for party, by in found.items()
            if (kept := {code: left for code, left in by.items() if left > 0})
        }
