"""The suite that every connector passes, over an Odoo in memory, and a running one where there is one (conftest.py)."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from odoo_books import Books, matched, move, partner, term
from odoo_live import LiveOdoo
from odoo_samples import PostOffice
from odoo_stage import LIVE, RECORDING, surroundings
from odoo_wire import ADDRESS, PASSWORD, Wire

from relance_addon.connectors.odoo import reading
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Session, connect
from relance_addon.core.model import STATUSES, Address, Client, Invoice
from relance_addon.hosts.conformance import CHANGES, Arrived, Conformance, Subject
from relance_addon.hosts.port import Connector, Outgoing

STATES = {
    "draft": ("draft", "not_paid"),
    "open": ("posted", "not_paid"),
    "paid": ("posted", "paid"),
    "cancelled": ("cancel", "paid"),
    "disputed": ("posted", "blocked"),
    "written_off": ("posted", "reversed"),
}
CURRENCIES = {"EUR": 1, "USD": 6, "JPY": 25}
# A credit note for the whole of an invoice: Odoo knows no other way to write one off.
STATUSES_TOLD = tuple(one for one in STATUSES if one != "written_off")


class Odoo(Subject):
    """A whole Odoo in memory: what is put there, and what it mailed."""

    secrets = (PASSWORD,)

    def __init__(self, folder: Path, system: bool) -> None:
        super().__init__(folder)
        self.books, self.office = Books([]), PostOffice(system=system)
        self.wire = Wire(self.books, self.office)
        (folder / "password").write_text(PASSWORD)

    def connect(self) -> Connector:
        said = {"connector": "odoo", "url": ADDRESS, "database": "acme", "user": "relance"}
        settings = OdooConnector.Settings.model_validate({**said, "password": {"file": "password"}})
        assert isinstance(settings, Settings)
        return OdooConnector("acme", settings, surroundings(self.folder), _log_in)

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        books = self.books
        books.hold(books.moves, [_move(one) for one in invoices])
        books.hold(books.lines, [line for one in invoices for line in _lines(one)])
        books.hold(books.partners, [partner(int(one.id), name=one.name, email=one.email) for one in clients])
        self.office.partners = [
            {"id": int(one.id), "email_normalized": one.email, "commercial_partner_id": int(one.id), "type": "contact"}
            for one in clients
        ]

    def settle(self, invoices: Sequence[str], on: date) -> date:
        for row in self.books.moves:
            if str(row["id"]) in invoices:
                row.update(payment_state="paid", amount_residual=0.0)
                self.books.lines.append(term(row["id"] + 100, row["id"], row["invoice_date_due"], row["amount_total"]))
                self.books.matches.append(matched(row["id"] + 200, row["id"] + 100, str(on)))
        return on

    def left(self, message: Outgoing) -> int:
        kept = [row["message_id"] for row in self.office.kept.values()].count(message.message_id)
        copies = sum(map(len, message.recipients)) if self.office.system else 1
        return -(-kept // copies) + sum(message.key in row["note"] for row in self.office.to_dos)

    def arrived(self, message: Outgoing) -> Arrived:
        return self.office.arrived(message)

    def cut(self) -> None:
        self.wire.state = "down"

    def refuse(self, message: Outgoing) -> Outgoing:
        return replace(message, to=(Address("", "nobody"),))

    def lose_answers(self, after: int) -> None:
        self.wire.answers = after

    def garble(self) -> None:
        self.wire.state = "garbled"

    def forbid(self) -> str:
        self.wire.state = "forbidding"
        return "account.move"

    def mend(self) -> None:
        self.wire.answers = sys.maxsize


def _log_in(settings: Settings, password: str, folder: Path) -> Session:
    return connect(settings, password, folder, sleep=lambda seconds: None)


def _move(one: Invoice) -> dict[str, Any]:
    state, payment = STATES[one.status]
    return move(
        int(one.id),
        name=one.number,
        state=state,
        payment_state=payment,
        commercial_partner_id=int(one.client),
        invoice_date=str(one.issue_date),
        invoice_date_due=str(one.due_date),
        amount_total=float(one.total),
        amount_residual=float(one.residual),
        currency_id=CURRENCIES[one.currency],
    )


def _lines(one: Invoice) -> list[dict[str, Any]]:
    return [
        term(int(one.id) * 10 + rank, int(one.id), str(part.due_date), float(part.amount), float(part.residual))
        for rank, part in enumerate(one.instalments)
    ]


class InMemory(Conformance):
    statuses = STATUSES_TOLD
    many = 120
    system: bool

    @pytest.fixture
    def subject(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Odoo]:
        monkeypatch.setattr(reading, "PAGE", 100)
        odoo = Odoo(tmp_path, self.system)
        with odoo.wire.open():
            yield odoo


class TestOdooAsAccountant(InMemory):
    system = False


class TestOdooAsAdministrator(InMemory):
    system = True


@pytest.mark.skipif(not LIVE or RECORDING, reason="with RELANCE_LIVE_ODOO, as a user who may add clients")
class TestRunningOdoo(Conformance):
    statuses = ("draft", "open", "paid", "cancelled")  # disputed from 18 on
    currencies = ("EUR", "USD")
    changes = tuple(change for change in CHANGES if change != "a payment taken back")
    many = 120
    faults = frozenset({"lose_answers"})

    @pytest.fixture(params=["mail", "note"])
    def subject(self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveOdoo:
        return LiveOdoo(tmp_path, monkeypatch, send=request.param)
