"""What each host cannot say, and what is left of the books without it. docs/hosts.md says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from .dolibarr_load import RATES
from .same_books import Bill, Books, Client

_CENT: Final = Decimal("0.01")


class Cannot(NamedTuple):
    """What cannot be said, in words, and what of an invoice or a client is left without it."""

    what: str
    bill: Callable[[Bill], Bill] = lambda one: one
    client: Callable[[Client], Client] = lambda one: one

    def left(self, books: Books) -> Books:
        """What is left of books."""
        clients = {ref: self.client(one) for ref, one in books.clients.items()}
        return replace(books, clients=clients, bills=[self.bill(one) for one in books.bills])

    def touched(self, books: Books) -> set[str]:
        """The invoices of which, or of whose clients, not everything is left."""
        left = self.left(books)
        return {
            before.ref
            for before, after in zip(books.bills, left.bills, strict=True)
            if before != after or books.clients[before.client] != left.clients[before.client]
        }


def _at_once(bill: Bill) -> Bill:
    """All of it is due on the last day."""
    return replace(bill, due=(bill.due[-1]._replace(amount=bill.total),))


def _not_blocked(bill: Bill) -> Bill:
    return replace(bill, kind="open") if bill.kind == "blocked" else bill


def _disputed(bill: Bill) -> Bill:
    return replace(bill, kind="disputed") if bill.kind == "blocked" else bill


def _not_held(client: Client) -> Client:
    return replace(client, held=False)


def _in_euros(bill: Bill) -> Bill:
    """Each payment as it is once it was converted to whole cents, and back."""
    rate = RATES[bill.currency]

    def kept(amount: Decimal) -> Decimal:
        return ((amount / rate).quantize(_CENT, ROUND_HALF_UP) * rate).quantize(_CENT)

    return replace(bill, paid=tuple(one._replace(amount=kept(one.amount)) for one in bill.paid))


def _reached(client: Client) -> Client:
    """Whoever has an address there has the client's."""
    return client if client.email or not client.people else replace(client, email=client.people[0].email)


CANNOT: Final[Mapping[str, Sequence[Cannot]]] = {
    "odoo": (
        Cannot("that a client is on hold", client=_not_held),
        Cannot("that an invoice is on hold, but as one in dispute", _disputed),
    ),
    "dolibarr": (
        Cannot("several due dates: the last stands for all", _at_once),
        Cannot("that an invoice is on hold", _not_blocked),
        Cannot("that a client is on hold", client=_not_held),
        Cannot("what was paid in another currency, to the cent", _in_euros),
    ),
    "tryton": (Cannot("which address is the client's own, which a person's", client=_reached),),
}


def without(books: Books, kind: str) -> Books:
    """All that a host can say of these books."""
    for one in CANNOT[kind]:
        books = one.left(books)
    return books
