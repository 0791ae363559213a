"""Dolibarr, as the house sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import ClassVar, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from relance_addon.connectors.dolibarr import fields
from relance_addon.connectors.dolibarr.agenda import Agenda, who_am_i
from relance_addon.connectors.dolibarr.inspection import Inspection
from relance_addon.connectors.dolibarr.pdfs import Shelf
from relance_addon.connectors.dolibarr.reading import Manner, Reader
from relance_addon.connectors.dolibarr.rest import Rest, among, connect
from relance_addon.connectors.dolibarr.settings import Settings as DolibarrSettings
from relance_addon.core.errors import HostError, Refused
from relance_addon.core.model import Invoice, Problem
from relance_addon.hosts import traces
from relance_addon.hosts.bound import described
from relance_addon.hosts.port import (
    Cannot,
    Capabilities,
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

Connect = Callable[[DolibarrSettings, str, Path], Rest]

_SAMPLES: Final = 3
_PAGES: Final[Mapping[Kind, tuple[str, str]]] = {
    "invoice": ("invoices", "compta/facture/card.php?facid="),
    "client": ("thirdparties", "societe/card.php?socid="),
    "contact": ("contacts", "contact/card.php?id="),
}


class DolibarrConnector(Cannot):
    """Pulls what is owed, sends by our own mail server, and keeps an event of each reminder on its invoice."""

    Settings: ClassVar[type[HostSettings]] = DolibarrSettings

    def __init__(
        self, name: str, settings: DolibarrSettings, surroundings: Surroundings, connect: Connect = connect
    ) -> None:
        super().__init__(
            Capabilities(
                activities=True,
                unique_marks=True,
                find_marks=True,
                # Mail leaves by us, and after its event was written.
                proves_absence=True,
                removable_marks=True,
                pdf=True,
                payment_link=settings.payment_link,
                settled=True,
            )
        )
        self._name, self._settings, self._surroundings, self._connect = name, settings, surroundings, connect
        self._fields = fields.read(settings.mapping, f"hosts.{name}.mapping")
        self._rest: Rest | None = None
        self._office: tuple[Agenda, traces.Dispatch] | None = None

    def pull(self, cursor: str, today: date) -> Pull:
        """All that is owed: a payment in part leaves no trace that a cursor could start from."""
        return self._reader().pull()

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """What was closed after ``since``, by the day on which it was."""
        return self._reader().past(since, today)

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices and their clients as they are now, discounts included."""
        return self._reader().some(invoices)

    def numbered(self, number: str) -> Sequence[str]:
        """The id of the customer invoice of that number."""
        return self._reader().numbered(number)

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """The page of each record in Dolibarr."""
        numbers = {int(one) for one in ids if one.isdecimal()}
        if kind not in _PAGES or not numbers:
            return {}
        path, page = _PAGES[kind]
        found = among(self._connected(), path, "t.rowid", numbers, properties="id")
        return {str(row["id"]): f"{self._settings.url}/{page}{row['id']}" for row in found}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """The PDF that Dolibarr keeps of each invoice, or has built where that is allowed."""
        return Shelf(self._connected(), self._settings.make_pdf, self._settings.pdf_model).pdfs(invoices)

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send mails and make to-dos, each with its event."""
        if not messages:
            return []
        try:
            agenda, dispatch = self._posting()
        except HostError as error:
            return [Posted(message.key, "failed", str(error), tried=False) for message in messages]
        posted = dispatch.post(messages)
        # Whether there is a field that keeps keys unique, some versions show only on what was written.
        self.capabilities = replace(self.capabilities, unique_marks=not agenda.repeats)
        return posted

    def release(self, messages: Sequence[Outgoing]) -> None:
        """Give up the events that keep these from being posted again. Raises HostError."""
        agenda = self._posting()[0]
        traces = agenda.find([message.message_id for message in messages])
        for message in messages:
            trace = traces.get(message.message_id)
            if trace is not None and trace.state == "under_way":
                agenda.give_up(trace.id, message, _RELEASED)

    def finish(self) -> Sequence[Problem]:
        """Note on the events what could not be noted at once; what still cannot be."""
        return self._office[1].finish() if self._office else ()

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What the agenda has of these messages. Of a mail whose event is still at 0 % nothing is known."""
        if not marks:
            return {}
        traces = self._posting()[0].find([mark.message_id for mark in marks])
        found: dict[str, Found] = {}
        for mark in marks:
            trace = traces.get(mark.message_id)
            if trace is None or trace.state == "given_up":
                found[mark.key] = Found(mark.key, "absent")
            elif trace.state == "under_way" and mark.channel == "mail":
                found[mark.key] = Found(mark.key, "unknown")
            else:
                found[mark.key] = Found(mark.key, "present")
        return found

    def check(self, today: date) -> list[Finding]:
        """Version, rights, zones, the claim, PDFs, and Dolibarr's own reminders."""
        rest = self._connected()
        findings = list(Inspection(rest, self._settings, self._zone(), self._surroundings.timezone).findings())
        if any(one.level == "error" and one.subject in _NEEDED for one in findings):
            return findings
        _, unseen = self._reader().samples(1)
        wrong = [
            Finding("warning", f"hosts.{self._name}.mapping.{kind}.{field}", f"no record read has {path!r}", _LOOK)
            for kind, paths in unseen.items()
            for field, path in paths.items()
        ]
        return [*findings, *(wrong or [Finding("ok", "mapping", "every field is there")])]

    def fields(self, today: date) -> list[MappedField]:
        """Every field that is mapped, where it comes from, and what it says of the newest invoices owed."""
        values, unseen = self._reader().samples(_SAMPLES)
        sources = {kind: known.sources for kind, known in self._fields.items()}
        return described(
            sources,
            values,
            lambda kind, field: f"no record read has {unseen[kind][field]!r}" if field in unseen[kind] else "",
        )

    def close(self) -> None:
        """Forget the connection, and say goodbye to the mail server."""
        if self._surroundings.mailer is not None:
            self._surroundings.mailer.close()
        self._rest = self._office = None

    def _connected(self) -> Rest:
        if self._rest is None:
            key = self._settings.key.reveal(self._surroundings.folder, f"hosts.{self._name}.key")
            self._rest = self._connect(self._settings, key, self._surroundings.folder)
        return self._rest

    def _reader(self) -> Reader:
        settings, rest = self._settings, self._connected()
        manner = Manner(self._zone(), self._surroundings.currency, settings.payment_link, settings.make_pdf)
        return Reader(rest, self._fields, manner)

    def _zone(self) -> ZoneInfo:
        """That of Dolibarr's days: what it says, else what is set, else ours."""
        named = self._connected().zone or self._settings.timezone
        try:
            return ZoneInfo(named) if named else self._surroundings.timezone
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise Refused(f"{self._settings.url}: Dolibarr's PHP is in an unknown time zone: {named}") from None

    def _posting(self) -> tuple[Agenda, traces.Dispatch]:
        if self._office is None:
            rest = self._connected()
            owner = self._settings.user or who_am_i(rest)
            if not owner:
                raise Refused(f"hosts.{self._name}.user: Dolibarr does not say whose key this is: set the user's id")
            kind = self._settings.activity_type
            agenda = Agenda(rest, owner, self._zone(), self._surroundings.language, kind)
            send = traces.by(self._surroundings.mailer)
            self._office = agenda, traces.Dispatch(agenda, send, self._look, "Dolibarr")
            self.capabilities = replace(self.capabilities, unique_marks=agenda.unique is not False)
        return self._office

    def _look(self, ids: Sequence[str]) -> list[Invoice]:
        return self._reader().invoices(ids)


_RELEASED: Final = "relance doubt --resend"
_LOOK: Final = "see relance mapping"
_NEEDED: Final = {"invoices", "third parties", "contacts"}
"""What has to be readable for the mapping to be looked at."""
