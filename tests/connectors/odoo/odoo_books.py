"""The books of an Odoo in memory: invoices, partners, lines and payments, which answer domains as Odoo does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from relance_addon.core.errors import Refused

Row = dict[str, Any]
Predicate = Callable[[Row], bool]

LONG_AGO = "2026-01-01 00:00:00"
NOW = "2026-11-21 08:00:00"
RELATIONS = {
    "currency_id": "res.currency",
    "invoice_user_id": "res.users",
    "commercial_partner_id": "res.partner",
    "country_id": "res.country",
    "category_id": "res.partner.category",
    "move_id": "account.move",
    "partner_id": "res.partner",
    "debit_move_id": "account.move.line",
}
LISTS = {"category_id"}
BOOLEANS = {"active", "reconciled", "blocked", "no_followup", "x_no_reminder"}
ABSENT = {
    16: {"no_followup", "invoice_ids", "invoice_pdf_report_id"},
    17: {"no_followup", "invoice_ids"},
    18: {"blocked", "no_followup"},
    19: {"blocked"},
}
RELATED: dict[str, list[Row]] = {
    "res.currency": [{"id": 1, "name": "EUR"}, {"id": 6, "name": "USD"}, {"id": 25, "name": "JPY"}],
    "res.users": [{"id": 2, "name": 'Anne "Nina" Roux', "email": "anne@acme.test"}],
    "res.country": [{"id": 3, "code": "FR"}],
    "res.partner.category": [{"id": 4, "name": "VIP"}, {"id": 5, "name": "Secteur public"}],
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: (value or False) == (wanted or False),
    "!=": lambda value, wanted: (value or False) != (wanted or False),
    "in": lambda value, wanted: value in wanted,
    ">": lambda value, wanted: value > wanted,
    "<": lambda value, wanted: value < wanted,
    ">=": lambda value, wanted: value >= wanted,
}


def move(number: int, **more: Any) -> Row:
    """A posted invoice, still owed, to the client itself."""
    row = {
        "id": number,
        "name": f"FAC/{number}",
        "move_type": "out_invoice",
        "state": "posted",
        "payment_state": "not_paid",
        "commercial_partner_id": 8 + number % 2,
        "invoice_date": "2026-10-01",
        "invoice_date_due": "2026-10-31",
        "amount_total": 120.1,
        "amount_residual": 60.05,
        "currency_id": 1,
        "invoice_user_id": 2,
        "write_date": LONG_AGO,
        **more,
    }
    return {"partner_id": row["commercial_partner_id"], **row}


def partner(number: int, **more: Any) -> Row:
    """A company, or with ``commercial_partner_id`` one who belongs to it."""
    return {
        "id": number,
        "name": f"Client {number}",
        "email": f"contact@client{number}.test",
        "lang": "fr_FR",
        "country_id": 3,
        "category_id": [4, 5],
        "commercial_partner_id": number,
        "type": "contact",
        "active": True,
        "write_date": LONG_AGO,
        **more,
    }


def term(number: int, move: int, day: str, amount: float, residual: float = 0.0, **more: Any) -> Row:
    """A line of an invoice's payment terms."""
    return {
        "id": number,
        "move_id": move,
        "display_type": "payment_term",
        "account_type": "asset_receivable",
        "parent_state": "posted",
        "reconciled": not residual,
        "date_maturity": day,
        "amount_currency": amount,
        "amount_residual_currency": residual,
        "currency_id": 1,
        "write_date": LONG_AGO,
        **more,
    }


def credit(number: int, partner: int, amount: float, **more: Any) -> Row:
    """The open line of a payment or of a credit note."""
    return {**term(number, 0, "", -amount, -amount, partner_id=partner), "display_type": False, **more}


def payment(number: int, partner: int, amount: float, **more: Any) -> Row:
    """A payment that has no journal entry (yet)."""
    return {
        "id": number,
        "partner_id": partner,
        "amount": amount,
        "currency_id": 1,
        "payment_type": "inbound",
        "partner_type": "customer",
        "state": "in_process",
        "move_id": False,
        "invoice_ids": [],
        **more,
    }


def matched(number: int, line: int, day: str) -> Row:
    """What was matched with a line of an invoice, that day at the latest."""
    return {"id": number, "debit_move_id": line, "max_date": day}


class Books:
    """An Odoo with these records. It answers the calls of a reading, and notes them."""

    def __init__(
        self,
        moves: Sequence[Row],
        partners: Sequence[Row] = (),
        lines: Sequence[Row] = (),
        payments: Sequence[Row] = (),
        version: int = 18,
        matches: Sequence[Row] = (),
    ) -> None:
        self.matches = list(matches)
        self.moves, self.partners = list(moves), list(partners) or [partner(8), partner(9)]
        self.lines, self.payments = list(lines), list(payments)
        self.version = version
        self.now = NOW
        self.absent = {"x_nothing"} | ABSENT[version]
        self.calls: list[str] = []

    def change(self, row: Row, **values: Any) -> None:
        """Change a record as of now."""
        row.update(values, write_date=self.now)

    def hold(self, table: list[Row], rows: Sequence[Row]) -> None:
        """Let a table have these records from now on; what is not as it was is changed now."""
        before = {row["id"]: row for row in table}
        table[:] = [{**row, "write_date": self._written(row, before.get(row["id"]))} for row in rows]

    def _written(self, row: Row, before: Row | None) -> str:
        return before["write_date"] if before == {**row, "write_date": before and before["write_date"]} else self.now

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        self.calls.append(f"{model}.{method}")
        answer = getattr(self, f"_{method}", None)
        if answer is None:
            raise Refused(f"{model}.{method}: not in these books")
        return answer(model, ids, **named)

    def _fields_get(self, model: str, ids: None, allfields: list[str], **named: Any) -> Any:
        return {name: self._field(name) for name in allfields if name not in self.absent}

    def _field(self, name: str) -> Row:
        relation = RELATIONS.get(name)
        kind = "many2many" if name in LISTS else "many2one" if relation else "boolean" if name in BOOLEANS else "char"
        return {"type": kind, "relation": relation}

    def _default_get(self, model: str, ids: None, fields: list[str], **named: Any) -> Any:
        assert (model, fields) == ("mail.message", ["date"])
        return {"date": self.now}

    def _read(self, model: str, ids: Sequence[int], fields: list[str], **named: Any) -> list[Row]:
        wanted = set(ids)
        return [_some(row, fields) for row in self._table(model) if row["id"] in wanted]

    def _search_read(self, model: str, ids: None, domain: list[Any], fields: list[str], **named: Any) -> list[Row]:
        rows = [_some(row, fields) for row in self._found(model, domain, **named)]
        if self.version == 16 and model == "account.move.line":
            assert "load" not in named, "Odoo 16 does not take it here"
            named_ones = RELATIONS.keys() & set(fields)
            rows = [{**row, **{one: [row[one], "its name"] for one in named_ones if row[one]}} for row in rows]
        return rows

    def _search(self, model: str, ids: None, domain: list[Any], **named: Any) -> list[int]:
        return [row["id"] for row in self._found(model, domain, **named)]

    def _search_count(self, model: str, ids: None, domain: list[Any], **named: Any) -> int:
        return len(self._search(model, None, domain))

    def _found(self, model: str, domain: list[Any], **named: Any) -> Iterator[Row]:
        wanted = self._meant(domain)
        rows = self._table(model)
        rows = sorted(rows, key=lambda row: row["id"], reverse="desc" in named.get("order", ""))
        if model == "res.partner" and named.get("context", {}).get("active_test", True):
            rows = [row for row in rows if row["active"]]
        return islice((row for row in rows if wanted(row)), named.get("limit"))

    def _table(self, model: str) -> list[Row]:
        ours = {
            "account.move": self.moves,
            "res.partner": self.partners,
            "account.move.line": self.lines,
            "account.payment": self.payments,
            "account.partial.reconcile": self.matches,
        }
        return ours[model] if model in ours else RELATED.get(model, [])

    def _meant(self, domain: list[Any]) -> Predicate:
        """A domain in Odoo's prefix notation as a function."""
        stack: list[Predicate] = []
        for one in reversed(domain):
            if one in ("|", "&"):
                stack.append(_both(one, stack.pop(), stack.pop()))
            else:
                stack.append(self._leaf(*one))
        return lambda row: all(test(row) for test in reversed(stack))

    def _leaf(self, path: str, operator: str, wanted: Any) -> Predicate:
        name, _, rest = path.partition(".")
        if rest:
            below = self._leaf(rest, operator, wanted)
            rows = {row["id"]: row for row in self._table(RELATIONS[name])}
            return lambda row: row[name] in rows and below(rows[row[name]])
        compare = OPERATORS[operator]
        against = set(wanted) if operator == "in" else wanted
        return lambda row: compare(row.get(path, False), against)


def _both(operator: str, one: Predicate, other: Predicate) -> Predicate:
    if operator == "|":
        return lambda row: one(row) or other(row)
    return lambda row: one(row) and other(row)


def _some(row: Row, fields: list[str]) -> Row:
    return {"id": row["id"], **{name: row.get(name, False) for name in fields}}
