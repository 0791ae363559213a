"""The same books in a Tryton, written over its own remote interface by an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tryton_books
from tryton_rpc import Client as Rpc

from . import servers
from .same_books import Bill, Books, Client, Credit


def load(books: Books) -> None:
    """Write it all, into books without any."""
    assert not references(), "this Tryton has these books already"
    admin = servers.tryton()
    there = tryton_books.Books(admin)
    ids = there.parties(*_parties(admin, list(books.clients.values())))
    parties = dict(zip(books.clients, ids, strict=True))
    nothing = there.procedure()
    for one in books.clients.values():
        if one.held:
            there.dun(parties[one.ref], nothing)
    drafts = [one for one in books.bills if one.kind == "draft"]
    posted = [one for one in books.bills if one.kind != "draft"]
    there.draft(*(_bill(one, parties[one.client]) for one in drafts))
    there.bill(*(_note(one, parties[one.client]) for one in books.credits if one.kind == "note"))
    made = there.bill(*(_bill(one, parties[one.client]) for one in posted))
    there.cancel(*(number for one, number in zip(posted, made, strict=True) if one.kind == "cancelled"))
    for bill, number in zip(posted, made, strict=True):
        for one in bill.paid:
            there.pay(number, one.amount, on=one.on)
        if bill.kind == "blocked":
            there.block(*there.owed(number))
    for credit in books.credits:
        if credit.kind == "payment":
            there.receive(parties[credit.client], credit.amount, on=credit.on)


def references() -> dict[str, str]:
    """Our references of the invoices, by id."""
    rows = servers.tryton().rows("account.invoice", ["reference"], ["type", "=", "out"], ["reference", "like", "R___"])
    return {str(row["id"]): row["reference"] for row in rows}


def _parties(admin: Rpc, clients: Sequence[Client]) -> list[dict[str, Any]]:
    tags = sorted({tag for one in clients for tag in one.tags})
    categories = dict(zip(tags, admin.create("party.category", *({"name": tag} for tag in tags)), strict=True))
    languages = {row["code"]: row["id"] for row in admin.rows("ir.lang", ["code"])}
    countries = {row["code"]: row["id"] for row in admin.rows("country.country", ["code"])}
    return [
        {
            "name": one.name,
            "code": one.ref,
            "lang": languages[one.language],
            "addresses": [["create", [{"country": countries[one.country]}]]],
            "contact_mechanisms": [["create", _emails(one)]],
            "categories": [["add", [categories[tag] for tag in one.tags]]],
        }
        for one in clients
    ]


def _emails(client: Client) -> list[dict[str, Any]]:
    """The first is the party's own; that of a person has the person's name."""
    own = [{"type": "email", "value": client.email}] if client.email else []
    return own + [
        {"type": "email", "value": one.email, "name": one.name, "invoice": one.billing} for one in client.people
    ]


def _bill(bill: Bill, party: int) -> tryton_books.Bill:
    due = {one.on: one.amount for one in bill.due}
    return tryton_books.Bill(party, bill.issued, due, bill.currency, {"reference": bill.ref})


def _note(credit: Credit, party: int) -> tryton_books.Bill:
    more = {"reference": credit.ref}
    return tryton_books.Bill(party, credit.on, {credit.on: -credit.amount}, credit.currency, more)
