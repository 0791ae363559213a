"""A folder of CSV files as a host: read as they are, written back beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Final

from relance_addon.connectors.files import activities, inspection, outbox
from relance_addon.connectors.files.events import bare, events
from relance_addon.connectors.files.folder import Folder, inside
from relance_addon.connectors.files.opened import Opened
from relance_addon.connectors.files.reading import Ledger
from relance_addon.connectors.files.settings import Settings as FilesSettings
from relance_addon.connectors.files.table import Table
from relance_addon.core.model import Invoice, Problem
from relance_addon.core.names import pdf_name
from relance_addon.hosts import mapping
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

_MOST_PDF: Final = 50_000_000


class FilesConnector(Cannot):
    """The files of one folder. ``problems`` are the lines of events.csv that the last ``events`` could not use."""

    Settings: ClassVar[type[HostSettings]] = FilesSettings

    def __init__(self, name: str, settings: FilesSettings, surroundings: Surroundings) -> None:
        """Bind; no file is opened yet. Raises InputError for a mapping that cannot be."""
        super().__init__(
            Capabilities(
                send_mail=True,
                activities=True,
                unique_marks=True,
                find_marks=True,
                proves_absence=True,
                events=True,
                pdf=True,
                payment_link=True,
                settled=True,
            )
        )
        self.name, self.settings, self.surroundings = name, settings, surroundings
        self.folder = Folder(settings, surroundings)
        self.sources = mapping.read(mapping.shipped(__package__), settings.mapping, f"hosts.{name}.mapping")
        self.problems: list[Problem] = []
        self._ledger: Ledger | None = None

    def pull(self, cursor: str, today: date) -> Pull:
        """Everything that is owed, or nothing at all when no file changed since ``cursor``."""
        ledger = self.ledger()
        if ledger.unchanged(cursor, today):
            return Pull(iter([Page(cursor=cursor)]), False)
        return Pull(ledger.pages(today), True)

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """The lines with a date of settlement after ``since``, where the file has such a column."""
        ledger = self.ledger()
        self.capabilities = replace(self.capabilities, settled=ledger.opened.dated)
        return ledger.past(since, today)

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices in any status, from their own lines alone unless a file changed."""
        return self.ledger().read(invoices, today)

    def ledger(self) -> Ledger:
        """The files as they are now; opened again only when one of them changed."""
        if self._ledger is None or self._ledger.opened.changed():
            self._ledger = Ledger(Opened(self.folder, self.settings, self.sources, self.surroundings))
        return self._ledger

    def numbered(self, number: str) -> Sequence[str]:
        """The ids of the lines of that number."""
        return self.ledger().numbered(number)

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """File and line of invoices and clients."""
        return self.ledger().locate(kind, ids)

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """The files named in ``pdf``, if they are PDFs."""
        found: dict[str, Document] = {}
        for invoice in invoices:
            with suppress(OSError, ValueError):
                path = self.folder.at(inside(invoice.pdf)) if invoice.pdf else None
                if path is None or not path.is_file() or path.stat().st_size > _MOST_PDF:
                    continue
                content = path.read_bytes()
                if content.startswith(b"%PDF"):
                    found[invoice.id] = Document(pdf_name(invoice.number), "application/pdf", content)
        return found

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Mails into the outbox, activities into their file."""
        mails = [message for message in messages if message.channel == "mail"]
        others = [message for message in messages if message.channel != "mail"]
        outcomes = {posted.key: posted for posted in outbox.post(self._outbox, mails)} if mails else {}
        if others:
            outcomes.update({posted.key: posted for posted in activities.post(self._activities, others)})
        return [outcomes[message.key] for message in messages]

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What the outbox and the file of activities have of these."""
        return {
            **outbox.find(self._outbox, [mark for mark in marks if mark.channel == "mail"]),
            **activities.find(self._activities, [mark for mark in marks if mark.channel != "mail"]),
        }

    def events(self, marks: Sequence[Mark]) -> Iterator[DeliveryEvent]:
        """What events.csv says of these messages; what it says badly is left in ``problems``."""
        self.problems = []
        name = self.settings.files.events
        path = self.folder.at(name)
        if not path.exists() and "events" not in self.settings.files.model_fields_set:
            return
        table = Table(path, self.folder.told(name), self.settings.encoding)
        try:
            wanted = {bare(mark.message_id) for mark in marks}
            yield from events(table, wanted, self.surroundings.timezone, self.problems)
        finally:
            table.close()

    def check(self, today: date) -> list[Finding]:
        """The folder, its files and columns, what they hold, and whether the outbox can be written."""
        return inspection.check(self.ledger, self._outbox, today)

    def fields(self, today: date) -> list[MappedField]:
        """Every field, its column and three values."""
        return inspection.fields(self.ledger())

    def close(self) -> None:
        """Close the files."""
        if self._ledger is not None:
            self._ledger.opened.close()
            self._ledger = None

    @property
    def _outbox(self) -> Path:
        return self.folder.at(outbox.NAME)

    @property
    def _activities(self) -> Path:
        return self.folder.at(activities.NAME)
