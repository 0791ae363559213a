"""The days on which invoices were settled: the last day of what was matched with their receivable lines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from relance_addon.connectors.odoo.invoices import SALES
from relance_addon.connectors.odoo.records import Record, Records
from relance_addon.hosts import values

SETTLED: Final[list[Any]] = [
    *SALES,
    ("state", "=", "posted"),
    ("payment_state", "in", ["in_payment", "paid", "reversed"]),
]
"""What is owed no more: paid, in payment, or credited."""
_MATCHED: Final = [
    ("debit_move_id.account_type", "=", "asset_receivable"),
    ("debit_move_id.move_id.move_type", "in", SALES[0][2]),
]
# Odoo 18 and after may keep a payment without a journal entry, which nothing is matched with.
_PAYMENTS: Final = [
    ("payment_type", "=", "inbound"),
    ("partner_type", "=", "customer"),
    ("state", "=", "in_process"),
    ("move_id", "=", False),
    ("invoice_ids", "!=", False),
]


class Settlements:
    """Reads the days of payments and credits by pages."""

    def __init__(self, records: Records, page: int) -> None:
        self._records, self._page = records, page

    def after(self, since: date) -> dict[int, date]:
        """The last day after ``since`` on which something settled an invoice (its id), in part or in full."""
        found: dict[int, date] = {}
        matches = [*_MATCHED, ("max_date", ">", str(since))]
        for rows in self._pages("account.partial.reconcile", matches, ["debit_move_id", "max_date"]):
            lines = [row["debit_move_id"] for row in rows]
            told = self._records.search("account.move.line", [("id", "in", lines)], ["move_id"])
            moves = {line["id"]: line["move_id"] for line in told}
            for row in rows:
                _later(found, moves.get(row["debit_move_id"]), row["max_date"])
        if self._records.exist("account.payment", "invoice_ids"):
            payments = [*_PAYMENTS, ("date", ">", str(since))]
            for rows in self._pages("account.payment", payments, ["invoice_ids", "date"]):
                for row in rows:
                    for move in row["invoice_ids"]:
                        _later(found, move, row["date"])
        return found

    def _pages(self, model: str, domain: list[Any], fields: list[str]) -> Iterator[list[Record]]:
        last, full = 0, True
        while full:
            rows = self._records.search(model, [*domain, ("id", ">", last)], fields, order="id", limit=self._page)
            full = len(rows) == self._page
            last = rows[-1]["id"] if rows else last
            yield rows


def _later(found: dict[int, date], move: int | None, told: Any) -> None:
    day = values.day(told)
    if move is not None and day is not None:
        found[move] = max(day, found.get(move, day))
