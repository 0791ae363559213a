"""Invoices and clients as Dolibarr has them: all that is owed, or some as they are now.

A payment in part leaves no trace in an invoice's time of change, so all that is owed is read each time; what a pull no
longer has is settled.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr.credits import Credits
from relance_addon.connectors.dolibarr.fields import Fields
from relance_addon.connectors.dolibarr.invoices import OWED, PATH, SALES, Invoices
from relance_addon.connectors.dolibarr.people import People
from relance_addon.connectors.dolibarr.rest import PAGE, Rest, Row, rows, saying
from relance_addon.connectors.dolibarr.values import day_in, identifier
from relance_addon.core.model import Client, Invoice, Problem
from relance_addon.hosts.bound import first
from relance_addon.hosts.chunks import chunks
from relance_addon.hosts.port import Kind, Page, PastPage, Pull

_DAYS: Final = frozenset({"issue_date", "due_date"})
_SAMPLED: Final = 50
"""How many invoices are looked at for samples: some fields are filled now and then."""


@dataclass(frozen=True)
class Manner:
    """How to read: the zone of Dolibarr's days, the company's currency, and what every invoice can be said to have."""

    zone: ZoneInfo
    currency: str
    links: bool = False
    builds: bool = False


class Reader:
    """Reads invoices with their clients. What is read once is kept: a Reader lasts for one reading of the host."""

    def __init__(self, rest: Rest, fields: Mapping[Kind, Fields], manner: Manner) -> None:
        self._rest, self._fields, self._day = rest, fields, day_in(manner.zone)
        self._invoices = Invoices(rest, fields["invoice"], manner.zone, manner.currency, manner.links, manner.builds)
        self._people = People(rest, fields["client"], fields["contact"], manner.zone)
        self._credits = Credits(rest, manner.currency)
        self._given: set[int] = set()

    def pull(self) -> Pull:
        """All that is owed. Each client comes with the first of its invoices."""
        return Pull(self._all(), full=True)

    def some(self, ids: Sequence[str]) -> Page:
        """These invoices as they are now, whatever became of them, and their clients."""
        numbers = {int(one) for one in ids if one.isdecimal()}
        moves = self._invoices.some(numbers) if numbers else []
        there = {str(row["id"]) for row in moves}
        clients = {self._invoices.client(row) for row in moves} - {0}
        page = self._page(moves, clients, self._credits.all(clients))
        return page._replace(gone=[one for one in ids if one not in there])

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """What was closed after ``since``, and the clients; their discounts of today are not asked for."""
        closed = self._invoices.closed(since, today)
        for ids in chunks(sorted(closed), PAGE):
            page = self._new(self._invoices.some(ids), lambda new: {})
            yield PastPage(page.invoices, page.clients, {one.id: closed[int(one.id)] for one in page.invoices})

    def invoices(self, ids: Sequence[str]) -> list[Invoice]:
        """These invoices alone, in one call."""
        return [self._invoices.made(row, (), []) for row in self._invoices.some({int(one) for one in ids})]

    def numbered(self, number: str) -> list[str]:
        """The ids of the customer invoices of a number; a draft's, which has brackets, cannot be looked for."""
        return [
            str(row["id"])
            for where in saying("t.ref", [number])
            for row in rows(self._rest, PATH, sqlfilters=f"{where} and {SALES}", properties="id")
        ]

    def samples(self, count: int) -> tuple[dict[Kind, dict[str, list[Any]]], dict[Kind, dict[str, str]]]:
        """The first values of each field of ours among the newest that is owed, and the paths that nothing has."""
        moves = [
            self._invoices.told(row)
            for row in rows(self._rest, PATH, sortfield="t.rowid", sortorder="DESC", limit=_SAMPLED, sqlfilters=OWED)
        ]
        self._name(moves)
        clients = {self._invoices.client(row) for row in moves} - {0}
        records: dict[Kind, list[Row]] = {"invoice": moves, **self._people.records(clients)}
        values = {
            kind: {
                field: first(count, (self._shown(field, fields, row) for row in records[kind]))
                for field in fields.known
            }
            for kind, fields in self._fields.items()
        }
        return values, {kind: fields.unseen(records[kind]) for kind, fields in self._fields.items()}

    def _shown(self, field: str, fields: Fields, row: Row) -> Any:
        """A value as it is read: days as days."""
        value = fields.value(field, row)
        if field not in _DAYS:
            return value
        try:
            return self._day(value)
        except ValueError:
            return value

    def _all(self) -> Iterator[Page]:
        for moves in self._invoices.owed():
            yield self._new(moves, self._credits.told)

    def _new(self, moves: Sequence[Row], credits: Callable[[Collection[int]], Mapping[int, Any]]) -> Page:
        """A page with the clients that were not given yet."""
        new = {self._invoices.client(row) for row in moves} - self._given - {0}
        self._given |= new
        return self._page(moves, new, credits(new))

    def _page(self, moves: Sequence[Row], clients: Collection[int], credits: Mapping[int, Any]) -> Page:
        problems: list[Problem] = []
        found: list[Client] = self._people.clients(clients, credits, problems)
        named = self._people.named(moves)
        self._name(moves)
        invoices = [self._invoices.made(row, named.get(int(row["id"]), ()), problems) for row in moves]
        return Page(invoices, found, problems)

    def _name(self, moves: Sequence[Row]) -> None:
        """Say of each invoice who made it."""
        authors = self._people.authors({identifier(row.get("fk_user_author")) for row in moves})
        for row in moves:
            row["author"] = authors.get(identifier(row.get("fk_user_author")), {})
