"""Customer invoices and receipts, with the lines of their payment terms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from relance_addon.connectors.odoo.fields import BLOCKED, Fields
from relance_addon.connectors.odoo.records import Record, Records
from relance_addon.core.model import STATUSES, Contact, Instalment, Invoice, Problem, Status
from relance_addon.hosts import values
from relance_addon.hosts.paths import Getter
from relance_addon.hosts.problems import Wrong

T = TypeVar("T")
Domain = list[Any]

SALES: Final[Domain] = [("move_type", "in", ["out_invoice", "out_receipt"])]
# Odoo leaves drafts and cancelled invoices at not_paid with a residual, so the state is asked for as well.
OWED: Final[Domain] = [
    *SALES,
    "|",
    ("state", "=", "draft"),
    "&",
    "&",
    ("state", "=", "posted"),
    ("payment_state", "in", ["not_paid", "partial", "blocked"]),
    ("amount_residual", ">", 0),
]
_TERMS: Final = ("display_type", "=", "payment_term")
_PERSON: Final = "billing"


class Invoices:
    """Reads invoices and their payment terms, and makes invoices of ours of them.

    An invoice of which every open line is out of follow-up ("No Follow-up" of Odoo 16, 17 and 19) is held for good;
    one that Odoo 18 and 19 call blocked is disputed, by the mapping.
    """

    def __init__(self, records: Records, invoice: Fields, instalment: Fields, status: Getter | None, currency: str):
        """``status`` reads Odoo's own status; ``currency`` stands in where an invoice has none."""
        self._records = records
        self._invoice = invoice
        self._instalment = instalment
        self._own_status = status
        self._currency = currency
        self._blocked = [name for name in BLOCKED if records.exist("account.move.line", name)]

    def search(self, domain: Domain, **named: Any) -> list[Record]:
        """The moves in a domain."""
        paths = {*self._invoice.paths, "state", "payment_state", "partner_id"}
        return self._records.search("account.move", domain, paths, **named)

    def ids(self, domain: Domain) -> set[int]:
        """The ids of the moves in a domain."""
        return set(self._records.ids("account.move", domain))

    def terms(self, moves: Collection[int]) -> dict[int, list[Record]]:
        """The lines of the payment terms of these moves (ids), the first due first, by move."""
        paths = {*self._instalment.paths, "move_id", "date_maturity"}
        if self._blocked:
            paths.update(self._blocked, ["reconciled"])
        domain = [_TERMS, ("move_id", "in", list(moves))]
        found: dict[int, list[Record]] = defaultdict(list)
        for line in self._records.search("account.move.line", domain, paths, order="id"):
            found[line["move_id"]].append(line)
        for lines in found.values():
            lines.sort(key=lambda line: (line["date_maturity"] or "", line["id"]))
        return found

    def changed(self, since: str, persons: Sequence[int]) -> set[int]:
        """The owed ones that changed since then (UTC, as Odoo writes it), or that are addressed to these persons.

        A date or a hold on a line of the payment terms changes the line only.
        """
        moves = self.ids([*OWED, "|", ("write_date", ">=", since), ("partner_id", "in", list(persons))])
        domain = [
            _TERMS,
            ("write_date", ">=", since),
            ("reconciled", "=", False),
            ("account_type", "=", "asset_receivable"),
        ]
        lines = self._records.search("account.move.line", domain, ["move_id"])
        return moves | {line["move_id"] for line in lines}

    def client(self, row: Record) -> int | None:
        """The partner that owes a move."""
        found = self._invoice.value("client", row)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def person(self, row: Record) -> int | None:
        """Whom a move is addressed to, where that is not the one who owes it."""
        found: int | None = row["partner_id"]
        return found if found != self.client(row) else None

    def made(
        self, row: Record, lines: Sequence[Record], contacts: Iterable[Contact], problems: list[Problem]
    ) -> Invoice:
        """The invoice of a move; ``contacts`` are those of its ``person``."""
        identifier, status = str(row["id"]), self._status(row)
        number = values.text(self._invoice.value("number", row))
        # Odoo gives a draft no number, or a slash for one.
        number = number if number not in ("", "/") else identifier
        wrong = Wrong(number)
        known = self._invoice.known

        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return (
                wrong.take(field, convert, self._invoice.value(field, row), otherwise) if field in known else otherwise
            )

        issued = take("issue_date", values.day, None)
        if issued is None and status != "draft" and not wrong.problems:
            wrong.add("issue_date", "missing")
        invoice = Invoice(
            id=identifier,
            number=number,
            client=take("client", values.text, ""),
            status=status,
            issue_date=issued,
            due_date=take("due_date", values.day, None),
            total=take("total", values.amount, Decimal()),
            residual=take("residual", values.amount, Decimal()),
            currency=take("currency", values.text, "") or self._currency,
            salesperson=take("salesperson", values.person, None),
            payment_link=take("payment_link", values.text, ""),
            pdf=take("pdf", values.text, ""),
            program=take("program", values.text, ""),
            held_until=date.max if self._out_of_follow_up(lines) else take("hold_until", values.hold, None),
            # One line only repeats the due date, which the mapping may have moved.
            instalments=self._instalments(lines, wrong) if len(lines) > 1 else (),
            contacts=tuple(replace(one, roles=_with_billing(one.roles)) for one in contacts),
        )
        problems += wrong.problems
        return replace(invoice, invalid=wrong.text) if wrong.problems else invoice

    def _status(self, row: Record) -> Status:
        if row["state"] != "posted":
            return "draft" if row["state"] == "draft" else "cancelled"
        own = self._own_status(row) if self._own_status else None
        for value in (self._invoice.value("status", row), own):
            if value in STATUSES:
                return cast(Status, value)
        return "open"

    def _out_of_follow_up(self, lines: Iterable[Record]) -> bool:
        still_open = [line for line in lines if not line["reconciled"]] if self._blocked else []
        return bool(still_open) and all(any(line[name] for name in self._blocked) for line in still_open)

    def _instalments(self, lines: Iterable[Record], wrong: Wrong) -> tuple[Instalment, ...]:
        found = [self._part(line, wrong) for line in lines]
        return tuple(one for one in found if one is not None)

    def _part(self, line: Mapping[str, Any], wrong: Wrong) -> Instalment | None:
        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return wrong.take(f"instalment.{field}", convert, self._instalment.value(field, line), otherwise)

        due = take("due_date", values.day, None)
        amount, residual = take("amount", values.amount, Decimal()), take("residual", values.amount, Decimal())
        return None if due is None else Instalment(due, amount, residual)


def _with_billing(roles: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((_PERSON, *roles)))
