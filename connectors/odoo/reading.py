"""Invoices and clients as Odoo has them, page by page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, TypeVar, cast

from relance_addon.connectors.odoo import values
from relance_addon.connectors.odoo.fields import Fields, Sources
from relance_addon.connectors.odoo.records import Record, Records, Schema, at
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.model import STATUSES, Client, Contact, Instalment, Invoice, Problem, Status
from relance_addon.hosts.mapping import bind
from relance_addon.hosts.port import Kind, Page

T = TypeVar("T")
Domain = list[Any]

PAGE: Final = 1000
_TYPES: Final = ["out_invoice", "out_receipt"]
# Odoo leaves drafts and cancelled invoices at not_paid with a residual, so the state is asked for as well.
OWED: Final[Domain] = [
    ("move_type", "in", _TYPES),
    "|",
    ("state", "=", "draft"),
    "&",
    "&",
    ("state", "=", "posted"),
    ("payment_state", "in", ["not_paid", "partial", "blocked"]),
    ("amount_residual", ">", 0),
]
_TERMS: Final = [("display_type", "=", "payment_term")]
_CREDIT: Final = [
    ("account_type", "=", "asset_receivable"),
    ("parent_state", "=", "posted"),
    ("reconciled", "=", False),
    ("amount_residual_currency", "<", 0),
]


class Wrong:
    """What is wrong with one record, gathered field by field."""

    def __init__(self, where: str) -> None:
        self._where = where
        self.problems: list[Problem] = []

    @property
    def text(self) -> str:
        """All of it in one line."""
        return "; ".join(f"{one.key}: {one.text}" for one in self.problems)

    def take(self, field: str, convert: Callable[[Any], T], value: Any, otherwise: T) -> T:
        """The value converted, or ``otherwise`` and a note of why not."""
        try:
            return convert(value)
        except ValueError as error:
            self.add(field, str(error))
            return otherwise

    def add(self, field: str, text: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append(Problem(self._where, field, text))


class Reader:
    """Reads invoices with their clients. What is read once is kept: a Reader lasts for one reading of the host."""

    def __init__(self, transport: Transport, schema: Schema, sources: Sources, currency: str) -> None:
        self._records = Records(transport, schema)
        self._fields = {kind: Fields(kind, mapped, schema) for kind, mapped in sources.by_kind.items()}
        self._number = sources.by_kind["invoice"]["number"].direct or "name"
        self._own_status = bind(sources.own_status, at)
        self._currency = currency
        self._given: set[int] = set()

    def pages(self) -> Iterator[Page]:
        """Every invoice that is owed, by id. Each client comes with the first of its invoices."""
        last, full = 0, True
        while full:
            rows = self._moves([*OWED, ("id", ">", last)], order="id", limit=PAGE)
            yield self._page(rows)
            full = len(rows) == PAGE
            last = rows[-1]["id"] if rows else last

    def some(self, ids: Sequence[str]) -> Page:
        """These invoices as they are now, whatever became of them."""
        numbers = [int(one) for one in ids if one.isdecimal()]
        page = self._page(self._moves([("move_type", "in", _TYPES), ("id", "in", numbers)], order="id"))
        there = {invoice.id for invoice in page.invoices}
        return page._replace(gone=[one for one in ids if one not in there])

    def numbered(self, number: str) -> list[str]:
        """The ids of the invoices of a number, whatever became of them."""
        domain = [("move_type", "in", _TYPES), (self._number, "=", number)]
        rows = self._records.search("account.move", domain, ["name"])
        return [str(row["id"]) for row in rows]

    def samples(self, count: int) -> dict[Kind, list[Record]]:
        """A few records of each kind as they were read, by kind."""
        moves = self._moves(OWED, order="id desc", limit=count)
        partners = self._partners(self._client_ids(moves))
        return {
            "invoice": moves,
            "client": [row for row in partners if row["id"] == row["commercial_partner_id"]][:count],
            "contact": [row for row in partners if row["id"] != row["commercial_partner_id"]][:count],
            "instalment": self._lines(moves)[:count],
        }

    def field(self, kind: Kind, field: str, record: Record) -> Any:
        """The value of a field of ours in a record that was read."""
        return self._fields[kind].value(field, record)

    def _moves(self, domain: Domain, **named: Any) -> list[Record]:
        paths = {*self._fields["invoice"].paths, "state", "payment_state"}
        return self._records.search("account.move", domain, paths, **named)

    def _lines(self, moves: Iterable[Record]) -> list[Record]:
        domain = [*_TERMS, ("move_id", "in", [row["id"] for row in moves])]
        paths = {*self._fields["instalment"].paths, "move_id"}
        return self._records.search("account.move.line", domain, paths, order="date_maturity, id")

    def _partners(self, ids: Sequence[int]) -> list[Record]:
        """The partners with these ids and all that belong to them. An archived one may still owe."""
        paths = {*self._fields["client"].paths, *self._fields["contact"].paths, "commercial_partner_id", "active"}
        domain = ["|", ("id", "in", ids), ("commercial_partner_id", "in", ids)]
        return self._records.search("res.partner", domain, paths, order="id", context={"active_test": False})

    def _client_ids(self, moves: Iterable[Record]) -> list[int]:
        found = {self.field("invoice", "client", row) for row in moves}
        return sorted(one for one in found if isinstance(one, int) and not isinstance(one, bool))

    def _page(self, moves: list[Record]) -> Page:
        if not moves:
            return Page()
        lines: dict[int, list[Record]] = defaultdict(list)
        for line in self._lines(moves):
            lines[line["move_id"]].append(line)
        new = [one for one in self._client_ids(moves) if one not in self._given]
        self._given.update(new)
        problems: list[Problem] = []
        invoices = [self._invoice(row, lines[row["id"]], problems) for row in moves]
        return Page(invoices, self._clients(new, problems) if new else [], problems)

    def _invoice(self, row: Record, lines: Sequence[Record], problems: list[Problem]) -> Invoice:
        identifier, status = str(row["id"]), self._status(row)
        number = values.text(self.field("invoice", "number", row))
        # Odoo gives a draft no number, or a slash for one.
        number = number if number not in ("", "/") else identifier
        wrong = Wrong(number)

        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return wrong.take(field, convert, self.field("invoice", field, row), otherwise)

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
            program=take("program", values.text, ""),
            held_until=take("hold_until", values.hold, None),
            # One line only repeats the due date, which the mapping may have moved.
            instalments=self._instalments(lines, wrong) if len(lines) > 1 else (),
        )
        problems += wrong.problems
        return replace(invoice, invalid=wrong.text) if wrong.problems else invoice

    def _status(self, row: Record) -> Status:
        if row["state"] != "posted":
            return "draft" if row["state"] == "draft" else "cancelled"
        own = self._own_status(row) if self._own_status else None
        for value in (self.field("invoice", "status", row), own):
            if value in STATUSES:
                return cast(Status, value)
        return "open"

    def _instalments(self, lines: Iterable[Record], wrong: Wrong) -> tuple[Instalment, ...]:
        found = [self._instalment(line, wrong) for line in lines]
        return tuple(one for one in found if one is not None)

    def _instalment(self, line: Record, wrong: Wrong) -> Instalment | None:
        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return wrong.take(f"instalment.{field}", convert, self.field("instalment", field, line), otherwise)

        due = take("due_date", values.day, None)
        amount, residual = take("amount", values.amount, Decimal()), take("residual", values.amount, Decimal())
        return None if due is None else Instalment(due, amount, residual)

    def _clients(self, ids: Sequence[int], problems: list[Problem]) -> list[Client]:
        partners = self._partners(ids)
        belongs = {row["id"]: row["commercial_partner_id"] for row in partners}
        credits = self._credits(belongs)
        contacts: dict[int, list[Contact]] = defaultdict(list)
        for row in partners:
            if row["id"] not in ids and row["active"]:
                contacts[row["commercial_partner_id"]] += self._contacts(row)
        return [
            self._client(row, contacts[row["id"]], credits.get(row["id"], {}), problems)
            for row in partners
            if row["id"] in ids
        ]

    def _client(
        self,
        row: Record,
        contacts: Iterable[Contact],
        credits: Mapping[str, Decimal],
        problems: list[Problem],
    ) -> Client:
        name = values.text(self.field("client", "name", row))
        wrong = Wrong(name)

        def take(field: str, convert: Callable[[Any], T], otherwise: T) -> T:
            return wrong.take(field, convert, self.field("client", field, row), otherwise)

        client = Client(
            id=str(row["id"]),
            name=name,
            email=take("email", values.email, ""),
            language=take("language", values.text, ""),
            country=take("country", values.text, ""),
            tags=take("tags", values.words, ()),
            program=take("program", values.text, ""),
            held_until=take("hold_until", values.hold, None),
            credits=credits,
            contacts=tuple(contacts),
        )
        problems += wrong.problems
        return replace(client, invalid=wrong.text) if wrong.problems else client

    def _contacts(self, row: Record) -> list[Contact]:
        roles = values.words(self.field("contact", "roles", row))
        name = values.text(self.field("contact", "name", row))
        found = values.addresses(self.field("contact", "email", row))
        return [Contact(name or one.name, one.email, roles) for one in found]

    def _credits(self, belongs: Mapping[int, int]) -> dict[int, dict[str, Decimal]]:
        """What each client paid or was credited without its being matched to an invoice, by currency."""
        rows = self._records.search(
            "account.move.line",
            [*_CREDIT, ("partner_id", "in", list(belongs))],
            ["partner_id", "currency_id.name", "amount_residual_currency"],
        )
        sums: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for row in rows:
            currency = row["currency_id"]["name"] if row["currency_id"] else self._currency
            sums[belongs[row["partner_id"]]][currency] -= values.amount(row["amount_residual_currency"])
        return {client: dict(amounts) for client, amounts in sums.items()}
