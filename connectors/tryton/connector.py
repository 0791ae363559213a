"""Tryton, as the house sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar, Final
from urllib.parse import quote

from relance_addon.connectors.tryton import reports, rpc
from relance_addon.connectors.tryton.fields import MODELS, Sources
from relance_addon.connectors.tryton.inspection import Inspection, own_address
from relance_addon.connectors.tryton.mails import Mails
from relance_addon.connectors.tryton.notes import Notes
from relance_addon.connectors.tryton.reading import Company, Reader
from relance_addon.connectors.tryton.records import Records
from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.connectors.tryton.settings import Settings as TrytonSettings
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

Connect = Callable[[TrytonSettings, str, Path], Rpc]

_SAMPLES: Final = 3
_PRESENCE: Final[Mapping[str, Found]] = {
    "done": Found("", "present"),
    "under_way": Found("", "unknown"),
    "given_up": Found("", "absent"),
}
_RELEASED: Final = "relance doubt --resend"


class TrytonConnector(Cannot):
    """Pulls what is owed, has Tryton or our own mail server send, and leaves a note on each invoice."""

    Settings: ClassVar[type[HostSettings]] = TrytonSettings

    def __init__(
        self, name: str, settings: TrytonSettings, surroundings: Surroundings, connect: Connect = rpc.connect
    ) -> None:
        super().__init__(
            Capabilities(
                send_mail=settings.mail == "tryton",
                activities=True,
                unique_marks=True,
                find_marks=True,
                # A note is written before anything leaves.
                proves_absence=True,
                removable_marks=True,
                pdf=True,
                settled=True,
                dated_notes=True,
            )
        )
        self._name, self._settings, self._surroundings, self._connect = name, settings, surroundings, connect
        self._sources = Sources(settings.mapping, f"hosts.{name}.mapping")
        self._rpc: Rpc | None = None
        self._records: Records | None = None
        self._company: Company | None = None
        self._office: tuple[Notes, traces.Dispatch, Mails | None] | None = None

    def pull(self, cursor: str, today: date) -> Pull:
        """All that is owed: a payment leaves no trace on an invoice that a cursor could start from."""
        return self._reader().pull()

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """What was reconciled after ``since``, by the day on which all of it was."""
        return self._reader().past(since, today)

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices and their clients as they are now."""
        return self._reader().some(invoices) if invoices else Page()

    def numbered(self, number: str) -> Sequence[str]:
        """The id of the customer invoice of that number."""
        return self._reader().numbered(number)

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """The page of each record in Tryton's web client."""
        numbers = {int(one) for one in ids if one.isdecimal()}
        if kind not in MODELS or not numbers:
            return {}
        model, records = MODELS[kind], self._connected()[1]
        base = f"{self._settings.url}/#{quote(self._settings.database)}/model/{model}"
        return {str(row["id"]): f"{base}/{row['id']}" for row in records.among(model, numbers, ())}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """What Tryton's report makes of each invoice, where that is a PDF."""
        return reports.pdfs(self._connected()[0], invoices)

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send mails and write notes with a date, each mail with its note."""
        if not messages:
            return []
        try:
            _, dispatch, mails = self._posting()
        except HostError as error:
            return [Posted(message.key, "failed", str(error), tried=False) for message in messages]
        unable = {one.key: why for one in messages if mails and one.channel == "mail" and (why := mails.unable(one))}
        posted = {one.key: one for one in dispatch.post([one for one in messages if one.key not in unable])}
        posted |= {key: Posted(key, "failed", why, tried=False) for key, why in unable.items()}
        return [posted[one.key] for one in messages]

    def release(self, messages: Sequence[Outgoing]) -> None:
        """Give up the notes that keep these from being posted again. Raises HostError."""
        notes, known = self._posting()[0], {message.key: message for message in messages}
        for key, note in [*notes.standing([message.mark for message in messages])]:
            notes.give_up(note, known[key], _RELEASED)

    def finish(self) -> Sequence[Problem]:
        """Note what could not be noted at once; what still cannot be."""
        return self._office[1].finish() if self._office else ()

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What the notes say of these messages. Of a mail whose note says nothing yet nothing is known."""
        if not marks:
            return {}
        found = self._posting()[0].find(marks)
        return {
            mark.key: _PRESENCE[found[mark.key].state if mark.key in found else "given_up"]._replace(key=mark.key)
            for mark in marks
        }

    def check(self, today: date) -> list[Finding]:
        """Version, company, rights, mapping, mail, PDFs, and Tryton's own dunning."""
        session, records = self._connected()
        try:
            company = self._owner()
        except Refused:
            company = None
        return list(Inspection(session, records, self._settings, self._surroundings).findings(self._sources, company))

    def fields(self, today: date) -> list[MappedField]:
        """Every field that is mapped, where it comes from, and what it says of the newest invoices owed."""
        samples = self._reader().samples(_SAMPLES)
        lacking = {one.key: one.text for one in self._sources.lacking(self._connected()[1])}
        key = self._sources.key
        return described(self._sources.by_kind, samples, lambda kind, field: lacking.get(f"{key}.{kind}.{field}", ""))

    def close(self) -> None:
        """Log out, and say goodbye to the mail server."""
        if self._surroundings.mailer is not None:
            self._surroundings.mailer.close()
        if self._rpc is not None:
            self._rpc.close()
        self._rpc = self._records = self._company = self._office = None

    def _connected(self) -> tuple[Rpc, Records]:
        if self._rpc is None or self._records is None:
            password = self._settings.password.reveal(self._surroundings.folder, f"hosts.{self._name}.password")
            self._rpc = self._connect(self._settings, password, self._surroundings.folder)
            self._records = Records(self._rpc)
        return self._rpc, self._records

    def _owner(self) -> Company:
        """The company whose invoices are read. Raises Refused where the user sees none."""
        if self._company is None:
            session, records = self._connected()
            number = int(session.context.get("company") or 0)
            found = records.search("company.company", [["id", "=", number]], ["currency.code"], 1) if number else []
            if not found:
                raise Refused(f"{self._settings.url}: {self._settings.user!r} sees no company: relance check says more")
            currency = found[0]["currency"]
            self._company = Company(number, currency["id"], currency["code"], reports.prints(records))
        return self._company

    def _reader(self) -> Reader:
        _, records = self._connected()
        return Reader(records, self._sources, self._owner())

    def _posting(self) -> tuple[Notes, traces.Dispatch, Mails | None]:
        """What marks messages, what posts them, and what has Tryton send them, where it does."""
        if self._office is None:
            session, records = self._connected()
            notes = Notes(session, records, self._surroundings.language)
            mails = Mails(session, notes, own_address(session)) if self._settings.mail == "tryton" else None
            send = mails.send if mails else traces.by(self._surroundings.mailer)
            self._office = notes, traces.Dispatch(notes, send, self._reader().invoices, "Tryton"), mails
        return self._office
