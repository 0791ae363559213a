"""What clients are owed: open credit notes, and what was made into a discount that is not used yet.

Dolibarr lists discounts by third party only. A pull asks for those of clients of whom a credit note or a deposit was
closed; a reading again, for those of every client it is about, so that one left by an overpayment is seen before
anything leaves. Of a discount given by hand, REST tells nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

from relance_addon.connectors.dolibarr.rest import Missing, Rest, pages, rows
from relance_addon.connectors.dolibarr.values import identifier, number, remaining

Amounts = dict[str, Decimal]

_OPEN: Final = "(t.type:=:2) and (t.fk_statut:=:1) and (t.paye:=:0)"
_CLOSED: Final = "(t.type:in:2,3) and (t.fk_statut:=:2)"
_FIELDS: Final = "id,socid,total_ttc,remaintopay,multicurrency_code,multicurrency_tx,multicurrency_total_ttc"


class Credits:
    """Reads credits, by third party and currency, above zero."""

    def __init__(self, rest: Rest, currency: str) -> None:
        """``currency``: the company's."""
        self._rest, self._currency = rest, currency
        self._notes: dict[int, Amounts] | None = None
        self._holders: set[int] = set()

    def told(self, clients: Collection[int]) -> dict[int, Amounts]:
        """Those of these clients, as far as the lists of invoices tell of them."""
        if self._notes is None:
            self._notes = self._open("")
            closed = pages(self._rest, "invoices", _CLOSED, properties="id,socid")
            self._holders = {identifier(row["socid"]) for page in closed for row in page}
        return self._with_discounts(self._notes, clients, self._holders.intersection(clients))

    def all(self, clients: Collection[int]) -> dict[int, Amounts]:
        """Those of these clients: a call for each."""
        if not clients:
            return {}
        notes = self._open(",".join(map(str, sorted(clients))))
        return self._with_discounts(notes, clients, clients)

    def _open(self, clients: str) -> dict[int, Amounts]:
        found: dict[int, Amounts] = defaultdict(lambda: defaultdict(Decimal))
        whose = {"thirdparty_ids": clients} if clients else {}
        for page in pages(self._rest, "invoices", _OPEN, properties=_FIELDS, **whose):
            for row in page:
                left = -remaining(row)
                if left > 0:
                    found[identifier(row["socid"])][row.get("multicurrency_code") or self._currency] += left
        return found

    def _with_discounts(
        self, notes: Mapping[int, Amounts], clients: Collection[int], holders: Collection[int]
    ) -> dict[int, Amounts]:
        found = {client: dict(notes[client]) for client in clients if client in notes}
        for client in sorted(holders):
            left = self._discounts(client)
            if left > 0:
                amounts = found.setdefault(client, {})
                amounts[self._currency] = amounts.get(self._currency, Decimal()) + left
        return found

    def _discounts(self, client: int) -> Decimal:
        """What is available; Dolibarr tells it in the company's currency."""
        try:
            told = rows(self._rest, f"thirdparties/{client}/fixedamountdiscounts", filter="available")
        except Missing:
            return Decimal()
        return sum((number(row.get("amount_ttc")) for row in told), Decimal())
