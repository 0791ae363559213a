"""The suite that every connector passes, over a Dolibarr in memory and a running one; and the number of calls."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from dolibarr_books import KEY, Books, Row, bill, contact, midnight, party
from dolibarr_live import LiveDolibarr
from dolibarr_stage import LIVE, RECORDING
from mailers import PostOffice

from relance_addon.connectors.dolibarr.rest import PAGE
from relance_addon.core.model import STATUSES, Client, Invoice
from relance_addon.hosts.conformance import CHANGES, TODAY, Arrived, Conformance, Subject
from relance_addon.hosts.port import Connector, Outgoing, Posted

UNDISPUTED = tuple(one for one in STATUSES if one != "disputed")
STATES = {
    "draft": ("0", "0", None),
    "open": ("1", "0", None),
    "disputed": ("1", "0", None),
    "paid": ("2", "1", None),
    "cancelled": ("3", "0", "abandon"),
    "written_off": ("2", "0", "badcustomer"),
}
RATES = {"EUR": Decimal(1), "USD": Decimal("1.25"), "JPY": Decimal(160)}


class Dolibarr(Subject):
    """A whole Dolibarr in memory, and the mail server beside it."""

    secrets = (KEY,)

    def __init__(self, folder: Path, version: str, uid: bool) -> None:
        super().__init__(folder)
        self.books, self.office = Books(version, uid=uid), PostOffice()

    def connect(self) -> Connector:
        return self.books.connector(self.folder, self.office)

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self.books.invoices = [_bill(one) for one in invoices]
        self.books.parties = [
            party(int(one.id), name=one.name, email=one.email, country_code=one.country) for one in clients
        ]

    def settle(self, invoices: Sequence[str], on: date) -> date:
        for row in self.books.invoices:
            if row["id"] in invoices:
                row.update(statut="2", paye="1", remaintopay="0", date_closing=f"{on} 10:00:00")
        return on

    def left(self, message: Outgoing) -> int:
        if message.channel == "mail":
            return self.office.left(message.key)
        return [one.get("email_msgid") for one in self.books.events].count(message.message_id.strip("<>"))

    def arrived(self, message: Outgoing) -> Arrived:
        invoices = {str(one["fk_element"]) for one in self.books.events if one["label"] == message.subject}
        return self.office.arrived(message)._replace(invoices=invoices)

    def cut(self) -> None:
        self.books.down = True

    def refuse(self, message: Outgoing) -> Outgoing:
        self.office.answers[message.key] = Posted(message.key, "failed", "550 no such user")
        return message

    def lose_answers(self, after: int) -> None:
        self.books.answers = after

    def garble(self) -> None:
        self.books.garbled = True

    def forbid(self) -> str:
        self.books.forbidding = True
        return "invoices"

    def mend(self) -> None:
        self.books.answers = sys.maxsize


def _bill(one: Invoice) -> Row:
    statut, paye, code = STATES[one.status]
    rate = RATES[one.currency]
    return bill(
        int(one.id),
        int(one.client),
        ref=one.number,
        statut=statut,
        paye=paye,
        close_code=code,
        date=midnight(one.issue_date),
        date_lim_reglement=midnight(one.due_date),
        total_ttc=f"{one.total / rate:.8f}",
        remaintopay=f"{one.residual / rate:f}",
        multicurrency_code=one.currency,
        multicurrency_tx=f"{rate:.8f}",
        multicurrency_total_ttc=f"{one.total:.8f}",
    )


class TestDolibarr(Conformance):
    instalments = False
    statuses = UNDISPUTED
    many = PAGE + 20

    @pytest.fixture(params=["22.0.4", "16.0.3", "without the extra field"])
    def subject(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dolibarr]:
        known = request.param[0].isdecimal()
        dolibarr = Dolibarr(tmp_path, request.param if known else "22.0.4", uid=known)
        with dolibarr.books.open():
            yield dolibarr


@pytest.mark.skipif(not LIVE or RECORDING, reason="with RELANCE_LIVE_DOLIBARR and an administrator's key")
class TestRunningDolibarr(Conformance):
    instalments = False
    statuses = ("draft", "open", "paid", "written_off")
    currencies = ("EUR", "USD")
    changes = tuple(change for change in CHANGES if change != "a payment taken back")
    many = 120
    faults = frozenset({"refuse", "lose_answers"})

    @pytest.fixture
    def subject(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveDolibarr:
        return LiveDolibarr(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("version", "count"), [("16.0.3", 10), ("16.0.3", 1000), ("22.0.4", 10), ("22.0.4", 1000), ("22.0.4", 10_000)]
)
def test_the_number_of_calls_grows_with_pages(version: str, count: int, tmp_path: Path) -> None:
    clients = max(count // 4, 2)
    books = Books(version)
    books.parties = [party(one) for one in range(1, clients + 1)]
    books.contacts = [contact(one, one, "BILLING") for one in range(1, clients + 1)]
    books.invoices = [
        bill(one, one % clients + 1, contacts_ids=[str(one % clients + 1)]) for one in range(1, count + 1)
    ]

    with books.open():
        pages = list(books.connector(tmp_path).pull("", TODAY).pages)

    assert sum(len(page.invoices) for page in pages) == count
    assert sum(len(page.clients) for page in pages) == clients
    assert all(one.contacts for page in pages for one in page.invoices)
    asked = {path: books.calls.count(f"GET {path}") for path in ("invoices", "thirdparties", "contacts")}
    walks = count // PAGE + 1
    assert asked["invoices"] == walks + 2, "and one list each of open credit notes and of those who may have discounts"
    ids = -(-clients // 200) + min(walks, -(-clients // PAGE))
    assert asked["thirdparties"] <= ids
    assert asked["contacts"] <= ids
    assert len(books.calls) <= sum(asked.values()) + len(pages) + 3, "the log-in, tags, and authors by page"
    assert not books.pauses


def test_the_number_of_calls_to_read_again_is_one_for_each_client_and_a_constant(tmp_path: Path) -> None:
    books = Books()
    books.parties = [party(one) for one in range(1, 21)]
    books.invoices = [bill(one, one % 20 + 1) for one in range(1, 101)]

    with books.open():
        page = books.connector(tmp_path).read([str(one) for one in range(1, 101)], TODAY)

    assert len(page.invoices) == 100
    assert len(books.calls) <= 20 + 7
    assert date(2026, 10, 31) in {one.due_date for one in page.invoices}
