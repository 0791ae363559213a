"""A running Odoo as a subject of the suite: bills are written behind the connector's back, to clients of their own.

Odoo gives its records ids and numbers of its own, and keeps what earlier runs left there. So the connector is asked for
the bills of these clients only, and between it and the suite stands one who knows which is which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from conftest import live_settings, surroundings

from relance_addon.connectors.odoo import invoices as odoo_invoices
from relance_addon.connectors.odoo import reading
from relance_addon.connectors.odoo.browser import is_key
from relance_addon.connectors.odoo.connector import OdooConnector
from relance_addon.connectors.odoo.settings import Settings
from relance_addon.connectors.odoo.transport import Session, connect
from relance_addon.core.model import Client, Invoice, Problem
from relance_addon.core.outgoing import Document, Mark, Outgoing, Posted
from relance_addon.hosts.faults import NotDone
from relance_addon.hosts.port import (
    Capabilities,
    Connector,
    DeliveryEvent,
    Finding,
    Found,
    HostSettings,
    Kind,
    MappedField,
    Page,
    Pull,
)

_NOWHERE = 900_000_000
"""What the suite names, and nobody put there, has ids from here on."""
_PAGE = 100


class LiveOdoo:
    """A subject on the server that RELANCE_LIVE_ODOO names."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, send: str) -> None:
        settings, password = live_settings(folder)
        self.settings = settings.model_copy(update={"send": send})
        self.folder, self.monkeypatch, self.reachable = folder, monkeypatch, True
        # A password may be a word that anything may say, such as admin.
        self.secrets: Sequence[str] = (password,) if is_key(password) else ()
        self.run = token_hex(4)
        self.odoo = connect(settings, password, folder)
        self.bills: dict[str, Invoice] = {}
        self.ids: dict[str, int] = {}
        self.partners: dict[str, int] = {}

    def connect(self) -> Connector:
        connector = OdooConnector("acme", self.settings, surroundings(self.folder), self._log_in)
        return Translated(connector, self)

    def _log_in(self, settings: Settings, password: str, folder: Path) -> Line:
        return Line(connect(settings, password, folder), self)

    def put(self, invoices: Sequence[Invoice], clients: Sequence[Client]) -> None:
        if not self.partners:
            self._add_clients(clients)
        wanted = {one.id: one for one in invoices}
        self._delete([one for one in self.bills if one not in wanted])
        self._add([one for one in invoices if one.id not in self.bills])
        for one in invoices:
            before = self.bills.get(one.id, replace(one, status="draft", residual=one.total))
            if one != before:
                self._change(one, before)
        self.bills = wanted

    def left(self, message: Outgoing) -> int:
        sent = self.message(message)
        if message.channel == "mail":
            return self._count("mail.message", ("message_id", "=", sent.message_id))
        return self._count("mail.activity", ("note", "ilike", sent.key))

    def cut(self) -> None:
        self.reachable = False

    def message(self, one: Outgoing) -> Outgoing:
        """A message as it is for this Odoo: no run before used its key."""
        mark = self.mark(one.mark)
        claims = tuple(
            claim._replace(invoice=str(self.id(claim.invoice)), client=str(self.partners[claim.client]))
            for claim in one.claims
        )
        client = str(self.partners[one.client])
        return replace(one, key=mark.key, message_id=mark.message_id, claims=claims, client=client)

    def mark(self, one: Mark) -> Mark:
        ids = tuple(str(self.id(number)) for number in one.invoices)
        return Mark(f"{one.key}-{self.run}", one.message_id.replace("@", f"-{self.run}@"), one.channel, ids)

    def id(self, bill: str) -> int:
        return self.ids.get(bill, _NOWHERE + int(bill))

    def _add_clients(self, clients: Sequence[Client]) -> None:
        for one in clients:
            country = self.odoo.call("res.country", "search", domain=[("code", "=", one.country)])[0]
            values = {"name": one.name, "email": one.email, "country_id": country, "is_company": True}
            (self.partners[one.id],) = self.odoo.call("res.partner", "create", vals_list=[values])
        own = ("commercial_partner_id", "in", sorted(self.partners.values()))
        self.monkeypatch.setattr(reading, "PAGE", _PAGE)
        for module in (reading, odoo_invoices):
            self.monkeypatch.setattr(module, "OWED", [*module.OWED, own])

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
        posted = [self.ids[one.id] for one in invoices if one.status not in ("draft", "cancelled")]
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
            context = {"active_model": "account.move", "active_ids": [number]}
            values = {"amount": float(before.residual - one.residual)}
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
            self.odoo.call("account.move", "button_draft", numbers)
            self.odoo.call("account.move", "unlink", numbers, context={"force_delete": True})

    def _count(self, model: str, leaf: tuple[str, str, str]) -> int:
        count: int = self.odoo.call(model, "search_count", domain=[leaf])
        return count


class Line:
    """A connection that can be cut."""

    def __init__(self, session: Session, host: LiveOdoo) -> None:
        self._session, self._host = session, host
        self.version, self.carrier = session.version, session.carrier

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        if not self._host.reachable:
            raise NotDone("https://odoo.example: Connection refused")
        return self._session.call(model, method, ids, **named)


class Translated:
    """A connector in the suite's own ids, numbers and keys."""

    Settings: type[HostSettings] = Settings

    def __init__(self, connector: OdooConnector, host: LiveOdoo) -> None:
        self._connector, self._host = connector, host

    @property
    def capabilities(self) -> Capabilities:
        return self._connector.capabilities

    @property
    def problems(self) -> Sequence[Problem]:
        return self._connector.problems

    def pull(self, cursor: str, today: date) -> Pull:
        pull = self._connector.pull(cursor, today)
        return Pull((self._page(page) for page in pull.pages), pull.full)

    def read(self, invoices: Sequence[str], today: date) -> Page:
        return self._page(self._connector.read([str(self._host.id(one)) for one in invoices], today))

    def numbered(self, number: str) -> Sequence[str]:
        ours = [self._host.ids[one.id] for one in self._host.bills.values() if one.number == number]
        names = [row["name"] for row in self._host.odoo.call("account.move", "read", ours, fields=["name"])]
        return [self._bill(one) for name in names or [number] for one in self._connector.numbered(name)]

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        found = self._connector.locate(kind, [str(self._host.id(one)) for one in ids])
        return {self._bill(one): place for one, place in found.items()}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        found = self._connector.pdfs(self._invoices(invoices))
        return {self._bill(one): document for one, document in found.items()}

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        return {self._bill(one): link for one, link in self._connector.links(self._invoices(invoices)).items()}

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        posted = self._connector.post([self._host.message(one) for one in messages])
        return [one._replace(key=self._key(one.key)) for one in posted]

    def finish(self) -> Sequence[Problem]:
        return self._connector.finish()

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        found = self._connector.find([self._host.mark(one) for one in marks]).values()
        return {self._key(one.key): one._replace(key=self._key(one.key)) for one in found}

    def events(self, marks: Sequence[Mark]) -> Iterable[DeliveryEvent]:
        return self._connector.events([self._host.mark(one) for one in marks])

    def check(self, today: date) -> list[Finding]:
        return self._connector.check(today)

    def fields(self, today: date) -> list[MappedField]:
        return self._connector.fields(today)

    def close(self) -> None:
        self._connector.close()

    def _page(self, page: Page) -> Page:
        clients = {str(number): one for one, number in self._host.partners.items()}
        bills = self._host.bills
        return page._replace(
            invoices=[
                replace(one, id=self._bill(one.id), number=bills[self._bill(one.id)].number, client=clients[one.client])
                for one in page.invoices
            ],
            clients=[replace(one, id=clients[one.id]) for one in page.clients],
            gone=[self._bill(one) for one in page.gone],
        )

    def _invoices(self, invoices: Sequence[Invoice]) -> list[Invoice]:
        return [replace(one, id=str(self._host.id(one.id))) for one in invoices]

    def _bill(self, number: str) -> str:
        known = {str(number): one for one, number in self._host.ids.items()}
        return known.get(number) or str(int(number) - _NOWHERE)

    def _key(self, key: str) -> str:
        return key.removesuffix(f"-{self._host.run}")
