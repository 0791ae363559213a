"""``relance check`` on Dolibarr: version, rights one by one, zones, the claim, PDFs, and its own reminder job."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from time import perf_counter
from typing import Any, Final
from zoneinfo import ZoneInfo

from relance_addon.connectors.dolibarr.agenda import UID, Agenda, keeps_uid, who_am_i
from relance_addon.connectors.dolibarr.invoices import OWED, PATH
from relance_addon.connectors.dolibarr.rest import Denied, Rest, Row, major, rows
from relance_addon.connectors.dolibarr.settings import Settings
from relance_addon.connectors.dolibarr.values import identifier
from relance_addon.core.errors import HostError, Refused
from relance_addon.hosts.port import Finding

_MADE_FOR: Final = (16, 23)
_PAGE: Final = 100
_SLOW: Final = 5.0
"""Seconds for a page of invoices."""
_ASKED: Final = 1000
"""How many third parties are asked for by their ids: as many as an address holds."""
_SOME: Final = 20
_JOB: Final = "(t.code:=:'AC_EMAIL') and (t.label:like:'sendEmailsReminders%')"
"""The events that Dolibarr's own job of reminders leaves."""
_UNKNOWN_PDF: Final = "relance-check/relance-check.pdf"

Clock = Callable[[], float]


class Inspection:
    """Looks at everything that a run will need; writes nothing."""

    def __init__(
        self, rest: Rest, settings: Settings, zone: ZoneInfo, ours: ZoneInfo, clock: Clock = perf_counter
    ) -> None:
        """``zone``: that of Dolibarr's days; ``ours``: that of the configuration."""
        self._rest, self._settings, self._zone, self._ours, self._clock = rest, settings, zone, ours, clock
        self._newest = 0

    def findings(self) -> Iterator[Finding]:
        """All that there is to say. Raises Unreachable."""
        yield self._version()
        yield from self._zones()
        yield from self._invoices()
        yield self._sees_all()
        yield from self._rights()
        yield from self._events()
        yield self._pdfs()
        yield from self._links()

    def _version(self) -> Finding:
        version = self._rest.version
        text = f"Dolibarr {version}" + (f", entity {self._settings.entity}" if self._settings.entity else "")
        if _MADE_FOR[0] <= major(version) <= _MADE_FOR[1]:
            return Finding("ok", "version", text)
        return Finding("warning", "version", text, f"made for Dolibarr {_MADE_FOR[0]} to {_MADE_FOR[1]}")

    def _zones(self) -> Iterator[Finding]:
        if not self._rest.zone and not self._settings.timezone:
            text = f"this version does not say its own; {self._zone.key} is taken"
            yield Finding("warning", "time zone", text, "set timezone to that of Dolibarr's PHP (date.timezone)")
        elif self._rest.zone and self._settings.timezone not in (None, self._rest.zone):
            text = f"{self._settings.timezone} is set, Dolibarr says {self._rest.zone}"
            yield Finding("warning", "time zone", text, "take timezone out: days would be a day off")
        elif self._zone.key != self._ours.key:
            text = f"{self._zone.key} in Dolibarr, {self._ours.key} in relance.toml: a day ends at two times"
            yield Finding("warning", "time zone", text, "set the same in both")
        else:
            yield Finding("ok", "time zone", self._zone.key)

    def _invoices(self) -> Iterator[Finding]:
        start = self._clock()
        try:
            found = rows(self._rest, PATH, sortfield="t.rowid", sortorder="DESC", limit=_PAGE, sqlfilters=OWED)
        except Denied:
            yield Finding("error", "invoices", "the user may not see them", _give("Invoices: Read"))
            return
        seconds = self._clock() - start
        self._newest = max((identifier(row.get("socid")) for row in found), default=0)
        if not found:
            yield Finding("warning", "invoices", "none owed that the user sees", "compare with the list in Dolibarr")
            return
        text = f"{'at least ' if len(found) == _PAGE else ''}{len(found)} owed or draft, read in {seconds:.2f} s"
        if seconds <= _SLOW:
            yield Finding("ok", "invoices", text)
        else:
            yield Finding("warning", "invoices", text, "see what keeps the server or the network busy")

    def _sees_all(self) -> Finding:
        """Whoever may not see all customers is shown those that he represents, and is told nothing.

        Third parties named in the call are not held against him: so what is owed by some must be there without them.
        """
        right = 'the right "see all third parties" (Third parties: Extend access to all)'
        windows = [(1, _ASKED)] + [(self._newest - _ASKED + 1, self._newest)] * (self._newest > _ASKED)
        try:
            told = {
                row["id"]
                for first, last in windows
                for order in ("ASC", "DESC")
                for row in self._owed(order, thirdparty_ids=",".join(map(str, range(first, last + 1))))
            }
            where = f"(t.rowid:in:{','.join(sorted(told))})"
            there = {row["id"] for row in self._list(where, 2 * _SOME * len(windows))} if told else set()
        except Denied:
            return Finding("error", "all customers", "the user may not see invoices", _give("Invoices: Read"))
        if told - there:
            text = "invoices are missing: the user sees only those of customers that it represents"
            return Finding("error", "all customers", text, _give(right))
        return Finding("ok", "all customers", "the user sees invoices of customers that it does not represent")

    def _owed(self, order: str, **query: Any) -> list[Row]:
        return self._list(OWED, _SOME, order, **query)

    def _list(self, where: str, limit: int, order: str = "ASC", **query: Any) -> list[Row]:
        return rows(
            self._rest, PATH, sortfield="t.rowid", sortorder=order, limit=limit, sqlfilters=where, properties="id",
            **query,
        )  # fmt: skip

    def _rights(self) -> Iterator[Finding]:
        needed = {
            "third parties": ("thirdparties", "Third parties: Read"),
            "contacts": ("contacts", "Contacts: Read"),
            "events": ("agendaevents", "Agenda: Read actions of others"),
        }
        wanted = {
            "users": ("users", "salespersons have no address: reminders in their name come from accounting"),
            "categories": ("categories", "no client has a tag"),
        }
        for subject, (path, right) in needed.items():
            why = self._unreadable(path)
            yield Finding("error", subject, why, _give(right)) if why else Finding("ok", subject, "can be read")
        for subject, (path, without) in wanted.items():
            why = self._unreadable(path)
            if why:
                mend = f"{_give(subject.capitalize() + ': Read')}, or leave it"
                yield Finding("warning", subject, f"{why}: {without}", mend)

    def _unreadable(self, path: str) -> str:
        """Why a list cannot be read; empty where it can. Version 16 fails at contacts for who may not see them all."""
        try:
            rows(self._rest, path, limit=1)
        except Denied:
            return "the user may not see them"
        except HostError as error:
            return str(error)
        return ""

    def _events(self) -> Iterator[Finding]:
        owner = self._settings.user or who_am_i(self._rest)
        if not owner:
            yield Finding("error", "user", "Dolibarr does not say whose key this is", "set user to the id of that user")
            return
        try:
            self._rest.write("POST", "agendaevents", {"userownerid": owner})
        except Denied:
            yield Finding("error", "user", f"user {owner} may not write events", _give("Agenda: Create/modify own"))
            return
        except Refused:
            # An event without a type is none: what was asked is whether one may be written at all.
            yield Finding("ok", "user", f"user {owner} may write events")
        agenda = Agenda(self._rest, owner, self._zone, "en")
        try:
            yield self._claim(agenda)
            yield self._job(agenda)
        except Refused:
            # Why was said of the right to read events.
            return

    def _claim(self, agenda: Agenda) -> Finding:
        text = f"the extra field {UID} of events is there; that it is unique, only an administrator sees"
        if agenda.unique or any(map(keeps_uid, agenda.events("(t.id:>:0)", 1, "DESC"))):
            return Finding("ok", "claim", text)
        return Finding(
            "warning", "claim", f"no extra field {UID} of events can be seen",
            f"as an administrator make it: events, {UID}, varchar(64), unique (docs/dolibarr.md); then run from one "
            "place only as long as it is missing",
        )  # fmt: skip

    def _job(self, agenda: Agenda) -> Finding:
        last = agenda.events(_JOB, 1, "DESC")
        if not last:
            return Finding("ok", "second sender", "Dolibarr's own job of reminders has sent nothing")
        at = datetime.fromtimestamp(int(last[0]["datep"]), self._zone).date()
        text = f"Dolibarr's own job sends reminders too, the last on {at}"
        return Finding("warning", "second sender", text, "switch off SendEmailsRemindersOnInvoiceDueDate")

    def _pdfs(self) -> Finding:
        if not self._settings.make_pdf:
            return Finding("ok", "PDF", "those that Dolibarr keeps; make_pdf = true has missing ones built")
        try:
            self._rest.write("PUT", "documents/builddoc", {"modulepart": "invoice", "original_file": _UNKNOWN_PDF})
        except Denied:
            text = "make_pdf is set, and the user may not build any"
            return Finding("error", "PDF", text, _give("Invoices: Create/modify"))
        except Refused:
            # There is no such invoice; who lacks the right is told that first.
            pass
        return Finding("ok", "PDF", "of every invoice: missing ones are built")

    def _links(self) -> Iterator[Finding]:
        if not self._settings.payment_link:
            return
        found = rows(self._rest, PATH, limit=1, sqlfilters=OWED, properties="id,online_payment_url")
        link = next((str(row.get("online_payment_url") or "") for row in found), "")
        if not found or link.startswith("https://"):
            yield Finding("ok", "payment link", link.partition("?")[0] or "as Dolibarr makes it")
        elif link:
            mend = "mend dolibarr_main_url_root in Dolibarr's conf.php"
            yield Finding("warning", "payment link", f"begins with {link.partition('/public')[0]}", mend)
        else:
            yield Finding("warning", "payment link", "this version has none", "take payment_link out")


def _give(right: str) -> str:
    return f"give the user {right}"
