"""Customer invoices as Dolibarr's lists give them: with what remains to pay, and no call for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, TypeVar, cast
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr.fields import Fields
from relance_addon.connectors.dolibarr.rest import Rest, Row, among, pages
from relance_addon.connectors.dolibarr.values import day_in, hold_in, identifier, remaining, state, total
from relance_addon.core.model import STATUSES, Contact, Invoice, Problem, Status
from relance_addon.hosts import values
from relance_addon.hosts.problems import Wrong

T = TypeVar("T")

SALES: Final = "(t.type:in:0,1,3,5)"
"""Invoices, replacements, deposits and situations; not credit notes and pro formas."""
OWED: Final = f"(t.fk_statut:in:0,1) and (t.paye:=:0) and {SALES}"
"""Drafts and validated ones; some of these turn out to be paid in full."""
CLOSED: Final = f"(t.fk_statut:in:2,3) and {SALES}"
"""What was closed, paid or not."""
PATH: Final = "invoices"
_DAY: Final = timedelta(days=1)
_NEVER: Final = date(9999, 1, 1)


class Invoices:
    """Reads invoices, and makes invoices of ours of them."""

    def __init__(self, rest: Rest, fields: Fields, zone: ZoneInfo, currency: str, links: bool, builds: bool) -> None:
        """``currency``: the company's. ``links``: online payment is on. ``builds``: every invoice can have a PDF."""
        self._rest, self._fields, self._currency = rest, fields, currency
        self._links, self._builds = links, builds
        self._day, self._hold = day_in(zone), hold_in(zone)

    def owed(self) -> Iterator[list[Row]]:
        """What is owed and drafts, by pages in order of id."""
        for page in pages(self._rest, PATH, OWED, properties=self._fields.properties):
            yield [row for row in map(self.told, page) if row["state"] in ("draft", "open")]

    def some(self, ids: Collection[int]) -> list[Row]:
        """These, whatever became of them."""
        found = among(self._rest, PATH, "t.rowid", ids, SALES, properties=self._fields.properties)
        return [self.told(row) for row in found]

    def closed(self, since: date, today: date) -> dict[int, date]:
        """The invoices (ids) that were closed after ``since``, and the day, be it after ``today``.

        Dolibarr compares the day of closing and tells it in no list: the days are halved until each stands alone.
        """
        first = since + _DAY
        return dict(self._dated(self._closed(first, _NEVER), first, _NEVER - _DAY, max(today, first) + _DAY))

    def _dated(self, ids: set[int], first: date, last: date, middle: date | None = None) -> Iterator[tuple[int, date]]:
        if not ids or first == last:
            yield from ((one, first) for one in ids)
            return
        middle = middle or first + (last - first + _DAY) // 2
        later = ids & self._closed(middle, last + _DAY)
        yield from self._dated(ids - later, first, middle - _DAY)
        yield from self._dated(later, middle, last)

    def _closed(self, first: date, before: date) -> set[int]:
        where = f"{CLOSED} and (t.date_closing:>=:'{first}') and (t.date_closing:<:'{before}')"
        return {int(row["id"]) for page in pages(self._rest, PATH, where, properties="id") for row in page}

    def told(self, row: Row) -> Row:
        """The row with what it says between the lines: see mapping.toml."""
        row["remain"], row["amount"] = remaining(row), total(row)
        row["state"] = state(row, row["remain"])
        row["currency"] = row.get("multicurrency_code") or self._currency
        return row

    def client(self, row: Row) -> int:
        """The id of the third party that owes an invoice; 0 for none."""
        return identifier(self._fields.value("client", row))

    def made(self, row: Row, contacts: Iterable[Contact], problems: list[Problem]) -> Invoice:
        """An invoice of ours; ``contacts`` are the people it names."""
        number = values.text(self._fields.value("number", row)) or str(row["id"])
        status = self._status(row)
        wrong = Wrong(number)
        known = self._fields.known

        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return (
                wrong.take(field, convert, self._fields.value(field, row), otherwise) if field in known else otherwise
            )

        issued = take("issue_date", self._day, None)
        if issued is None and status != "draft" and not wrong.problems:
            wrong.add("issue_date", "missing")
        link = take("payment_link", values.text, "")
        invoice = Invoice(
            id=str(row["id"]),
            number=number,
            client=take("client", values.text, ""),
            status=status,
            issue_date=issued,
            due_date=take("due_date", self._day, None),
            total=take("total", values.amount, Decimal()),
            residual=take("residual", values.amount, Decimal()),
            currency=take("currency", values.text, "") or self._currency,
            salesperson=take("salesperson", values.person, None),
            payment_link=link or (values.text(row.get("online_payment_url")) if self._links else ""),
            pdf=self._pdf(take("pdf", values.text, ""), number),
            program=take("program", values.text, ""),
            held_until=take("hold_until", self._hold, None),
            contacts=tuple(contacts),
        )
        problems += wrong.problems
        return replace(invoice, invalid=wrong.text) if wrong.problems else invoice

    def _pdf(self, kept: str, number: str) -> str:
        """The last document that Dolibarr made, where it is a PDF; else the one that could be built."""
        if kept.lower().endswith(".pdf"):
            return kept
        return number if self._builds else ""

    def _status(self, row: Mapping[str, Any]) -> Status:
        """Of a validated invoice what the mapping says, where that is a status of ours; else what Dolibarr says."""
        mapped = self._fields.value("status", row)
        usable = mapped in STATUSES and row["state"] == "open"
        return cast(Status, mapped if usable else row["state"])
