"""The tests' own Tryton as a subject of the suite: an administrator writes bills behind the connector's back.

They are of parties of their own, and the connector is asked for those only: Tryton keeps what earlier tests left, and
lets nobody delete what was posted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path
from secrets import token_hex
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
import tryton_company
from mailers import PostOffice
from post_office import Letterbox
from translated import Names, Translated
from tryton_books import Bill, Books
from tryton_server import DATABASE, Tryton

from relance_addon.connectors.tryton import inspection, invoices, reading, records, rpc
from relance_addon.connectors.tryton.connector import TrytonConnector
from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.connectors.tryton.settings import Settings
from relance_addon.core.model import Address, Client, Invoice, Status
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.conformance import TODAY, Arrived, Subject
from relance_addon.hosts.port import Connector, Surroundings
from relance_addon.hosts.wire import Answer, Wire

PAGE = 10
SENDER = Address("Comptabilité", "robot@acme.example")
"""Tryton sends from the address of its user."""
STATES: Mapping[Status, Status] = {"disputed": "open", "written_off": "paid"}
"""The nearest that Tryton has."""
_PAGE_FOR_PEOPLE = Answer(200, "text/html", "", b"<html><body>502 Bad Gateway</body></html>")
_real = Wire.ask


class LiveTryton(Names, Subject):
    """A subject on the server of the tests; ``mail`` is who sends."""

    connector = TrytonConnector

    def __init__(
        self, folder: Path, tryton: Tryton, letters: Letterbox, mail: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Names.__init__(self, token_hex(4))
        Subject.__init__(self, folder)
        self.books, self.letters, self.office = Books(tryton.client("admin")), letters, PostOffice()
        self.mail, self.monkeypatch = mail, monkeypatch
        self.user, self.password = "robot", tryton_company.password("robot")
        self.secrets = (self.password,)
        (folder / "password").write_text(self.password)
        self.host: Mapping[str, Any] = {"url": tryton.url, "database": DATABASE, "mail": mail}
        self.wrong, self.answers = "", 0
        self.taken: dict[int, Sequence[int]] = {}
        monkeypatch.setattr(Wire, "ask", lambda wire, *told: self._ask(wire, *told))

    def connect(self) -> Connector:
        def log_in(settings: Settings, password: str, folder: Path) -> Rpc:
            return rpc.connect(settings, password, folder, lambda pause: None)

        told = {"connector": "tryton", "user": self.user, "password": {"file": "password"}, **self.host}
        around = Surroundings(self.folder, ZoneInfo("Europe/Paris"), "EUR", "fr", self.office)
        connector = TrytonConnector("acme", Settings.model_validate(told), around, log_in)
        return Translated(connector, self)  # type: ignore[return-value]  # its capabilities are the connector's

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        self._people(clients)
        wanted = {one.id: replace(one, status=STATES.get(one.status, one.status)) for one in invoices}
        for gone in [one for one in self.bills if one not in wanted]:
            self._delete(gone)
        new = [one for one in wanted.values() if one.id not in self.bills]
        made = self.books.draft(*(self._bill(one) for one in new))
        self.ids.update((one.id, number) for one, number in zip(new, made, strict=True))
        self.bills.update((one.id, replace(one, status="draft", residual=one.total)) for one in new)
        self.books.post(
            *(self.ids[one.id] for one in wanted.values() if self._is(one, "draft") and one.status != "draft")
        )
        for one in wanted.values():
            self._change(one, self.bills[one.id])
        self.bills = dict(wanted)

    def settle(self, invoices: Sequence[str], on: date) -> date:
        for one in invoices:
            self.books.pay(self.ids[one], on=on)
        return on

    def message(self, one: Outgoing) -> Outgoing:
        meant = super().message(one)
        return replace(meant, sender=SENDER) if meant.sender.email == "compta@acme.example" else meant

    def left(self, message: Outgoing) -> int:
        sent = self.mark(message.mark)
        if message.channel != "mail":
            return len(self._notes(f"relance:{sent.key}:done"))
        return self.office.left(sent.key) if self.mail == "smtp" else len(self._mails(sent.key))

    def arrived(self, message: Outgoing) -> Arrived:
        sent = self.message(message)
        stands = {self.bill(row["resource"].partition(",")[2]) for row in self._notes(sent.subject)}
        if self.mail == "smtp":
            return self.office.arrived(sent)._replace(invoices=stands)
        mails = self._mails(sent.key)
        if not mails:
            return Arrived(invoices=stands)
        people = [Address("", one) for one in mails[0].rcpt_tos]
        return Arrived.by_mail(bytes(mails[0].content), people, stands)

    def numbers(self, bills: Sequence[str]) -> Sequence[str]:
        rows = self.books.admin.rows("account.invoice", ["number"], ["id", "in", [self.ids[one] for one in bills]])
        return [row["number"] for row in rows]

    # What goes wrong

    def cut(self) -> None:
        self.wrong = "cut"

    def refuse(self, message: Outgoing) -> Outgoing:
        if self.mail == "tryton":
            return replace(message, sender=Address("", "anne@acme.example"))
        key = self.mark(message.mark).key
        self.office.answers[key] = Posted(key, "failed", "550 no such user")
        return message

    def lose_answers(self, after: int) -> None:
        self.wrong, self.answers = "lost", after

    def garble(self) -> None:
        self.wrong = "garbled"

    def forbid(self) -> str:
        admin = self.books.admin
        (robot,) = admin.rows("res.user", ["groups"], ["login", "=", "robot"])
        self.taken = {robot["id"]: robot["groups"]}
        self._give("remove")
        return "account.invoice"

    def allow(self) -> None:
        """Give back what was taken."""
        self._give("add")

    def _give(self, what: str) -> None:
        for user, groups in self.taken.items():
            self.books.admin.call("model.res.user.write", [user], {"groups": [[what, [*groups]]]})

    def mend(self) -> None:
        self.wrong = ""

    def _ask(self, wire: Wire, *told: Any) -> Answer:
        if self.wrong == "cut":
            raise requests.ConnectionError(ConnectionRefusedError(111, "Connection refused"))
        answer = _real(wire, *told)
        if self.wrong == "garbled":
            return _PAGE_FOR_PEOPLE if len(told) % 2 else answer._replace(body=answer.body[:-5])
        if self.wrong == "lost":
            self.answers -= 1
            if self.answers < 0:
                raise requests.ReadTimeout("timed out")
        return answer

    # The books

    def _people(self, clients: Sequence[Client]) -> None:
        new = [one for one in clients if one.id not in self.partners]
        told = [{"name": one.name, "email": one.email, "language": one.language, "country": one.country} for one in new]
        made = self.books.parties(*told)
        self.partners.update((one.id, number) for one, number in zip(new, made, strict=True))
        for one in clients:
            self._write_to(self.partners[one.id], one.email)
        ours = ["party", "in", [*self.partners.values()]]
        for module in (reading, inspection):
            self.monkeypatch.setattr(module, "OWED", (*invoices.OWED, ours))
        self.monkeypatch.setattr(reading, "SALES", (*invoices.SALES, ours))
        self.monkeypatch.setattr(records, "PAGE", PAGE)

    def _write_to(self, party: int, email: str) -> None:
        admin = self.books.admin
        known = admin.rows("party.contact_mechanism", ["value"], ["party", "=", party])
        for row in known:
            if row["value"] != email:
                admin.call("model.party.contact_mechanism.write", [row["id"]], {"value": email})

    def _bill(self, one: Invoice) -> Bill:
        assert one.issue_date and one.due_date
        parts = {part.due_date: part.amount for part in one.instalments} or {one.due_date: one.total}
        return Bill(self.partners[one.client], one.issue_date, parts, one.currency)

    def _is(self, one: Invoice, status: Status) -> bool:
        return self.bills[one.id].status == status

    def _change(self, one: Invoice, before: Invoice) -> None:
        number = self.ids[one.id]
        if one.status == "cancelled":
            self.books.cancel(number)
        elif one.residual < before.residual:
            self.books.pay(number, before.residual - one.residual, on=one.issue_date or TODAY)
        if one.due_date != before.due_date and one.due_date is not None:
            self.books.postpone(*self.books.owed(number), until=one.due_date)

    def _delete(self, bill: str) -> None:
        """What was posted is cancelled, and from then on nobody knows where it is."""
        number, gone = self.ids.pop(bill), self.bills.pop(bill)
        if gone.residual:
            self.books.cancel(number)

    def _notes(self, text: str) -> list[dict[str, Any]]:
        return self.books.admin.rows("ir.note", ["resource"], ["message", "like", f"%{text}%"])

    def _mails(self, key: str) -> list[Any]:
        def html(content: Any) -> str:
            body = message_from_bytes(bytes(content), policy=policy.default).get_body(("html",))
            return str(body.get_content()) if body else ""

        return [one for one in self.letters.got if f"relance:{key}:" in html(one.content)]
