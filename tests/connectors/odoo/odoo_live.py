"""A running Odoo as a subject of the suite: bills are written behind the connector's back, to clients of their own.

The connector is asked for the bills of these clients only: Odoo keeps what earlier runs left there.
"""

from __future__ import annotations

import sys
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from odoo_samples import copy_for, seen_in
from odoo_stage import live_settings, surroundings
from translated import Names, Translated

from relance_addon.connectors.odoo import invoices as odoo_invoices
from relance_addon.connectors.odoo import reading
from relance_addon.connectors.odoo.browser import is_key
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Session, connect
from relance_addon.core.errors import Unreachable
from relance_addon.core.model import Client, Invoice, Status
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.conformance import Arrived, Subject
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.port import Connector

_PAGE = 100


class LiveOdoo(Names, Subject):
    """A subject on the server that RELANCE_LIVE_ODOO names."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, send: str) -> None:
        Names.__init__(self, token_hex(4))
        self.answers = sys.maxsize
        self.people: dict[str, Client] = {}
        settings, password = live_settings(folder)
        self.settings = settings.model_copy(update={"send": send})
        self.folder, self.monkeypatch, self.reachable = folder, monkeypatch, True
        # A password may be a word that anything may say, such as admin.
        self.secrets: Sequence[str] = (password,) if is_key(password) else ()
        self.odoo = connect(settings, password, folder)

    def connect(self) -> Connector:
        connector = OdooConnector("acme", self.settings, surroundings(self.folder), self._log_in)
        return Translated(connector, self)

    def _log_in(self, settings: Settings, password: str, folder: Path) -> Line:
        return Line(connect(settings, password, folder), self)

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        if not self.partners:
            self._add_clients(clients)
        for client in clients:
            if client != self.people[client.id]:
                self.odoo.call(
                    "res.partner", "load", fields=[".id", "email"], data=[[self.partners[client.id], client.email]]
                )
        self.people = {one.id: one for one in clients}
        wanted = {one.id: one for one in invoices}
        self._delete([one for one in self.bills if one not in wanted])
        self._add([one for one in invoices if one.id not in self.bills])
        for one in invoices:
            before = self.bills.get(one.id) or replace(one, status=_added(one), residual=one.total)
            if one != before:
                self._change(one, before)
        self.bills = wanted

    def settle(self, invoices: Sequence[str], on: date) -> date:
        for one in invoices:
            self._pay(self.ids[one], self.bills[one].residual, payment_date=str(on))
        return on

    def left(self, message: Outgoing) -> int:
        sent = self.message(message)
        if message.channel != "mail":
            # There is one on each of its invoices.
            first = ("res_id", "=", int(sent.invoices[0]))
            return self._count("mail.activity", ("note", "ilike", sent.key), first)
        copies = sum(map(len, sent.recipients)) if self.settings.send == "mail" else 1
        return -(-self._count("mail.message", ("message_id", "=", sent.message_id)) // copies)

    def arrived(self, message: Outgoing) -> Arrived:
        sent = self.message(message)
        if message.channel != "mail":
            to_dos = self._rows("mail.activity", ("note", "ilike", sent.key), "res_id")
            return Arrived(invoices={self.bill(str(row["res_id"])) for row in to_dos})
        kept = self._rows("mail.message", ("message_id", "=", sent.message_id), "model", "res_id", "attachment_ids")
        notes = [sent.message_id.replace("<", f"<note.{one}.", 1) for one in sent.invoices]
        noted = self._rows("mail.message", ("message_id", "in", notes), "model", "res_id")
        places = {self.bill(str(row["res_id"])) for row in (*kept, *noted) if row["model"] == "account.move"}
        files = self._rows("ir.attachment", ("id", "in", kept[0]["attachment_ids"]), "name", "datas")
        contents = {row["name"]: b64decode(row["datas"]) for row in files}
        about = ("mail_message_id", "in", [row["id"] for row in kept])
        if self.settings.send == "mail":
            mails = self._rows("mail.mail", about, "email_to", "email_cc", "headers")
            return Arrived(list(map(copy_for, mails)), {one for row in mails for one in seen_in(row)}, contents, places)
        ids = [row["res_partner_id"][0] for row in self._rows("mail.notification", about, "res_partner_id")]
        people = [row["email"] for row in self._rows("res.partner", ("id", "in", ids), "email")]
        return Arrived(people, None, contents, places)

    def cut(self) -> None:
        self.reachable = False

    def lose_answers(self, after: int) -> None:
        self.answers = after

    def mend(self) -> None:
        self.answers = sys.maxsize

    def numbers(self, bills: Sequence[str]) -> Sequence[str]:
        ours = [self.ids[one] for one in bills]
        return [row["name"] for row in self.odoo.call("account.move", "read", ours, fields=["name"])]

    def _add_clients(self, clients: Sequence[Client]) -> None:
        for one in clients:
            country = self.odoo.call("res.country", "search", domain=[("code", "=", one.country)])[0]
            values = {"name": one.name, "email": one.email, "country_id": country, "is_company": True}
            (self.partners[one.id],) = self.odoo.call("res.partner", "create", vals_list=[values])
        self.people = {one.id: one for one in clients}
        own = ("commercial_partner_id", "in", sorted(self.partners.values()))
        self.monkeypatch.setattr(reading, "PAGE", _PAGE)
        for module in (reading, odoo_invoices):
            self.monkeypatch.setattr(module, "OWED", [*module.OWED, own])
        self.monkeypatch.setattr(reading, "SETTLED", [*reading.SETTLED, own])

    def _add(self, invoices: Sequence[Invoice]) -> None:
        """Draft them all, and post those that are to be posted."""
        if not invoices:
            return
        currencies = self.odoo.call("res.currency", "search_read", domain=[], fields=["name"])
        numbers = {row["name"]: row["id"] for row in currencies}
        values = [
            {
                "move_type": "out_invoice",
                "partner_id": self.partners[one.client],
                "invoice_date": str(one.issue_date),
                "currency_id": numbers[one.currency],
                "invoice_line_ids": [(0, 0, {"name": "Conseil", "price_unit": float(one.total), "tax_ids": [(5,)]})],
                **self._term(one),
            }
            for one in invoices
        ]
        made = self.odoo.call("account.move", "create", vals_list=values)
        self.ids.update(zip((one.id for one in invoices), made, strict=True))
        posted = [self.ids[one.id] for one in invoices if _added(one) == "open"]
        if posted:
            self.odoo.call("account.move", "action_post", posted)

    def _term(self, one: Invoice) -> dict[str, Any]:
        """When it is due: on a day, or in two parts that need payment terms."""
        if not one.instalments:
            return {"invoice_payment_term_id": False, "invoice_date_due": str(one.due_date)}
        assert one.issue_date is not None
        first, last = one.instalments
        lines = [
            self._part("percent", float(first.amount / one.total * 100), first.due_date - one.issue_date),
            self._part("balance", float(last.amount / one.total * 100), last.due_date - one.issue_date),
        ]
        term = {"name": f"Conformance {self.run}", "line_ids": [(5,), *((0, 0, line) for line in lines)]}
        return {"invoice_payment_term_id": self.odoo.call("account.payment.term", "create", vals_list=[term])[0]}

    def _part(self, value: str, percent: float, after: timedelta) -> dict[str, Any]:
        if self.odoo.version == 16:
            return {"value": value, "value_amount": percent if value == "percent" else 0, "days": after.days}
        return {"value": "percent", "value_amount": percent, "nb_days": after.days, "delay_type": "days_after"}

    def _change(self, one: Invoice, before: Invoice) -> None:
        number = self.ids[one.id]
        if one.status == "cancelled":
            self.odoo.call("account.move", "button_cancel", [number])
        elif one.status == "disputed":
            self._block(number)
        elif one.residual < before.residual:
            self._pay(number, before.residual - one.residual)
        elif before.status == "draft":
            self.odoo.call("account.move", "action_post", [number])
        elif one.due_date != before.due_date:
            self.odoo.call("account.move", "button_draft", [number])
            self.odoo.call("account.move", "write", [number], vals={"invoice_date_due": str(one.due_date)})
            self.odoo.call("account.move", "action_post", [number])

    def _pay(self, number: int, amount: Decimal, **more: str) -> None:
        context = {"active_model": "account.move", "active_ids": [number]}
        values = {"amount": float(amount), **more}
        made = self.odoo.call("account.payment.register", "create", vals_list=[values], context=context)
        self.odoo.call("account.payment.register", "action_create_payments", made)

    def _block(self, number: int) -> None:
        if self.odoo.version >= 18:
            self.odoo.call("account.move", "action_toggle_block_payment", [number])
            return
        domain = [("move_id", "=", number), ("display_type", "=", "payment_term")]
        lines = self.odoo.call("account.move.line", "search", domain=domain)
        self.odoo.call("account.move.line", "write", lines, vals={"blocked": True})

    def _delete(self, bills: Sequence[str]) -> None:
        numbers = [self.ids.pop(one) for one in bills]
        if numbers:
            posted = self._rows("account.move", ("id", "in", numbers), "state")
            undone = [row["id"] for row in posted if row["state"] != "draft"]
            if undone:
                self.odoo.call("account.move", "button_draft", undone)
            self.odoo.call("account.move", "unlink", numbers, context={"force_delete": True})

    def _rows(self, model: str, leaf: tuple[str, str, Any], *fields: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.odoo.call(model, "search_read", domain=[leaf], fields=list(fields))
        return found

    def _count(self, model: str, *leaves: tuple[str, str, Any]) -> int:
        count: int = self.odoo.call(model, "search_count", domain=[*leaves])
        return count


def _added(one: Invoice) -> Status:
    """What an invoice is before it is changed into what it is to be."""
    return "draft" if one.status in ("draft", "cancelled") else "open"


class Line:
    """A connection that can be cut, and on which answers can be lost."""

    def __init__(self, session: Session, host: LiveOdoo) -> None:
        self._session, self._host = session, host
        self.version, self.carrier = session.version, session.carrier

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        if not self._host.reachable:
            raise NotDone("https://odoo.example: Connection refused")
        answer = self._session.call(model, method, ids, **named)
        self._host.answers -= 1
        if self._host.answers < 0:
            raise Unreachable(f"https://odoo.example: {model}.{method}: no answer in time")
        return answer

    def another(self) -> Line:
        return Line(self._session.another(), self._host)
