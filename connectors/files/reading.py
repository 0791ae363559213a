"""The folder as it was at one moment: pages of what is owed, and any few invoices again.

Clients, contacts and instalments are held in memory; invoices pass by in pages, and of each only its place is kept, so
that a few of them can be read again without reading the file again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property
from typing import Final

from relance_addon.connectors.files.cells import Line, Parsers, whole
from relance_addon.connectors.files.folder import Pdfs, modified, present
from relance_addon.connectors.files.instalments import Instalments
from relance_addon.connectors.files.invoices import Invoices, Pdf
from relance_addon.connectors.files.opened import Opened
from relance_addon.connectors.files.people import People
from relance_addon.connectors.files.table import line_of
from relance_addon.core.model import OWED, Client, Invoice, Problem
from relance_addon.hosts import mapping
from relance_addon.hosts.port import Kind, Page, PastPage

PAGE: Final = 1000
_MOST_FOLDERS: Final = 20


class Ledger:
    """What the open files hold. Nothing is read before it is asked for."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.parsers = Parsers(opened.settings, opened.surroundings.currency)
        self._index: dict[str, int] | None = None

    @cached_property
    def people(self) -> People:
        """Clients and contacts."""
        # Before the first line is read: what changes while they are read is then seen the next time.
        self.opened.digest()
        return People(self.opened, self.parsers)

    @cached_property
    def instalments(self) -> Instalments:
        """Instalments by invoice."""
        return Instalments(self.opened.table_of("instalment"), self.opened.sources["instalment"], self.parsers)

    def unchanged(self, cursor: str, today: date) -> bool:
        """Whether a pull that ended in ``cursor`` would give the same again."""
        fingerprint, _, folders = cursor.partition(" ")
        if not fingerprint or fingerprint != self.opened.fingerprint(today):
            return False
        seen: dict[str, int] = json.loads(folders) if folders else {}
        return all(modified(self.opened.folder.path / folder) == when for folder, when in seen.items())

    def pages(self, today: date) -> Iterator[Page]:
        """Every client, and every invoice that is draft, open or disputed, in the order of the files."""
        problems = [*self.people.problems, *self.instalments.problems]
        sound = not problems
        if not self.opened.derived:
            everyone = list(self.people.clients.values())
            for start in range(0, len(everyone), PAGE):
                yield Page(clients=everyone[start : start + PAGE], problems=problems)
                problems = []
        pdf = Pdfs(self.opened.folder.path)
        index: dict[str, int] = {}
        sent: set[str] = set()
        for invoices, wrong in self._batches(self._invoices(today, pdf), index):
            sound = sound and not wrong
            yield Page(invoices, self._new_clients(invoices, sent), [*problems, *wrong])
            problems = []
        self._index = index
        strays = list(self.instalments.strays(index, self.opened.invoices.shown))
        yield Page(problems=[*problems, *strays], cursor=self._end(today, pdf) if sound and not strays else "")

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """The invoices that were settled after ``since``; what is wrong is left out."""
        table, index, days = self.opened.invoices, self.index(), self.parsers.day
        pick = mapping.columns(self.opened.sources["invoice"], table.columns, ("id", "settled_date"))
        reader = self._invoices(today, lambda text: "")
        found: list[Invoice] = []
        settled: dict[str, date] = {}
        for record in table.records():
            place, row, error = record
            key, text = ("", "") if error else pick(row[:])  # a copy: it is lengthened
            with suppress(ValueError):
                on = days[text]
                if on is not None and on > since and index.get(key.strip()) == place:
                    invoice = reader.quick(row)
                    if self.opened.settles or invoice.status not in OWED:
                        found.append(invoice)
                        settled[invoice.id] = on
            if len(found) == PAGE:
                yield self._past(found, settled)
                found, settled = [], {}
        yield self._past(found, settled)

    def _past(self, invoices: Sequence[Invoice], settled: Mapping[str, date]) -> PastPage:
        return PastPage(invoices, self._clients_of(invoices), settled)

    def read(self, ids: Sequence[str], today: date) -> Page:
        """These invoices in any status, and their clients; those that are not in the file are gone."""
        index = self.index()
        reader = self._invoices(today, lambda text: present(self.opened.folder.path, text))
        invoices: list[Invoice] = []
        problems: list[Problem] = []
        gone: list[str] = []
        for key in dict.fromkeys(ids):
            line = Line(reader.table, index.get(key, 0))
            invoice = reader.read(reader.table.record(index[key]), line) if key in index else None
            problems += line.problems
            if invoice is None or reader.hidden(invoice):
                gone.append(key)
            else:
                invoices.append(invoice)
        return Page(invoices, self._clients_of(invoices), problems, gone)

    def _clients_of(self, invoices: Sequence[Invoice]) -> list[Client]:
        wanted = dict.fromkeys(invoice.client for invoice in invoices)
        return [self.people.clients[client] for client in wanted if client in self.people.clients]

    def numbered(self, number: str) -> list[str]:
        """The ids of the invoices of a number, whatever their status."""
        table = self.opened.invoices
        pick = mapping.columns(self.opened.sources["invoice"], table.columns, ("id", "number"))
        known, found = self.index(), list[str]()
        for place, row, error in table.records():
            key, said = (text.strip() for text in pick(whole(row, len(table.columns)) if error else row))
            if (said or key) == number and known.get(key) == place:
                found.append(key)
        return found

    def locate(self, kind: Kind, ids: Sequence[str]) -> dict[str, str]:
        """The file and line of invoices and clients."""
        if kind not in ("invoice", "client"):
            return {}
        index = self.index()
        places, table = (index, self.opened.invoices) if kind == "invoice" else (self.people.places, self.people.table)
        return {key: f"{table.shown}:{line_of(places[key])}" for key in ids if key in places}

    def index(self) -> dict[str, int]:
        """Where each invoice stands, by id; derived clients are made on the way."""
        if self._index is None:
            people, table = self.people, self.opened.invoices
            pick = mapping.columns(self.opened.sources["invoice"], table.columns, ("id", "client"))
            width, found = len(table.columns), dict[str, int]()
            for place, row, error in table.records():
                key, client = pick(whole(row, width) if error else row)
                key = key.strip()
                first = bool(key) and key.isprintable() and found.setdefault(key, place) == place
                client = client.strip() if people.derived and not error else ""
                if first and client and client not in people.clients:
                    people.derive(client, place, row)
            self._index = found
        return self._index

    def _invoices(self, today: date, pdf: Pdf) -> Invoices:
        return Invoices(self.opened, self.parsers, self.people, self.instalments, today, pdf)

    def _batches(self, reader: Invoices, index: dict[str, int]) -> Iterator[tuple[list[Invoice], list[Problem]]]:
        table, people = reader.table, self.people
        quick, owed, derived, hides = reader.quick, OWED, people.derived, reader.settles
        place_of = index.setdefault
        met: set[str] = set()
        invoices: list[Invoice] = []
        problems: list[Problem] = []
        for record in table.records():
            place, row, error = record
            try:
                if error:
                    raise ValueError
                invoice = quick(row)
            except ValueError:
                line = Line(table, place)
                mended = reader.mend(record, line)
                problems += line.problems
                if mended is None:
                    continue
                invoice = mended
            if place_of(invoice.id, place) != place:
                text = f"{invoice.id!r} stands on an earlier line already, which is the one used"
                problems.append(table.problem(place, "id", text))
                continue
            if derived and not error and invoice.client and invoice.client not in met:
                met.add(invoice.client)
                problems += people.derive(invoice.client, place, row)
            if invoice.status in owed and not (hides and reader.hidden(invoice)):
                invoices.append(invoice)
            if len(invoices) >= PAGE or len(problems) >= PAGE:
                yield invoices, problems
                invoices, problems = [], []
        if invoices or problems:
            yield invoices, problems

    def _new_clients(self, invoices: Sequence[Invoice], sent: set[str]) -> list[Client]:
        if not self.people.derived:
            return []
        wanted = dict.fromkeys(invoice.client for invoice in invoices if invoice.client not in sent)
        sent.update(wanted)
        return [self.people.clients[client] for client in wanted if client in self.people.clients]

    def _end(self, today: date, pdf: Pdfs) -> str:
        """The cursor, unless a file changed under our hands or there are too many folders of PDFs to watch."""
        if len(pdf.folders) > _MOST_FOLDERS or not self.opened.intact():
            return ""
        fingerprint = self.opened.fingerprint(today)
        return f"{fingerprint} {json.dumps(pdf.folders)}" if pdf.folders else fingerprint
