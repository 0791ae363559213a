"""A running Dolibarr as a subject of the suite: an administrator writes bills behind the connector's back.

They are of clients of their own, and the connector is asked for those only: Dolibarr keeps what earlier runs left, and
lets nobody delete a validated invoice that is not the last.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from dolibarr_books import broken, midnight
from dolibarr_stage import live, surroundings
from mailers import PostOffice
from translated import Names, Translated

from relance_addon.connectors.dolibarr import inspection, invoices, reading, rest
from relance_addon.connectors.dolibarr.agenda import UID
from relance_addon.connectors.dolibarr.connector import DolibarrConnector
from relance_addon.connectors.dolibarr.invoices import OWED
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.core.model import Client, Invoice
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.conformance import Arrived, Subject
from relance_addon.hosts.port import Connector
from relance_addon.hosts.wire import Answer, Wire

_PAGE = 100
_COUNTRIES = {"FR": 1, "BE": 2}
_RATES = {"EUR": Decimal(1), "USD": Decimal("1.25")}
_real = Wire.ask


class LiveDolibarr(Names, Subject):
    """A subject on the server that RELANCE_LIVE_DOLIBARR names."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        Names.__init__(self, token_hex(4))
        self.answers = sys.maxsize
        self.people: dict[str, Client] = {}
        url, keys = live()
        if not keys["admin"]:
            pytest.skip("no key of admin")
        (folder / "key").write_text(keys["robot"])
        self.settings = Settings.model_validate({"connector": "dolibarr", "url": url, "key": {"file": "key"}})
        self.folder, self.monkeypatch, self.office, self.reachable = folder, monkeypatch, PostOffice(), True
        self.secrets: Sequence[str] = (keys["robot"], keys["admin"])
        self.dolibarr = rest.connect(self.settings, keys["admin"], folder)
        self._own = self.dolibarr._wire
        monkeypatch.setattr(Wire, "ask", lambda wire, *told: self._ask(wire, *told))

    def connect(self) -> Connector:
        def log_in(settings: Settings, key: str, folder: Path) -> rest.Session:
            return rest.connect(settings, key, folder, lambda pause: None)

        connector = DolibarrConnector("acme", self.settings, surroundings(self.folder, self.office), log_in)
        return Translated(connector, self)  # type: ignore[return-value]  # its capabilities are the connector's

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        if not self.partners:
            self._add_clients(clients)
        for client in clients:
            if client != self.people[client.id]:
                self.dolibarr.write("PUT", f"thirdparties/{self.partners[client.id]}", {"email": client.email})
        self.people = {one.id: one for one in clients}
        wanted = {one.id: one for one in invoices}
        for gone in [one for one in self.bills if one not in wanted]:
            self._delete(self.ids.pop(gone), self.bills[gone])
        for bill in invoices:
            before = self.bills.get(bill.id)
            if before is None:
                before = self._add(bill)
            if bill != before:
                self._change(bill, before)
        self.bills = wanted

    def _delete(self, number: int, bill: Invoice) -> None:
        if bill.status != "draft":
            self.dolibarr.write("POST", f"invoices/{number}/settodraft", {"idwarehouse": -1})
        try:
            self.dolibarr.write("DELETE", f"invoices/{number}", {})
        except rest.Denied:
            pytest.skip("this version lets nobody delete an invoice that had a number")

    def settle(self, invoices: Sequence[str], on: date) -> date:
        """They are closed today, whatever day they were paid on."""
        for one in invoices:
            self._pay(self.ids[one], self.bills[one].residual, on)
        return datetime.now(ZoneInfo(self.dolibarr.zone or "Europe/Paris")).date()

    def left(self, message: Outgoing) -> int:
        sent = self.message(message)
        if message.channel == "mail":
            return self.office.left(sent.key)
        text = sent.message_id.strip("<>")
        found = rest.rows(self.dolibarr, "agendaevents", sqlfilters=f"(t.email_msgid:=:'{text}')")
        return [one["array_options"][f"options_{UID}"] for one in found].count(sent.key)

    def arrived(self, message: Outgoing) -> Arrived:
        sent = self.message(message)
        invoices = {
            bill
            for bill, number in self.ids.items()
            for event in rest.rows(self.dolibarr, "agendaevents", sqlfilters=f"(t.fk_element:=:{number})")
            if event["label"] == sent.subject
        }
        return self.office.arrived(sent)._replace(invoices=invoices)

    def cut(self) -> None:
        self.reachable = False

    def refuse(self, message: Outgoing) -> Outgoing:
        key = self.message(message).key
        self.office.answers[key] = Posted(key, "failed", "550 no such user")
        return message

    def lose_answers(self, after: int) -> None:
        self.answers = after

    def mend(self) -> None:
        self.answers = sys.maxsize

    def numbers(self, bills: Sequence[str]) -> Sequence[str]:
        ids = [self.ids[one] for one in bills]
        return [row["ref"] for row in rest.among(self.dolibarr, "invoices", "t.rowid", ids, properties="ref")]

    def _ask(self, wire: Wire, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        if wire is self._own:
            return _real(wire, method, path, body, headers)
        if not self.reachable:
            raise broken(ConnectionRefusedError(111, "Connection refused"))
        answer = _real(wire, method, path, body, headers)
        self.answers -= 1
        if self.answers < 0:
            raise broken(TimeoutError(), requests.ReadTimeout)
        return answer

    def _add_clients(self, clients: Sequence[Client]) -> None:
        for one in clients:
            body = {
                "name": one.name,
                "email": one.email,
                "country_id": _COUNTRIES[one.country],
                "client": 1,
                "code_client": "auto",
            }
            self.partners[one.id] = int(self.dolibarr.write("POST", "thirdparties", body))
        self.people = {one.id: one for one in clients}
        own = f"{OWED} and (t.fk_soc:in:{','.join(map(str, self.partners.values()))})"
        for module in (reading, invoices, inspection):
            self.monkeypatch.setattr(module, "OWED", own)
        ours = f"{invoices.CLOSED} and (t.fk_soc:in:{','.join(map(str, self.partners.values()))})"
        self.monkeypatch.setattr(invoices, "CLOSED", ours)
        self.monkeypatch.setattr(rest, "PAGE", _PAGE)

    def _add(self, one: Invoice) -> Invoice:
        """Draft it, and validate what is to be; as it is then."""
        price = float(one.total / _RATES[one.currency])
        body: dict[str, Any] = {
            "socid": self.partners[one.client],
            "type": 0,
            "date": midnight(one.issue_date),
            "date_lim_reglement": midnight(one.due_date),
            "cond_reglement_id": 0,
            "multicurrency_code": one.currency,
            "multicurrency_tx": float(_RATES[one.currency]),
            "lines": [{"desc": "Conseil", "subprice": price, "qty": 1, "tva_tx": 0, "product_type": 1}],
        }
        number = self.ids[one.id] = int(self.dolibarr.write("POST", "invoices", body))
        if one.status != "draft":
            self.dolibarr.write("POST", f"invoices/{number}/validate", {})
        return replace(one, status="draft" if one.status == "draft" else "open", residual=one.total)

    def _change(self, one: Invoice, before: Invoice) -> None:
        number = self.ids[one.id]
        if one.status in ("cancelled", "written_off"):
            # Nobody abandons an invoice over REST.
            self.dolibarr.write("POST", f"invoices/{number}/settopaid", {"close_code": "badcustomer"})
        elif one.residual < before.residual:
            self._pay(number, (before.residual - one.residual) / _RATES[one.currency], one.issue_date)
        elif before.status == "draft":
            self.dolibarr.write("POST", f"invoices/{number}/validate", {})
        elif one.due_date != before.due_date:
            self.dolibarr.write("PUT", f"invoices/{number}", {"date_lim_reglement": midnight(one.due_date)})

    def _pay(self, number: int, amount: Decimal, on: date | None) -> None:
        body = {
            "arrayofamounts": {str(number): {"amount": str(amount), "multicurrency_amount": ""}},
            "datepaye": midnight(on),
            "paymentid": 2,
            "closepaidinvoices": "yes",
            "accountid": 1,
        }
        self.dolibarr.write("POST", "invoices/paymentsdistributed", body)
