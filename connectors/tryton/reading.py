"""Invoices and parties as Tryton has them: all that is owed, some as they are now, or what was settled.

A payment leaves its trace in entries, not in the invoice, so all that is owed is read each time; what a pull no longer
has is settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from relance_addon.connectors.tryton.credits import Credits
from relance_addon.connectors.tryton.fields import MODELS, Fields, Sources
from relance_addon.connectors.tryton.invoices import OWED, SALES, Invoices
from relance_addon.connectors.tryton.parties import Parties
from relance_addon.connectors.tryton.records import PAGE, Domain, Record, Records, id_of
from relance_addon.core.model import Client, Invoice, Problem
from relance_addon.hosts.bound import first
from relance_addon.hosts.chunks import chunks
from relance_addon.hosts.port import Kind, Page, PastPage, Pull

_MODEL: Final = MODELS["invoice"]
_LINE: Final = "account.move.line"
_REMAINS: Final = "amount_to_pay"
_IN_PAYMENT: Final = "payment_amount"
"""The field of a line where payments under way are known: what remains is less than the lines say."""
_SAMPLED: Final = 50
"""How many invoices are looked at for samples: some fields are filled now and then."""


@dataclass(frozen=True)
class Company:
    """The company whose invoices are read: its id, its currency's id and code, and whether it makes PDFs."""

    id: int
    currency: int
    code: str
    prints: bool

    @property
    def own(self) -> Domain:
        """The domain of its records."""
        return [["company", "=", self.id]]


class Reader:
    """Reads invoices with their clients. What is read once is kept: a Reader lasts for one reading of the host."""

    def __init__(self, records: Records, sources: Sources, company: Company) -> None:
        self._records, self._company = records, company
        self._fields = {kind: Fields(kind, sources.by_kind[kind], records) for kind in MODELS}
        self._invoices = Invoices(self._fields["invoice"], sources, company.currency, company.prints)
        self._parties = Parties(records, self._fields["client"], self._fields["contact"])
        self._credits = Credits(records, [["account.company", "=", company.id]], company.code)
        self._given: set[int] = set()
        # Asked of each invoice it costs Tryton more than all the rest, so only where lines do not tell.
        self._asks = bool(records.existing(_LINE, [_IN_PAYMENT]))

    def pull(self) -> Pull:
        """All that is owed. Each client comes with the first of its invoices."""
        return Pull(self._all(), full=True)

    def some(self, ids: Sequence[str]) -> Page:
        """These invoices as they are now, whatever became of them, and their clients."""
        rows = self._some(ids)
        there = {str(row["id"]) for row in rows}
        clients = {self._invoices.client(row) for row in rows} - {0}
        page = self._page(rows, clients, self._credits.of(clients) if clients else {})
        return page._replace(gone=[one for one in ids if one not in there])

    def invoices(self, ids: Sequence[str]) -> list[Invoice]:
        """These invoices alone, in one call."""
        return [self._invoices.made(row, (), []) for row in self._some(ids)]

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """What was reconciled after ``since``, and the clients; their credits of today are not asked for."""
        for ids in chunks(sorted(self._reconciled(since)), PAGE):
            paths = [*self._fields["invoice"].paths, "reconciled"]
            rows = self._records.among(_MODEL, ids, paths, [*self._company.own, *SALES])
            settled = [row for row in rows if row["total_amount"] >= 0 and row["reconciled"]]
            found = [self._invoices.told(row) for row in settled if row["reconciled"] > since]
            page = self._new(found, {})
            yield PastPage(page.invoices, page.clients, {str(row["id"]): row["reconciled"] for row in found})

    def numbered(self, number: str) -> list[str]:
        """The ids of the customer invoices of a number."""
        domain = [*self._company.own, *SALES, ["number", "=", number]]
        return [str(row["id"]) for row in self._records.search(_MODEL, domain, ())]

    def samples(self, count: int) -> dict[Kind, dict[str, list[Any]]]:
        """The first values of each field of ours among the newest that is owed."""
        domain = [*self._company.own, *OWED]
        paths = [*self._fields["invoice"].paths, _REMAINS]
        rows = [self._invoices.told(row) for row in self._records.newest(_MODEL, domain, paths, _SAMPLED)]
        self._parties.read({self._invoices.client(row) for row in rows})
        records: dict[Kind, list[Record]] = {"invoice": rows, **self._parties.records()}
        return {
            kind: {field: first(count, (fields.value(field, row) for row in records[kind])) for field in fields.known}
            for kind, fields in self._fields.items()
        }

    def _all(self) -> Iterator[Page]:
        paths = [*self._fields["invoice"].paths, *[_REMAINS] * self._asks]
        for page in self._records.pages(_MODEL, [*self._company.own, *OWED], paths):
            rows = [self._invoices.told(row) for row in page]
            self._ask([row for row in rows if row["remain"] is None])
            yield self._new([row for row in rows if _owed(row)], self._credits.all())

    def _some(self, ids: Sequence[str]) -> list[Record]:
        return list(self._told({int(one) for one in ids if one.isdecimal()}))

    def _told(self, ids: Collection[int]) -> Iterator[Record]:
        """Invoices with what remains as Tryton itself says it."""
        paths = [*self._fields["invoice"].paths, _REMAINS]
        for row in self._records.among(_MODEL, ids, paths, [*self._company.own, *SALES]):
            yield self._invoices.told(row)

    def _ask(self, rows: Sequence[Record]) -> None:
        remain = {
            row["id"]: row[_REMAINS] for row in self._records.among(_MODEL, [row["id"] for row in rows], [_REMAINS])
        }
        for row in rows:
            row["remain"] = remain.get(row["id"])

    def _reconciled(self, since: date) -> set[int]:
        """The invoices (ids) of which a line was reconciled after that day."""
        domain = [
            ["account.company", "=", self._company.id],
            ["account.type.receivable", "=", True],
            ["reconciliation.date", ">", since],
            ["move.origin", "like", f"{_MODEL},%"],
        ]
        pages = self._records.pages(_LINE, domain, ["move.origin"])
        return {int(row["move"]["origin"].partition(",")[2]) for page in pages for row in page}

    def _new(self, rows: Sequence[Record], credits: Mapping[int, Any]) -> Page:
        """A page with the clients that were not given yet."""
        new = {self._invoices.client(row) for row in rows} - self._given - {0}
        self._given |= new
        return self._page(rows, new, credits)

    def _page(self, rows: Sequence[Record], clients: Collection[int], credits: Mapping[int, Any]) -> Page:
        problems: list[Problem] = []
        self._parties.read({*clients, *(self._invoices.client(row) for row in rows)})
        found: list[Client] = self._parties.clients(clients, credits, problems)
        invoices = [
            self._invoices.made(
                row, self._parties.addressed(self._invoices.client(row), id_of(row.get("invoice_address"))), problems
            )
            for row in rows
        ]
        return Page(invoices, found, problems)


def _owed(row: Record) -> bool:
    return bool(row["total_amount"] >= 0) and (row["state"] != "posted" or (row["remain"] or 0) > 0)
