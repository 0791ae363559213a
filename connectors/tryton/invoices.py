"""Customer invoices of ours, made of Tryton's: what remains to pay stands on the lines of their entries.

A payment in part is tied to an invoice, not to one of its due dates: it counts for the earliest ones first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from relance_addon.connectors.tryton.fields import Fields, Sources
from relance_addon.connectors.tryton.records import Record
from relance_addon.core.model import STATUSES, Contact, Instalment, Invoice, Problem, Status
from relance_addon.hosts import mapping, values
from relance_addon.hosts.paths import at
from relance_addon.hosts.problems import Wrong

T = TypeVar("T")

SALES: Final = (["type", "=", "out"],)
OWED: Final = (*SALES, ["state", "in", ["draft", "validated", "posted"]])
"""Drafts and what is posted; some of these turn out to be credit notes."""
_ZERO: Final = Decimal()


class Invoices:
    """Makes invoices of ours."""

    def __init__(self, fields: Fields, sources: Sources, currency: int, prints: bool) -> None:
        """``currency``: the id of the company's. ``prints``: Tryton makes PDFs."""
        self._fields, self._currency, self._prints = fields, currency, prints
        self._own_status = mapping.bind(sources.own_status, at)

    def told(self, row: Record) -> Record:
        """The row with what it says between the lines: see mapping.toml.

        ``remain`` is None where Tryton must be asked.
        """
        row["lines"] = sorted(
            filter(_due, row.get("lines_to_pay") or ()), key=lambda line: (line["maturity_date"], line["id"])
        )
        # A draft has no lines to pay yet; without a payment term it is due on the day that the term would begin.
        undated = None if row["payment_term"] else row["payment_term_date"]
        row["due"] = row["lines"][-1]["maturity_date"] if row["lines"] else undated
        payees: Sequence[int] = row.get("alternative_payees") or ()
        row["payee"] = payees[0] if len(payees) == 1 else row.get("party")
        row["blocked"] = any(
            dunning.get("blocked")
            for line in row["lines"]
            if not line["reconciliation"]
            for dunning in line.get("dunnings") or ()
        )
        row["remain"] = self._remaining(row)
        return row

    def client(self, row: Record) -> int:
        """The id of the party that owes an invoice; 0 for none."""
        found = values.text(_id(self._fields.value("client", row)))
        return int(found) if found.isdecimal() else 0

    def made(self, row: Record, contacts: Iterable[Contact], problems: list[Problem]) -> Invoice:
        """An invoice of ours; ``contacts`` are the people it names."""
        number = values.text(self._fields.value("number", row)) or str(row["id"])
        wrong, known = Wrong(number), self._fields.known
        status = self._status(row)

        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return (
                wrong.take(field, convert, self._fields.value(field, row), otherwise) if field in known else otherwise
            )

        issued = take("issue_date", values.day, None)
        if issued is None and status != "draft" and not wrong.problems:
            wrong.add("issue_date", "missing")
        total = take("total", values.amount, _ZERO)
        residual = take("residual", values.amount, _ZERO)
        invoice = Invoice(
            id=str(row["id"]),
            number=number,
            client=take("client", lambda value: values.text(_id(value)), ""),
            status=status,
            issue_date=issued,
            due_date=take("due_date", values.day, None),
            total=total,
            residual=residual,
            currency=take("currency", values.text, ""),
            salesperson=take("salesperson", values.person, None),
            payment_link=take("payment_link", values.text, ""),
            pdf=number if self._prints and row["state"] in ("posted", "paid") else "",
            program=take("program", values.text, ""),
            held_until=take("hold_until", hold, None),
            instalments=self._instalments(row, residual),
            contacts=tuple(contacts),
        )
        problems += wrong.problems
        return replace(invoice, invalid=wrong.text) if wrong.problems else invoice

    def _remaining(self, row: Record) -> Decimal | None:
        """What remains of an invoice: Tryton's word, else by its open lines; None where one is in another currency."""
        if row["state"] in ("draft", "validated"):
            return cast(Decimal, row["total_amount"])
        if row["state"] != "posted":
            return _ZERO
        if "amount_to_pay" in row:
            return cast(Decimal, row["amount_to_pay"])
        lines = [*(row.get("lines_to_pay") or ()), *(row.get("payment_lines") or ())]
        amounts = [self._amount(line, row) for line in lines if not line["reconciliation"]]
        return None if None in amounts else sum(cast(list[Decimal], amounts), _ZERO)

    def _amount(self, line: Mapping[str, Any], row: Record) -> Decimal | None:
        currency = _id(row["currency"])
        if line["second_currency"] and _id(line["second_currency"]) == currency:
            return cast(Decimal, line["amount_second_currency"])
        return cast(Decimal, line["debit"] - line["credit"]) if currency == self._currency else None

    def _instalments(self, row: Record, residual: Decimal) -> tuple[Instalment, ...]:
        """What is due by and by; nothing for an invoice that is due at once."""
        lines: Sequence[Record] = row["lines"]
        if len(lines) < 2:
            return ()
        amounts = [self._amount(line, row) or _ZERO for line in lines]
        left = residual
        found = []
        for line, amount in reversed(list(zip(lines, amounts, strict=True))):
            rest = _ZERO if line["reconciliation"] else max(min(amount, left), _ZERO)
            left -= rest
            found.append(Instalment(line["maturity_date"], amount, rest))
        return tuple(reversed(found))

    def _status(self, row: Record) -> Status:
        """Of a posted invoice what the mapping says, where that is a status of ours; else what Tryton says."""
        own = self._own_status(row) if self._own_status else None
        if own == "open" and (row["remain"] or _ZERO) <= 0:
            own = "paid"
        mapped = self._fields.value("status", row)
        return cast(Status, mapped if own == "open" and mapped in STATUSES else own)


def hold(value: Any) -> date | None:
    """The last day of a hold; SQLite tells a box that is ticked as a number."""
    return values.hold(bool(value) if value in (0, 1) else value)


def _due(line: Mapping[str, Any]) -> bool:
    """Whether a line asks for money, and says when."""
    return line["maturity_date"] is not None and line["debit"] > line["credit"]


def _id(value: Any) -> Any:
    return value["id"] if isinstance(value, Mapping) else value
