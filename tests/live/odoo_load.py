"""The same books in an Odoo, written over its own remote interface by an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import servers
from .same_books import Bill, Books, Client

_LINE = "Conseil"
_OURS = [["ref", "=like", "R___"], ["move_type", "=", "out_invoice"]]


def load(books: Books) -> None:
    """Write it all, into books without any."""
    Loader().load(books)


def references() -> dict[str, str]:
    """Our references of the invoices, by id."""
    rows = servers.odoo()("account.move", "search_read", _OURS, ["ref"])
    return {str(row["id"]): row["ref"] for row in rows}


class Loader:
    """Who writes it."""

    def __init__(self) -> None:
        self.call = servers.odoo()
        self.countries = self._ids("res.country", "code")
        self.currencies = self._ids("res.currency", "name")
        self.terms: dict[tuple[Any, ...], int] = {}

    def load(self, books: Books) -> None:
        """Clients, then what they owe, then what they paid."""
        assert not references(), "this Odoo has these books already"
        partners = self._clients(list(books.clients.values()))
        moves = self._create("account.move", [self._move(one, partners[one.client]) for one in books.bills])
        ids = {one.ref: number for one, number in zip(books.bills, moves, strict=True)}
        self.call("account.move", "action_post", [ids[one.ref] for one in books.bills if _posted(one)])
        self.call("account.move", "button_cancel", [ids[one.ref] for one in books.bills if one.kind == "cancelled"])
        for bill in books.bills:
            for one in bill.paid:
                self._pay(ids[bill.ref], float(one.amount), str(one.on))
        for bill in books.bills:
            if bill.kind == "blocked":
                self._block(ids[bill.ref])
        notes = [
            self._note(one.ref, partners[one.client], float(one.amount), one.currency, str(one.on))
            for one in books.credits
            if one.kind == "note"
        ]
        self.call("account.move", "action_post", self._create("account.move", notes))
        payments = [
            {"payment_type": "inbound", "partner_type": "customer", "partner_id": partners[one.client],
             "amount": float(one.amount), "currency_id": self.currencies[one.currency], "date": str(one.on)}
            for one in books.credits
            if one.kind == "payment"
        ]  # fmt: skip
        self.call("account.payment", "action_post", self._create("account.payment", payments))

    def _clients(self, clients: Sequence[Client]) -> dict[str, int]:
        languages = self._languages({one.language for one in clients})
        tags = sorted({tag for one in clients for tag in one.tags})
        made = self._create("res.partner.category", [{"name": tag} for tag in tags])
        categories = dict(zip(tags, made, strict=True))
        ids = self._create(
            "res.partner",
            [
                {"name": one.name, "ref": one.ref, "email": one.email, "is_company": True,
                 "lang": languages[one.language], "country_id": self.countries[one.country],
                 "category_id": [(6, 0, [categories[tag] for tag in one.tags])]}
                for one in clients
            ],
        )  # fmt: skip
        partners = {one.ref: number for one, number in zip(clients, ids, strict=True)}
        people = [
            {"parent_id": partners[client.ref], "name": one.name, "email": one.email,
             "type": "invoice" if one.billing else "contact"}
            for client in clients
            for one in client.people
        ]  # fmt: skip
        self._create("res.partner", people)
        return partners

    def _languages(self, wanted: set[str]) -> dict[str, str]:
        """The codes of languages, which are switched on where they are not."""
        everything = {"context": {"active_test": False}}
        usual = {"fr": "fr_FR", "en": "en_US", "de": "de_DE"}
        codes = {one: usual[one] for one in wanted}
        off = self.call("res.lang", "search", [["code", "in", [*codes.values()]], ["active", "=", False]], **everything)
        self.call("res.lang", "write", off, {"active": True})
        return codes

    def _move(self, bill: Bill, partner: int) -> dict[str, Any]:
        return {
            "move_type": "out_invoice",
            "ref": bill.ref,
            "partner_id": partner,
            "invoice_date": str(bill.issued),
            "currency_id": self.currencies[bill.currency],
            "invoice_line_ids": [(0, 0, _line(float(bill.total)))],
            **self._term(bill),
        }

    def _term(self, bill: Bill) -> dict[str, Any]:
        if len(bill.due) == 1:
            return {"invoice_payment_term_id": False, "invoice_date_due": str(bill.due[0].on)}
        key = tuple((float(one.amount / bill.total * 100), (one.on - bill.issued).days) for one in bill.due)
        if key not in self.terms:
            lines = [(0, 0, self._part(percent, days, last=(percent, days) == key[-1])) for percent, days in key]
            (self.terms[key],) = self._create("account.payment.term", [{"name": str(key), "line_ids": [(5,), *lines]}])
        return {"invoice_payment_term_id": self.terms[key]}

    def _part(self, percent: float, days: int, last: bool) -> dict[str, Any]:
        if "nb_days" in self.call("account.payment.term.line", "fields_get", ["nb_days"]):
            return {"value": "percent", "value_amount": percent, "nb_days": days, "delay_type": "days_after"}
        # Up to 16 the last part is what is left.
        share = {"value": "balance"} if last else {"value": "percent", "value_amount": percent}
        return {**share, "days": days}

    def _block(self, move: int) -> None:
        if "blocked" not in self.call("account.move.line", "fields_get", ["blocked"]):
            self.call("account.move", "action_toggle_block_payment", [move])
            return
        lines = self.call(
            "account.move.line", "search", [["move_id", "=", move], ["display_type", "=", "payment_term"]]
        )
        self.call("account.move.line", "write", lines, {"blocked": True})

    def _note(self, ref: str, partner: int, amount: float, currency: str, on: str) -> dict[str, Any]:
        return {
            "move_type": "out_refund",
            "ref": ref,
            "partner_id": partner,
            "invoice_date": on,
            "currency_id": self.currencies[currency],
            "invoice_line_ids": [(0, 0, _line(amount))],
        }

    def _pay(self, move: int, amount: float, on: str) -> None:
        """As the window does that an invoice's button opens."""
        context = {"active_model": "account.move", "active_ids": [move]}
        made = self.call(
            "account.payment.register", "create", [{"amount": amount, "payment_date": on}], context=context
        )
        self.call("account.payment.register", "action_create_payments", made)

    def _create(self, model: str, values: list[dict[str, Any]]) -> list[int]:
        made: list[int] = self.call(model, "create", values) if values else []
        return made

    def _ids(self, model: str, field: str) -> dict[str, int]:
        return {row[field]: row["id"] for row in self.call(model, "search_read", [], [field])}


def _line(amount: float) -> dict[str, Any]:
    return {"name": _LINE, "price_unit": amount, "tax_ids": [(5,)]}


def _posted(bill: Bill) -> bool:
    return bill.kind not in ("draft", "cancelled")
