"""Clients: Odoo's commercial partners, with the people below them and what they are credited with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from relance_addon.connectors.odoo.credits import Amounts
from relance_addon.connectors.odoo.fields import Fields
from relance_addon.connectors.odoo.records import Record, Records
from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts import making

# An archived partner may still owe.
_ARCHIVED_TOO: Final = {"active_test": False}


class Clients:
    """Reads partners, and makes clients and contacts of them."""

    def __init__(self, records: Records, client: Fields, contact: Fields) -> None:
        self._records = records
        self._client = client
        self._contact = contact
        self._paths = {*client.paths, *contact.paths, "commercial_partner_id", "active"}

    def partners(self, clients: Collection[int], persons: Collection[int] = ()) -> list[Record]:
        """The partners that are these clients or belong to them, and these persons, whoever they belong to."""
        domain = ["|", ("id", "in", sorted({*clients, *persons})), ("commercial_partner_id", "in", sorted(clients))]
        return self._records.search("res.partner", domain, self._paths, order="id", context=_ARCHIVED_TOO)

    def changed(self, clients: Collection[int], since: str, others: Collection[int]) -> list[Record]:
        """Those partners of these clients that changed since then (UTC, as Odoo writes it), and the ``others``."""
        ids = sorted(clients)
        theirs = ["&", ("write_date", ">=", since), "|", ("id", "in", ids), ("commercial_partner_id", "in", ids)]
        domain = ["|", ("id", "in", sorted(others)), *theirs]
        return self._records.search("res.partner", domain, ["commercial_partner_id"], context=_ARCHIVED_TOO)

    def made(
        self,
        clients: Collection[int],
        partners: Iterable[Record],
        credits: Mapping[int, Amounts],
        problems: list[Problem],
    ) -> list[Client]:
        """These clients, of ``partners`` that were read, with the ``credits`` of each partner."""
        below: dict[int, list[Record]] = defaultdict(list)
        for row in partners:
            below[owner(row, clients)].append(row)
        return [
            self._made(row, below[row["id"]], credits, problems)
            for rows in list(below.values())
            for row in rows
            if row["id"] in clients
        ]

    def contacts(self, row: Record) -> list[Contact]:
        """The people in a partner's e-mail field."""
        return making.contacts(self._contact, row)

    def _made(
        self, row: Record, below: Sequence[Record], credits: Mapping[int, Amounts], problems: list[Problem]
    ) -> Client:
        others = (one for one in below if one["id"] != row["id"] and one["active"])
        people = [contact for one in others for contact in self.contacts(one)]
        return making.client(self._client, row, people, _total(credits.get(one["id"], {}) for one in below), problems)


def owner(partner: Record, clients: Collection[int]) -> int:
    """The client that a partner belongs to: itself, where it is one."""
    number: int = partner["id"]
    return number if number in clients else partner["commercial_partner_id"] or number


def _total(credits: Iterable[Amounts]) -> Amounts:
    total: Amounts = defaultdict(Decimal)
    for amounts in credits:
        for currency, amount in amounts.items():
            total[currency] += amount
    return dict(total)
