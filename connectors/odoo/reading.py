"""Invoices and clients as Odoo has them: all that is owed, what changed since, or some of them as they are now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from relance_addon.connectors.odoo import changes
from relance_addon.connectors.odoo.changes import Cursor
from relance_addon.connectors.odoo.clients import Clients, owner
from relance_addon.connectors.odoo.credits import Amounts, Credits
from relance_addon.connectors.odoo.fields import Fields, Sources
from relance_addon.connectors.odoo.invoices import OWED as OWED
from relance_addon.connectors.odoo.invoices import SALES, Invoices
from relance_addon.connectors.odoo.records import Record, Records, Schema
from relance_addon.connectors.odoo.settled import SETTLED, Settlements
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.model import Client, Contact, Problem
from relance_addon.hosts.bound import first
from relance_addon.hosts.chunks import chunks
from relance_addon.hosts.mapping import bind
from relance_addon.hosts.paths import at
from relance_addon.hosts.port import Kind, Page, PastPage, Pull

PAGE: Final = 1000
_SAMPLED: Final = 100
"""How many invoices are looked at for samples: some fields are filled now and then."""


class Reader:
    """Reads invoices with their clients. What is read once is kept: a Reader lasts for one reading of the host."""

    def __init__(self, transport: Transport, schema: Schema, sources: Sources, currency: str) -> None:
        self._transport = transport
        self._records = Records(transport, schema)
        self._fields = {kind: Fields(kind, mapped, schema) for kind, mapped in sources.by_kind.items()}
        self._number = sources.by_kind["invoice"]["number"].direct or "name"
        fields = self._fields["invoice"], self._fields["instalment"]
        status = bind(sources.own_status, at)
        self._invoices = Invoices(self._records, *fields, status, currency)
        self._clients = Clients(self._records, self._fields["client"], self._fields["contact"])
        self._credits = Credits(self._records, currency)
        self._given: set[int] = set()
        self._persons: dict[int, list[Contact]] = {}
        self._credited: dict[int, Amounts] = {}

    def pull(self, cursor: str, today: date) -> Pull:
        """All that is owed, or what changed since ``cursor``.

        What changed is known from the times that Odoo writes on invoices, lines of payment terms and partners, from
        the ids of all that is owed, and from the open credits of all who owe. A tag, a country or a salesperson that
        is renamed, a contact that is deleted, a computed field of the company's own: such a change leaves no trace
        there. So the first pull of each day is a full one, and reminders read again what they are about.
        """
        before = changes.read(cursor)
        if before is None or before.day != today:
            return Pull(self._all(today), full=True)
        return Pull(self._changed(before), full=False)

    def past(self, since: date) -> Iterator[PastPage]:
        """What was settled after ``since``; each client comes with the first of its invoices."""
        settled = Settlements(self._records, PAGE).after(since)
        for chunk in chunks(sorted(settled), PAGE):
            page = self._page(self._invoices.search([*SETTLED, ("id", "in", chunk)], order="id"))
            yield PastPage(page.invoices, page.clients, {one.id: settled[int(one.id)] for one in page.invoices})

    def some(self, ids: Sequence[str]) -> Page:
        """These invoices as they are now, whatever became of them."""
        numbers = [int(one) for one in ids if one.isdecimal()]
        if not numbers:
            return Page(gone=ids)
        page = self._page(self._invoices.search([*SALES, ("id", "in", numbers)], order="id"))
        there = {invoice.id for invoice in page.invoices}
        return page._replace(gone=[one for one in ids if one not in there])

    def numbered(self, number: str) -> list[str]:
        """The ids of the invoices of a number, whatever became of them; several companies may have used it."""
        return [str(one) for one in sorted(self._invoices.ids([*SALES, (self._number, "=", number)]))]

    def samples(self, count: int) -> dict[Kind, dict[str, list[Any]]]:
        """The first values that each field of ours has, by kind, among the newest that is owed."""
        moves = self._invoices.search(OWED, order="id desc", limit=_SAMPLED)
        owing = self._owing(moves)
        partners = self._clients.partners(owing)
        terms = self._invoices.terms([row["id"] for row in moves])
        rows: dict[Kind, list[Record]] = {
            "invoice": moves,
            "client": [row for row in partners if row["id"] in owing],
            "contact": [row for row in partners if row["id"] not in owing],
            "instalment": [line for row in moves for line in terms.get(row["id"], ())],
        }
        return {
            kind: {field: first(count, (fields.value(field, row) for row in rows[kind])) for field in fields.known}
            for kind, fields in self._fields.items()
        }

    def _all(self, today: date) -> Iterator[Page]:
        """Every invoice that is owed, by id. Each client comes with the first of its invoices."""
        now = self._clock()
        owed: set[int] = set()
        last, full = 0, True
        while full:
            rows = self._invoices.search([*OWED, ("id", ">", last)], order="id", limit=PAGE)
            page = self._page(rows)
            full = len(rows) == PAGE
            last = rows[-1]["id"] if rows else last
            owed.update(row["id"] for row in rows)
            if not full:
                page = page._replace(cursor=self._cursor(today, now, owed, self._credited))
            yield page

    def _changed(self, before: Cursor) -> Iterator[Page]:
        """What is newly owed, what is no longer, and of the rest what changed."""
        now = self._clock()
        owed = self._invoices.ids(OWED)
        credits = self._credits.below(before.clients)
        moved = {
            partner
            for partner in credits.keys() | before.credits.keys()
            if credits.get(partner) != before.credits.get(partner)
        }
        touched = self._clients.changed(before.clients, before.since, moved)
        # A client's own name stands in no invoice.
        persons = [row["id"] for row in touched if row["id"] not in before.clients]
        changed = self._invoices.changed(before.since, persons)
        wanted = sorted((changed & owed) | (owed ^ before.owed))

        self._given.update(before.clients)
        for chunk in chunks(wanted, PAGE):
            page = self._page(self._invoices.search([*SALES, ("id", "in", chunk)], order="id"))
            there = {invoice.id for invoice in page.invoices}
            yield page._replace(gone=[str(one) for one in chunk if str(one) not in there])
        anew = {owner(row, before.clients) for row in touched} & before.clients
        for chunk in chunks(sorted(anew), PAGE):
            problems: list[Problem] = []
            yield Page(
                clients=self._clients.made(chunk, self._clients.partners(chunk), credits, problems), problems=problems
            )
        yield Page(cursor=self._cursor(before.day, now, owed, credits | self._credited))

    def _cursor(self, day: date, now: datetime, owed: Iterable[int], credits: Mapping[int, Amounts]) -> str:
        return Cursor(day, now, frozenset(owed), frozenset(self._given), credits).write()

    def _clock(self) -> datetime:
        """Odoo's own time, UTC: what it would date a message with."""
        told = self._transport.call("mail.message", "default_get", fields=["date"])
        return datetime.fromisoformat(told["date"])

    def _owing(self, moves: Iterable[Record]) -> set[int]:
        found = (self._invoices.client(row) for row in moves)
        return {one for one in found if one is not None}

    def _page(self, moves: Sequence[Record]) -> Page:
        """The invoices of these moves, and those of their clients that were not given yet."""
        if not moves:
            return Page()
        lines = self._invoices.terms([row["id"] for row in moves])
        new = self._owing(moves) - self._given
        self._given |= new
        clients, problems = self._people(moves, new)
        invoices = [
            self._invoices.made(
                row, lines.get(row["id"], ()), self._persons.get(self._invoices.person(row) or 0, ()), problems
            )
            for row in moves
        ]
        return Page(invoices, clients, problems)

    def _people(self, moves: Iterable[Record], new: Collection[int]) -> tuple[list[Client], list[Problem]]:
        """The new clients; whom these moves are addressed to is kept."""
        persons = {self._invoices.person(row) for row in moves} - {None} - self._persons.keys()
        if not new and not persons:
            return [], []
        partners = self._clients.partners(new, [one for one in persons if one is not None])
        for row in partners:
            self._persons[row["id"]] = self._clients.contacts(row) if row["active"] else []
        theirs = [row["id"] for row in partners if owner(row, new) in new]
        credits = self._credits.of(theirs)
        self._credited.update(credits)
        problems: list[Problem] = []
        return self._clients.made(new, partners, credits, problems), problems
