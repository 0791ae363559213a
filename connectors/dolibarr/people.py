"""Third parties as clients, with their contacts, categories and credits; and the users who made invoices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr.fields import Fields
from relance_addon.connectors.dolibarr.rest import Denied, Rest, Row, among, rows
from relance_addon.connectors.dolibarr.values import hold_in, identifier
from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts import making, values
from relance_addon.hosts.port import Kind

_ROLES: Final = {"BILLING": "billing", "SHIPPING": "shipping", "SERVICE": "service"}
"""Dolibarr's roles of a contact on invoices."""
_BILLING: Final = "billing"
_USER: Final = "id,lastname,firstname,email"
Credits = Mapping[str, Decimal]


class People:
    """Reads third parties, contacts and users. What is read once is kept: it lasts for one reading of the host."""

    def __init__(self, rest: Rest, client: Fields, contact: Fields, zone: ZoneInfo) -> None:
        self._rest, self._client, self._contact = rest, client, contact
        self._hold = hold_in(zone)
        self._contacts: dict[int, Row] = {}
        self._users: dict[int, Row] = {}
        self._categories: dict[int, list[str]] | None = None

    def clients(self, ids: Collection[int], credits: Mapping[int, Credits], problems: list[Problem]) -> list[Client]:
        """These third parties with all of their contacts that are in use."""
        found = self.records(ids)
        theirs: dict[int, list[Row]] = defaultdict(list)
        for row in found["contact"]:
            theirs[identifier(row["socid"])].append(row)
        numbered = [(identifier(row["id"]), row) for row in found["client"]]
        return [self._made(row, theirs[number], credits.get(number, {}), problems) for number, row in numbered]

    def records(self, ids: Collection[int]) -> dict[Kind, list[Row]]:
        """These third parties and their contacts in use, as Dolibarr has them and with what mapping.toml adds."""
        if not ids:
            return {"client": [], "contact": []}
        tags = self._tags()
        parties = list(among(self._rest, "thirdparties", "t.rowid", ids, properties=self._client.properties))
        for row in parties:
            row["categories"] = tags.get(identifier(row["id"]), [])
        return {"client": parties, "contact": list(self._read_contacts("t.fk_soc", ids))}

    def named(self, moves: Iterable[Row]) -> dict[int, list[Contact]]:
        """Whom each of these invoices (by id) is addressed to: its own contacts that can be written to.

        Dolibarr lists them without saying what for, so those who are usually written to about invoices come alone, and
        those usually written to about other things never.
        """
        # Dolibarr gives them by their last names: two of the same name come in any order, now so, now so.
        wanted = {int(row["id"]): sorted(identifier(one) for one in row.get("contacts_ids") or ()) for row in moves}
        unread = {one for ids in wanted.values() for one in ids} - self._contacts.keys()
        if unread:
            list(self._read_contacts("t.rowid", unread))
        return {
            move: self._billing([self._contacts[one] for one in ids if one in self._contacts])
            for move, ids in wanted.items()
            if ids
        }

    def authors(self, ids: Collection[int]) -> Mapping[int, Row]:
        """Users as ``name`` and ``email``; none where this user may not see them."""
        unread = {one for one in ids if one} - self._users.keys()
        if unread:
            try:
                found = list(among(self._rest, "users", "t.rowid", unread, properties=_USER))
            except Denied:
                found = []
            self._users.update({key: {} for key in unread})
            self._users.update((identifier(row["id"]), _user(row)) for row in found)
        return self._users

    def _read_contacts(self, column: str, ids: Collection[int]) -> Iterable[Row]:
        for row in among(self._rest, "contacts", column, ids, includeroles=1, properties=self._contact.properties):
            if str(row.get("statut")) == "1":
                row["default_roles"] = _roles(row)
                self._contacts[identifier(row["id"])] = row
                yield row

    def _billing(self, contacts: Sequence[Row]) -> list[Contact]:
        usable = [row for row in contacts if values.email(self._contact.value("email", row))]
        billing = [row for row in usable if _BILLING in row["default_roles"]]
        chosen = billing or [row for row in usable if not row["default_roles"]]
        return [
            replace(one, roles=tuple(dict.fromkeys((_BILLING, *one.roles))))
            for row in chosen
            for one in making.contacts(self._contact, row)
        ]

    def _made(self, row: Row, contacts: Sequence[Row], credits: Credits, problems: list[Problem]) -> Client:
        people = [person for one in contacts for person in making.contacts(self._contact, one)]
        return making.client(self._client, row, people, credits, problems, self._hold)

    def _tags(self) -> Mapping[int, Sequence[str]]:
        """The names of the categories of customers, by third party: a call for each category."""
        if self._categories is None:
            found: dict[int, list[str]] = defaultdict(list)
            try:
                for category in rows(self._rest, "categories", type="customer", limit=0):
                    # Asked for third parties of all kinds, Dolibarr gives none that has no category as a supplier.
                    told = {"mode": 1, "category": category["id"], "limit": 0, "properties": "id"}
                    for row in rows(self._rest, "thirdparties", **told):
                        found[identifier(row["id"])].append(values.text(category.get("label")))
            except Denied:
                pass
            self._categories = found
        return self._categories


def _roles(row: Row) -> list[str]:
    """What a contact usually is for on its own third party's invoices."""
    told = row.get("roles")
    found = [
        _ROLES.get(str(one.get("code")), "")
        for one in (told.values() if isinstance(told, Mapping) else ())
        if one.get("element") == "facture" and str(one.get("socid")) == str(row.get("socid"))
    ]
    return list(dict.fromkeys(filter(None, found)))


def _user(row: Row) -> Row:
    name = " ".join(filter(None, (values.text(row.get("firstname")), values.text(row.get("lastname")))))
    return {"name": name, "email": values.text(row.get("email"))}
