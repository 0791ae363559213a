"""Rows of the file of invoices to invoices: quickly where they are sound, with care where they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from relance_addon.connectors.files import values
from relance_addon.connectors.files.cells import Line, Parsers, there, whole
from relance_addon.connectors.files.instalments import Instalments
from relance_addon.connectors.files.opened import Opened
from relance_addon.connectors.files.people import People
from relance_addon.connectors.files.table import Record
from relance_addon.core.model import Invoice, Status
from relance_addon.hosts import mapping

Row = list[str]
Pdf = Callable[[str], str]

_FIELDS: Final = mapping.FIELDS["invoice"]
_ZERO: Final = Decimal()


class Invoices:
    """What a row is on the day ``today``. ``pdf`` tells the path of a PDF that is there."""

    def __init__(
        self, opened: Opened, parsers: Parsers, people: People, instalments: Instalments, today: date, pdf: Pdf
    ) -> None:
        self.table, self.settles = opened.invoices, opened.settles
        self.parsers, self.people, self.instalments, self.today, self.pdf = parsers, people, instalments, today, pdf
        self._pick = mapping.columns(opened.sources["invoice"], self.table.columns, _FIELDS)
        self._width = len(self.table.columns)
        self.quick = self._quick()

    def read(self, record: Record, line: Line) -> Invoice | None:
        """The invoice of a record, whatever is wrong with it, and its problems; None without a readable id."""
        try:
            if not record[2]:
                return self.quick(record[1])
        except ValueError:
            pass
        return self.mend(record, line)

    def hidden(self, invoice: Invoice) -> bool:
        """Whether the invoice is not there yet, where the date of settlement decides."""
        return self.settles and invoice.issue_date is not None and invoice.issue_date > self.today

    def _quick(self) -> Callable[[Row], Invoice]:
        """A function from a row to its invoice. It raises ValueError at anything wrong, which ``mend`` then sorts out.

        This is the inner loop: one look-up per cell, and nothing that only a wrong line needs.
        """
        pick, parsers, settles, today, pdf = self._pick, self.parsers, self.settles, self.today, self.pdf
        days, amount, states, currencies = parsers.day, parsers.amount, parsers.status, parsers.currency
        people, holds, link = parsers.person, parsers.hold, values.link
        known = None if self.people.derived else self.people.clients
        parts, broken = self.instalments.of, self.instalments.broken

        def quick(row: Row) -> Invoice:
            (
                key, number, client, state, issued, due, total, residual, currency, person, url, file, program, hold,
                settled,
            ) = pick(row)  # fmt: skip
            key, client = key.strip(), client.strip()
            number = number.strip() or key
            left, issue = amount(residual), days[issued]
            if not key or not client or left is None or not (key.isprintable() and number.isprintable()):
                raise ValueError
            status = states[state]
            if settles:
                day = days[settled]
                status = "paid" if day is not None and day <= today else "open"
            if issue is None and status != "draft":
                raise ValueError
            if (known is not None and client not in known) or (broken and key in broken):
                raise ValueError
            whole = left if total == residual else amount(total)
            return Invoice(
                key, number, client, status, issue, days[due], left if whole is None else whole, left,
                currencies[currency], people[person] if person else None, link(url) if url else "",
                pdf(file) if file else "", program.strip(), holds[hold] if hold else None, parts.get(key, ()),
            )  # fmt: skip

        return quick

    def mend(self, record: Record, line: Line) -> Invoice | None:
        """The invoice of a wrong record with what can be read of it, and its problems; None without a readable id."""
        parsers, (_, row, error) = self.parsers, record
        cells = dict(zip(_FIELDS, self._pick(whole(row, self._width)), strict=False))
        if error:
            line.wrong("", error)
            return self._remains(cells, line)
        if not any(row[: self._width]):
            return None
        key = line.take("id", values.identifier, cells["id"], "")
        client = line.take("client", values.identifier, cells["client"], "")
        if client and (missing := self.people.missing(client)):
            line.wrong("client", missing)
        status: Status = line.take("status", parsers.status.__getitem__, cells["status"], "open")
        issue = line.take("issue_date", parsers.day.__getitem__, cells["issue_date"], None)
        if issue is None and status != "draft" and not cells["issue_date"].strip():
            line.wrong("issue_date", "missing: only a draft may have none")
        if self.settles:
            day = line.take("settled_date", parsers.day.__getitem__, cells["settled_date"], None)
            status = "paid" if day is not None and day <= self.today else "open"
        due = line.take("due_date", parsers.day.__getitem__, cells["due_date"], None)
        left = line.take("residual", there(parsers.amount), cells["residual"], _ZERO)
        total = line.take("total", parsers.amount, cells["total"], None)
        invoice = Invoice(
            id=key,
            number=values.line(cells["number"]) or key,
            client=client,
            status=status,
            issue_date=issue,
            due_date=due,
            total=left if total is None else total,
            residual=left,
            currency=line.take("currency", parsers.currency.__getitem__, cells["currency"], parsers.default_currency),
            salesperson=line.take("salesperson", parsers.person.__getitem__, cells["salesperson"], None),
            payment_link=line.take("payment_link", values.link, cells["payment_link"], ""),
            pdf=line.take("pdf", self.pdf, cells["pdf"], ""),
            program=cells["program"].strip(),
            held_until=line.take("hold_until", parsers.hold.__getitem__, cells["hold_until"], None),
            instalments=self.instalments.of.get(key, ()),
        )
        invalid = "; ".join(filter(None, [line.invalid, self.instalments.broken.get(key, "")]))
        return replace(invoice, invalid=invalid) if key else None

    def _remains(self, cells: dict[str, str], line: Line) -> Invoice | None:
        """What can be told of a record whose cells cannot be trusted: its id, so that it is not lost silently."""
        key, client = cells["id"].strip(), values.line(cells["client"])
        if not key or not key.isprintable():
            return None
        number, currency = values.line(cells["number"]) or key, self.parsers.default_currency
        return Invoice(key, number, client, "open", None, None, _ZERO, _ZERO, currency, invalid=line.invalid)
