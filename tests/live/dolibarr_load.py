"""The same books in a Dolibarr, written over its REST interface by an administrator."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from . import servers
from .same_books import Bill, Books, Client, Credit, Person

RATES: Final = {"EUR": Decimal(1), "USD": Decimal("1.25")}
_ZONE: Final = ZoneInfo("Europe/Paris")
_LANGUAGES: Final = {"fr": "fr_FR", "en": "en_US", "de": "de_DE"}
_BILLING: Final = "11"


def load(books: Books) -> None:
    """Write it all, into books without any."""
    Loader().load(books)


def references() -> dict[str, str]:
    """Our references of the invoices, by id."""
    rows = servers.dolibarr()("invoices", limit=0, properties="id,ref_client,type")
    return {row["id"]: row["ref_client"] for row in rows if (row["ref_client"] or "").startswith("R")}


class Loader:
    """Who writes it."""

    def __init__(self) -> None:
        self.call = servers.dolibarr()
        self.countries = {row["code"]: row["id"] for row in self.call("setup/dictionary/countries", limit=0)}

    def load(self, books: Books) -> None:
        """Clients, then what they owe and paid."""
        assert not references(), "this Dolibarr has these books already"
        parties = {one.ref: self._client(one) for one in books.clients.values()}
        for tag in sorted({tag for one in books.clients.values() for tag in one.tags}):
            category = self._post("categories", label=tag, type="customer")
            for one in books.clients.values():
                if tag in one.tags:
                    self._post(f"categories/{category}/objects/customer/{parties[one.ref]}")
        for bill in books.bills:
            self._bill(bill, parties[bill.client])
        for credit in books.credits:
            self._credit(credit, parties[credit.client])

    def _client(self, client: Client) -> int:
        number = self._post(
            "thirdparties",
            name=client.name,
            email=client.email,
            default_lang=_LANGUAGES[client.language],
            country_id=self.countries[client.country],
            client=1,
            code_client="auto",
        )
        for one in client.people:
            self._person(number, one)
        return number

    def _person(self, party: int, one: Person) -> None:
        self._post(
            "contacts", socid=party, lastname=one.name, email=one.email, **{"roles": [_BILLING]} if one.billing else {}
        )

    def _bill(self, bill: Bill, party: int) -> None:
        """It has one due date: the last one, so that nothing is asked for before it is due."""
        number = self._draft(0, party, bill.issued, bill.due[-1].on, bill.total, bill.currency, bill.ref)
        if bill.kind == "draft":
            return
        self._post(f"invoices/{number}/validate")
        if bill.kind == "cancelled":
            # Nobody abandons an invoice over REST; this is the nearest.
            self._post(f"invoices/{number}/settopaid", close_code="badcustomer")
        for one in bill.paid:
            self._pay(number, one.amount, bill.currency, one.on)

    def _credit(self, one: Credit, party: int) -> None:
        """A payment that is for no invoice yet is a deposit in Dolibarr: paid, and made into a discount."""
        if one.kind == "note":
            number = self._draft(2, party, one.on, one.on, -one.amount, one.currency, one.ref)
            self._post(f"invoices/{number}/validate")
            return
        number = self._draft(3, party, one.on, one.on, one.amount, one.currency, one.ref)
        self._post(f"invoices/{number}/validate")
        # REST does not make what is paid into a discount; the other way round it comes to the same.
        self._post(f"invoices/{number}/markAsCreditAvailable")
        self._pay(number, one.amount, one.currency, one.on)

    def _draft(self, kind: int, party: int, issued: date, due: date, amount: Decimal, currency: str, ref: str) -> int:
        line = {"desc": "Conseil", "subprice": float(amount / RATES[currency]), "qty": 1, "tva_tx": 0}
        if currency != "EUR":
            line["multicurrency_subprice"] = float(amount)
        return self._post(
            "invoices",
            type=kind,
            socid=party,
            date=_seconds(issued),
            date_lim_reglement=_seconds(due),
            cond_reglement_id=0,
            ref_client=ref,
            multicurrency_code=currency,
            multicurrency_tx=float(RATES[currency]),
            lines=[{**line, "product_type": 1}],
        )

    def _pay(self, invoice: int, amount: Decimal, currency: str, on: date) -> None:
        """Some of it in its own currency, which Dolibarr converts."""
        told = {"amount": str(amount), "multicurrency_amount": ""}
        if currency != "EUR":
            told = {"amount": "", "multicurrency_amount": str(amount)}
        self._post(
            "invoices/paymentsdistributed",
            arrayofamounts={str(invoice): told},
            datepaye=_seconds(on),
            paymentid=2,
            closepaidinvoices="yes",
            accountid=1,
        )

    def _post(self, path: str, **body: Any) -> Any:
        return self.call(path, body)


def _seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=_ZONE).timestamp())
