"""The suite that every connector passes, over an Odoo in memory, and a running one where there is one (conftest.py)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from conftest import LIVE, RECORDING, surroundings
from odoo_books import Books, matched, move, partner, term
from odoo_live import LiveOdoo
from odoo_samples import PostOffice

from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.core.model import Client, Invoice
from relance_addon.hosts.conformance import Conformance
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.port import Connector, Outgoing

# It looks like an API key, with which nobody logs in to Odoo's web pages.
PASSWORD = "5ec2e7a91c0de5ec2e7a91c0de5ec2e7a91c0de5"
STATES = {
    "draft": ("draft", "not_paid"),
    "open": ("posted", "not_paid"),
    "paid": ("posted", "paid"),
    "cancelled": ("cancel", "paid"),
    "disputed": ("posted", "blocked"),
    "written_off": ("posted", "reversed"),
}
LOOKED_AT: dict[str, Any] = {
    "account.move.line.has_access": True,
    "res.partner.has_access": True,
    "account.payment.has_access": True,
    "account.move.get_base_url": "https://odoo.example",
    "ir.actions.report.get_wkhtmltopdf_state": "ok",
    "ir.mail_server.search_read": [],
    "ir.module.module.search_read": [],
    "res.company.search_read": [{"id": 1, "name": "ACME", "default_from_email": False}],
    "res.users.apikeys.search_read": [],
}
"""What only a check asks for."""


class Odoo:
    """A whole Odoo in memory: what is put there, and what it mailed."""

    version = 18
    carrier = "jsonrpc"
    secrets: Sequence[str] = (PASSWORD,)

    def __init__(self, folder: Path, system: bool) -> None:
        self.books, self.office, self.reachable, self.folder = Books([]), PostOffice(system=system), True, folder
        (folder / "password").write_text(PASSWORD)

    def connect(self) -> Connector:
        settings = {
            "connector": "odoo",
            "url": "https://odoo.example",
            "database": "acme",
            "user": "relance",
            "password": {"file": "password"},
        }
        return OdooConnector(
            "acme", OdooConnector.Settings.model_validate(settings), surroundings(self.folder), self.log_in
        )

    def log_in(self, settings: Settings, password: str, folder: Path) -> Odoo:
        assert password == PASSWORD
        return self

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        if not self.reachable:
            raise NotDone("https://odoo.example: Connection refused")
        if f"{model}.{method}" in LOOKED_AT:
            return LOOKED_AT[f"{model}.{method}"]
        if model == "res.users" and named.get("fields") == ["tz"]:
            return [{"id": 6, "tz": "Europe/Paris"}]
        if method == "default_get":
            return self.books.call(model, method, ids, **named)
        looks_for_people = model == "res.partner" and "email_normalized" in (named.get("fields") or ())
        if f"{model}.{method}" in self.office.script and (model != "res.partner" or looks_for_people):
            return self.office.call(model, method, ids, **named)
        return self.books.call(model, method, ids, **named)

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self.books.moves = [_move(one) for one in invoices]
        self.books.lines = [_line(one, part) for one in invoices for part in one.instalments]
        self.books.partners = [partner(int(one.id), name=one.name, email=one.email) for one in clients]
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
        mailed = [message_id for message_id, _ in self.office.mailed].count(message.message_id)
        return mailed + sum(message.key in row["note"] for row in self.office.to_dos)

    def cut(self) -> None:
        self.reachable = False


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
        currency_id={"EUR": 1, "USD": 6}[one.currency],
    )


def _line(one: Invoice, part: Any) -> dict[str, Any]:
    return term(1, int(one.id), str(part.due_date), float(part.amount), float(part.residual))


class TestOdooAsAccountant(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Odoo:
        return Odoo(tmp_path, system=False)


class TestOdooAsAdministrator(Conformance):
    @pytest.fixture
    def subject(self, tmp_path: Path) -> Odoo:
        return Odoo(tmp_path, system=True)


@pytest.mark.skipif(not LIVE or RECORDING, reason="with RELANCE_LIVE_ODOO, as a user who may add clients")
class TestRunningOdoo(Conformance):
    @pytest.fixture(params=["mail", "note"])
    def subject(self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LiveOdoo:
        return LiveOdoo(tmp_path, monkeypatch, send=request.param)
