"""What clients paid, or were credited, without its being matched to an invoice.

That is the open credit on receivable accounts: credit notes, payments, entries. Where Odoo keeps a payment without a
journal entry (from 18, with its accounting app and no outstanding account), the payment itself counts until a bank
statement brings the entry, unless it names the invoices that it is for: those are no longer owed by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final

from relance_addon.connectors.odoo.records import Records
from relance_addon.hosts import values

Amounts = dict[str, Decimal]
Domain = list[Any]

_LINES: Final[Domain] = [
    ("account_type", "=", "asset_receivable"),
    ("parent_state", "=", "posted"),
    ("reconciled", "=", False),
    ("amount_residual_currency", "<", 0),
]
_PAYMENTS: Final[Domain] = [
    ("payment_type", "=", "inbound"),
    ("partner_type", "=", "customer"),
    # Once paid, the money stands on the entry of its bank statement.
    ("state", "=", "in_process"),
    ("move_id", "=", False),
    ("invoice_ids", "=", False),
]


class Credits:
    """Reads the open credits of partners, by partner and currency, above zero."""

    def __init__(self, records: Records, currency: str) -> None:
        """``currency`` stands in where a line has none."""
        self._records = records
        self._currency = currency

    def of(self, partners: Collection[int]) -> dict[int, Amounts]:
        """The credits of these partners."""
        return self._read([("partner_id", "in", sorted(partners))]) if partners else {}

    def below(self, clients: Collection[int]) -> dict[int, Amounts]:
        """The credits of these clients and of everyone who belongs to them."""
        ids = sorted(clients)
        below = ["|", ("partner_id", "in", ids), ("partner_id.commercial_partner_id", "in", ids)]
        return self._read(below) if ids else {}

    def _read(self, whose: Domain) -> dict[int, Amounts]:
        found: dict[int, Amounts] = defaultdict(lambda: defaultdict(Decimal))
        self._add(found, "account.move.line", [*_LINES, *whose], "amount_residual_currency", -1)
        if self._records.exist("account.payment", "invoice_ids"):
            self._add(found, "account.payment", [*_PAYMENTS, *whose], "amount", 1)
        return {partner: dict(amounts) for partner, amounts in found.items()}

    def _add(self, found: Mapping[int, Amounts], model: str, domain: Domain, field: str, sign: int) -> None:
        for row in self._records.search(model, domain, ["partner_id", "currency_id.name", field]):
            currency = row["currency_id"]["name"] if row["currency_id"] else self._currency
            found[row["partner_id"]][currency] += sign * values.amount(row[field])
