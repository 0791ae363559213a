"""Clients and their contacts: of their own files, or made of the invoices' columns."""

from __future__ import annotations

from dataclasses import replace

from relance_addon.connectors.files import values
from relance_addon.connectors.files.cells import Line, Parsers, there, whole
from relance_addon.connectors.files.opened import Opened
from relance_addon.connectors.files.table import Record, Table
from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts import mapping


class People:
    """Clients by id, where each stands, and what was wrong in their files. Derived ones are added as invoices pass."""

    def __init__(self, opened: Opened, parsers: Parsers) -> None:
        self.derived, self.parsers = opened.derived, parsers
        self.table = opened.tables.get("clients", opened.invoices)
        self._pick = mapping.columns(opened.sources["client"], self.table.columns, mapping.FIELDS["client"])
        self.clients: dict[str, Client] = {}
        self.places: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._derived_problems: dict[str, list[Problem]] = {}
        self._contacts: dict[str, tuple[Contact, ...]] = {}
        if not self.derived:
            self._load()
        if "contacts" in opened.tables:
            self._load_contacts(opened.tables["contacts"], opened.sources["contact"])

    def missing(self, client: str) -> str:
        """Why an invoice or contact of this client cannot be used; empty when it can."""
        if self.derived or client in self.clients:
            return ""
        return f"no client {client!r} in {self.table.shown}"

    def derive(self, id_: str, place: int, row: list[str]) -> list[Problem]:
        """Make the client ``id_`` of an invoice's row, unless an earlier line did; what is wrong with it."""
        if id_ not in self.clients:
            line = Line(self.table, place)
            client = self._client((place, row, ""), line)
            if client is not None:
                self.clients[id_] = replace(client, contacts=self._contacts.get(id_, ()))
                self.places[id_] = place
            self._derived_problems[id_] = line.problems
        return self._derived_problems.get(id_, [])

    def _load(self) -> None:
        for record in self.table.records():
            line = Line(self.table, record[0])
            client = self._client(record, line)
            if client is not None:
                if client.id in self.places:
                    line.wrong("id", f"{client.id!r} stands on an earlier line already, which is the one used")
                else:
                    self.places[client.id] = record[0]
                    self.clients[client.id] = client
            self.problems += line.problems

    def _client(self, record: Record, line: Line) -> Client | None:
        """The client of a record; None when its id cannot be read."""
        parsers, (_, row, error) = self.parsers, record
        if error:
            line.wrong("", error)
        elif not any(row):
            return None
        cells = self._pick(whole(row, len(self.table.columns)))
        id_, name, email, language, country, tags, program, hold, credit = cells
        if error:
            key = id_.strip()
            return Client(key, key, invalid=line.invalid) if key and key.isprintable() else None
        key = line.take("id", values.identifier, id_, "")
        if not key:
            return None
        client = Client(
            key,
            values.line(name) or key,
            line.take("email", values.email, email, "") if email else "",
            language.strip(),
            country.strip().upper(),
            parsers.words[tags],
            values.line(program),
            line.take("hold_until", parsers.hold.__getitem__, hold, None) if hold else None,
            line.take("credit", parsers.credit, credit, {}) if credit else {},
        )
        return replace(client, invalid=line.invalid) if line.problems else client

    def _load_contacts(self, table: Table, sources: mapping.Sources) -> None:
        pick = mapping.columns(sources, table.columns, mapping.FIELDS["contact"])
        found: dict[str, list[Contact]] = {}
        for place, row, error in table.records():
            line = Line(table, place)
            if error:
                line.wrong("", error)
            elif any(row):
                client, name, email, roles = pick(row)
                client = line.take("client", values.identifier, client, "")
                if client and (missing := self.missing(client)):
                    line.wrong("client", missing)
                address = line.take("email", there(values.email), email, "")
                if not line.problems:
                    contact = Contact(values.line(name), address, values.words(roles.lower()))
                    found.setdefault(client, []).append(contact)
            self.problems += line.problems
        self._contacts = {client: tuple(contacts) for client, contacts in found.items()}
        for client, contacts in self._contacts.items():
            if client in self.clients:
                self.clients[client] = replace(self.clients[client], contacts=contacts)
