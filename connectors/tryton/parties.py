"""Parties as clients, with their e-mail addresses, language, country, categories and credits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final

from relance_addon.connectors.tryton.fields import MODELS, Fields
from relance_addon.connectors.tryton.invoices import hold
from relance_addon.connectors.tryton.records import Record, Records, id_of
from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts import making
from relance_addon.hosts.port import Kind

_EMAILS: Final = (["type", "=", "email"],)
_BILLING: Final = "billing"
Credits = Mapping[str, Decimal]


class Parties:
    """Reads parties. What is read once is kept: it lasts for one reading of the host."""

    def __init__(self, records: Records, client: Fields, contact: Fields) -> None:
        self._records, self._client, self._contact = records, client, contact
        self._rows: dict[int, Record] = {}
        self._people: dict[int, list[Record]] = defaultdict(list)

    def read(self, ids: Collection[int]) -> None:
        """Read those that were not read yet, with their addresses."""
        unread = {one for one in ids if one} - self._rows.keys()
        if not unread:
            return
        for row in self._records.among(MODELS["client"], unread, self._client.paths):
            self._rows[row["id"]] = _told(row)
        for row in sorted(
            self._records.among(MODELS["contact"], unread, self._contact.paths, _EMAILS, "party"), key=_order
        ):
            self._people[id_of(row["party"])].append(row)

    def records(self) -> dict[Kind, list[Record]]:
        """All that was read."""
        return {"client": [*self._rows.values()], "contact": [row for rows in self._people.values() for row in rows]}

    def clients(self, ids: Collection[int], credits: Mapping[int, Credits], problems: list[Problem]) -> list[Client]:
        """These as clients; they have been read."""
        return [
            making.client(self._client, self._rows[one], self._contacts(one), credits.get(one, {}), problems, hold)
            for one in sorted(ids)
            if one in self._rows
        ]

    def addressed(self, party: int, address: int | None) -> list[Contact]:
        """The people for invoices of that address of a party's alone."""
        rows = [row for row in self._people.get(party, ()) if address and id_of(row["address"]) == address]
        return [one for row in rows for one in making.contacts(self._contact, row) if _BILLING in one.roles]

    def _contacts(self, party: int) -> list[Contact]:
        return [one for row in self._people.get(party, ()) for one in making.contacts(self._contact, row)]


def _told(row: Record) -> Record:
    """The row with what it says between the lines: see mapping.toml."""
    addresses: Sequence[Record] = sorted(row.get("addresses") or (), key=_order)
    row["address"] = next((one for one in addresses if one.get("invoice")), addresses[0] if addresses else None)
    # Its own ones: of whoever has none, dunning_procedure is that of all.
    procedures = [one["dunning_procedure"] for one in row.get("dunning_procedures") or ()]
    row["exempt"] = any(one and not one["levels"] for one in procedures)
    return row


def _order(row: Record) -> tuple[bool, int, int]:
    """Tryton's own: what has no place comes first."""
    return row.get("sequence") is not None, row.get("sequence") or 0, row["id"]
