"""Odoo, as the house sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import ClassVar

from relance_addon.connectors.odoo import activities, events, posting
from relance_addon.connectors.odoo.browser import is_key
from relance_addon.connectors.odoo.fields import MODELS, Sources
from relance_addon.connectors.odoo.inspection import Access, Inspection
from relance_addon.connectors.odoo.links import Portal
from relance_addon.connectors.odoo.pdfs import Printer, printer
from relance_addon.connectors.odoo.reading import Reader
from relance_addon.connectors.odoo.records import Schema
from relance_addon.connectors.odoo.settings import Settings as OdooSettings
from relance_addon.connectors.odoo.traces import Trace, look_up
from relance_addon.connectors.odoo.transport import Transport, connect
from relance_addon.core.errors import HostError, InputError
from relance_addon.core.model import Invoice, Problem
from relance_addon.hosts.bound import described
from relance_addon.hosts.port import (
    Cannot,
    Capabilities,
    DeliveryEvent,
    Document,
    Finding,
    Found,
    HostSettings,
    Kind,
    MappedField,
    Mark,
    Outgoing,
    Page,
    PastPage,
    Posted,
    Pull,
    Surroundings,
)

Connect = Callable[[OdooSettings, str, Path], Transport]

_SAMPLES = 3


class OdooConnector(Cannot):
    """Pulls what is owed, posts reminders on their invoices, and finds them again."""

    Settings: ClassVar[type[HostSettings]] = OdooSettings

    def __init__(
        self, name: str, settings: OdooSettings, surroundings: Surroundings, connect: Connect = connect
    ) -> None:
        super().__init__(
            Capabilities(
                send_mail=True,
                activities=True,
                find_marks=True,
                events=True,
                pdf=True,
                payment_link=True,
                settled=True,
                only_contacts=settings.send == "note",
            )
        )
        self._name = name
        self._settings = settings
        self._surroundings = surroundings
        self._connect = connect
        self._sources = Sources(settings.mapping, f"hosts.{name}.mapping")
        self._session: tuple[Transport, Schema] | None = None
        self._idle: SimpleQueue[Transport] = SimpleQueue()
        self._not_noted: list[str] = []
        self._printer: Printer | None = None
        self._portal: Portal | None = None
        self._office: posting.Office | None = None

    def pull(self, cursor: str, today: date) -> Pull:
        """What changed since ``cursor``; all that is owed without one, and at the first pull of a day."""
        return self._reader().pull(cursor, today)

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """What was settled after ``since``, by the dates of the payments and credits matched with it."""
        return self._reader().past(since)

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices and their clients as they are now."""
        return self._reader().some(invoices)

    def numbered(self, number: str) -> Sequence[str]:
        """The ids of the customer invoices of that number."""
        return self._reader().numbered(number)

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """The page of each record in Odoo, at the address that every version knows."""
        numbers = [int(one) for one in ids if one.isdecimal()]
        if kind == "instalment" or not numbers:
            return {}
        model = MODELS[kind]
        found = self._connected()[0].call(model, "search", domain=[("id", "in", numbers)])
        return {str(one): f"{self._settings.url}/mail/view?model={model}&res_id={one}" for one in found}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """Odoo's own PDF of each invoice, as far as the version, the user and the configuration allow one."""
        return self._prints().pdfs(invoices)

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        """The page of each invoice on Odoo's portal, where it can be paid."""
        if self._portal is None:
            self._portal = Portal(self._connected()[0], self._settings.url)
        return self._portal.links(invoices)

    def lanes(self, wanted: int) -> int:
        """As many as are wanted where Odoo sends mails, each with a connection of its own; of notes, one at a time.

        Odoo tries again by itself what met another call on a record, and a note may have been mailed by then.
        """
        transport = self._connected()[0]
        if wanted < 2 or self._way(transport).way != "mail":
            return 1
        for _ in range(wanted):
            self._idle.put(transport.another())
        return wanted

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send messages and make to-dos, in the way that the user's rights allow."""
        if not messages:
            return []
        try:
            lane = self._idle.get_nowait()
        except Empty:
            return self._post(messages)
        try:
            return self._post(messages, lane)
        finally:
            self._idle.put(lane)

    def _post(self, messages: Sequence[Outgoing], lane: Transport | None = None) -> list[Posted]:
        try:
            transport = lane or self._connected()[0]
            office = self._way(transport)
        except HostError as error:
            return [Posted(message.key, "failed", str(error), tried=False) for message in messages]
        posted, trouble = posting.post(transport, office, messages)
        if trouble:
            self._not_noted.append(trouble)
        return posted

    def finish(self) -> Sequence[Problem]:
        """What could not be noted on every invoice."""
        troubles, self._not_noted = self._not_noted, []
        return [
            Problem("", "", f"reminders are not noted on every invoice that they are about: {one}") for one in troubles
        ]

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What Odoo has of these Message-IDs and to-dos, and whether it could send them."""
        mails = [mark for mark in marks if mark.channel == "mail"]
        others = [mark.key for mark in marks if mark.channel != "mail"]
        transport = self._connected()[0]
        reads = self._way(transport).reads_mails if mails else False
        traces = look_up(transport, [mark.message_id for mark in mails], reads) if mails else {}
        there = activities.find(transport, others) if others else set()
        return {mark.key: _found(mark.key, traces.get(mark.message_id)) for mark in mails} | {
            key: Found(key, "present" if key in there else "absent") for key in others
        }

    def events(self, marks: Sequence[Mark]) -> Iterable[DeliveryEvent]:
        """What Odoo says of each copy of these messages: sent, failed, or bounced where it receives mail."""
        ids = [mark.message_id for mark in marks if mark.channel == "mail"]
        transport = self._connected()[0]
        return events.events(transport, ids, self._way(transport).reads_mails) if ids else ()

    def check(self, today: date) -> list[Finding]:
        """Version, rights, mapping, mail set-up, PDFs, and whoever else reminds clients."""
        transport, schema = self._connected()
        self._way(transport)
        access = Access(transport.carrier, is_key(self._password()), self._prints().prints_any())
        inspection = Inspection(transport, self._settings, self._surroundings, access)
        return inspection.findings(self._sources, schema, today)

    def fields(self, today: date) -> list[MappedField]:
        """Every field that is mapped, where it comes from, and what it says of the newest invoices owed."""
        transport, schema = self._connected()
        problems = {problem.key: problem.text for problem in self._sources.lacking(schema)}
        reader = Reader(transport, schema, self._sources, self._surroundings.currency)
        samples = reader.samples(_SAMPLES)
        key = self._sources.key
        return described(self._sources.by_kind, samples, lambda kind, field: problems.get(f"{key}.{kind}.{field}", ""))

    def close(self) -> None:
        """Forget the log-ins; nothing stays open at Odoo."""
        if self._printer is not None:
            self._printer.close()
        self._session = self._printer = self._portal = None
        self._idle = SimpleQueue()

    def _connected(self) -> tuple[Transport, Schema]:
        if self._session is None:
            transport = self._log_in()
            self._session = transport, Schema(transport)
        return self._session

    def _log_in(self) -> Transport:
        return self._connect(self._settings, self._password(), self._surroundings.folder)

    def _password(self) -> str:
        return self._settings.password.reveal(self._surroundings.folder, f"hosts.{self._name}.password")

    def _prints(self) -> Printer:
        if self._printer is None:
            transport, folder = self._connected()[0], self._surroundings.folder
            self._printer = printer(transport, self._settings, self._password(), folder)
        return self._printer

    def _way(self, transport: Transport) -> posting.Office:
        if self._office is None:
            settings = self._settings
            self._office = posting.office(transport, settings.send, settings.template, settings.activity_type)
            contacts = self._office.way == "note"
            self.capabilities = replace(self.capabilities, only_contacts=contacts)
        return self._office

    def _reader(self) -> Reader:
        transport, schema = self._connected()
        problems = self._sources.lacking(schema)
        if problems:
            raise InputError(*problems)
        return Reader(transport, schema, self._sources, self._surroundings.currency)


def _found(key: str, trace: Trace | None) -> Found:
    if trace is None:
        return Found(key, "absent")
    if trace.state == "silent" or trace.state == "cancelled":
        return Found(key, "unknown")
    return Found(key, "present", trace.state)
