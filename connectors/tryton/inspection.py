"""``relance check`` on Tryton: version, company, rights one by one, mail, PDFs, and its own dunning module."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter
from typing import Any, Final

from relance_addon.connectors.tryton.fields import Sources
from relance_addon.connectors.tryton.invoices import OWED
from relance_addon.connectors.tryton.reading import Company
from relance_addon.connectors.tryton.records import Records
from relance_addon.connectors.tryton.rpc import Broken, Rpc
from relance_addon.connectors.tryton.settings import Settings
from relance_addon.core.errors import Refused
from relance_addon.hosts.port import Finding, Surroundings

_MADE_FOR: Final = ("7.0", "8.0", "8.2")
_PAGE: Final = 100
_SLOW: Final = 5.0
"""Seconds for a page of invoices."""
_NEEDED: Final[Mapping[str, tuple[str, str]]] = {
    "account.invoice": ("read", "nothing can be read"),
    "account.move.line": ("read", "nothing says what remains to pay"),
    "party.party": ("read", "no clients"),
    "party.contact_mechanism": ("read", "no addresses"),
    "ir.note": ("create", "no reminder can be kept"),
}
_DUNNING: Final = "account.dunning"
_GROUP: Final = "put the user into the group Accounting"
_WRITE: Final = "account.invoice"
"""Whoever may not change an invoice may put no note on it, and Tryton keeps no mail of it."""


class Inspection:
    """Looks at everything that a run will need; writes nothing."""

    def __init__(
        self,
        rpc: Rpc,
        records: Records,
        settings: Settings,
        around: Surroundings,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._rpc, self._records = rpc, records
        self._settings, self._around, self._clock = settings, around, clock

    def findings(self, sources: Sources, company: Company | None) -> Iterator[Finding]:
        """All that there is to say. Raises Unreachable."""
        yield self._version()
        if company is None:
            mend = f"give {self._settings.user!r} a company, or set company to one of its own"
            yield Finding("error", "company", "the user sees none", mend)
            return
        yield from self._rights()
        yield self._company(company)
        yield from self._invoices(company)
        yield from self._mapping(sources)
        yield self._mail()
        yield self._pdfs(company)
        yield self._second_sender()

    def _version(self) -> Finding:
        version = self._rpc.version
        text = f"Tryton {version}, database {self._settings.database}"
        if ".".join(re.findall(r"\d+", version)[:2]) in _MADE_FOR:
            return Finding("ok", "version", text)
        return Finding("warning", "version", text, f"made for Tryton {', '.join(_MADE_FOR)}")

    def _company(self, company: Company) -> Finding:
        (row,) = self._records.search(
            "company.company", [["id", "=", company.id]], ["party.rec_name", "timezone"], 1
        ) or [{}]
        name = (row.get("party") or {}).get("rec_name", "")
        text = f"{name} ({company.id}), {company.code}"
        zone = row.get("timezone")
        if zone and zone != self._around.timezone.key:
            told = f"{text}: {zone} in Tryton, {self._around.timezone.key} in relance.toml: a day ends at two times"
            return Finding("warning", "company", told, "set the same in both")
        if company.code != self._around.currency:
            told = f"{text}: currency is {self._around.currency} in relance.toml"
            return Finding("warning", "company", told, "set the same in both")
        return Finding("ok", "company", text)

    def _rights(self) -> Iterator[Finding]:
        access = self._rpc.read("model.ir.model.access.get_access", [*_NEEDED, _WRITE])
        for model, (right, without) in _NEEDED.items():
            if access.get(model, {}).get(right):
                yield Finding("ok", model, f"{right}")
            else:
                yield Finding("error", model, f"the user may not {right} it: {without}", _GROUP)
        if not access.get(_WRITE, {}).get("write"):
            text = "the user may not change invoices, so Tryton lets it put no note on them: no reminder can be kept"
            yield Finding("error", _WRITE, text, _GROUP)

    def _invoices(self, company: Company) -> Iterator[Finding]:
        start = self._clock()
        try:
            paths = ["number", "lines_to_pay.maturity_date", "lines_to_pay.debit"]
            found = self._records.newest("account.invoice", [*company.own, *OWED], paths, _PAGE)
        except Refused as error:
            yield Finding("error", "invoices", str(error), _GROUP)
            return
        seconds = self._clock() - start
        if not found:
            yield Finding("warning", "invoices", "none owed that the user sees", "compare with the list in Tryton")
            return
        text = f"{'at least ' if len(found) == _PAGE else ''}{len(found)} owed or draft, read in {seconds:.2f} s"
        if seconds <= _SLOW:
            yield Finding("ok", "invoices", text)
        else:
            mend = "run Tryton with PYTHONOPTIMIZE=1; see what keeps the server busy"
            yield Finding("warning", "invoices", text, mend)

    def _mapping(self, sources: Sources) -> Iterator[Finding]:
        lacking = sources.lacking(self._records)
        for one in lacking:
            yield Finding("error", one.key, one.text, "see relance mapping")
        if not lacking:
            yield Finding("ok", "mapping", "every field is there")

    def _mail(self) -> Finding:
        if self._settings.mail == "smtp":
            if self._around.mailer is None:
                return Finding("error", "mail", "by our own mail server, which is not set", "set mail.smtp")
            return Finding("ok", "mail", "by our own mail server; Tryton keeps a note of each")
        address = own_address(self._rpc)
        if not address:
            mend = "give the user an e-mail address: mails leave from it"
            return Finding("error", "mail", f"{self._settings.user!r} has no address to send from", mend)
        text = f"by Tryton, from {address} alone; it does not tell whom its mail server refuses"
        return Finding("warning", "mail", text, 'mail = "smtp" sends by ours, from any address, and tells')

    def _pdfs(self, company: Company) -> Finding:
        if company.prints:
            return Finding("ok", "PDF", "as Tryton's report of the invoice makes it")
        text = "Tryton prints invoices as text documents (ODT): none can be attached"
        return Finding("warning", "PDF", text, "set the report of invoices to PDF (docs/tryton.md), or attach none")

    def _second_sender(self) -> Finding:
        try:
            # Without that model it fails, once and for all.
            access = self._rpc.write("model.ir.model.access.get_access", [_DUNNING])
        except Broken:
            return Finding("ok", "second sender", "Tryton has no dunning module")
        if not access[_DUNNING]["read"]:
            text = "Tryton's dunning module is there, and the user may not see it: a blocked dunning holds nothing"
            return Finding("warning", "second sender", text, "let the user read dunnings, their levels and procedures")
        count = self._rpc.read(f"model.{_DUNNING}.search_count", [["blocked", "=", False]])
        if not count:
            return Finding("ok", "second sender", "Tryton's dunning module is there, and has no dunning")
        text = f"Tryton's own dunning module is in use: {count} dunnings that are not blocked"
        return Finding("warning", "second sender", text, "process none of them by letter or mail, or stop using it")


def own_address(rpc: Rpc) -> str:
    """The address of the user, empty for none. Raises HostError."""
    rows: list[dict[str, Any]] = rpc.read("model.res.user.read", [rpc.user], ["email"])
    return str(rows[0]["email"] or "") if rows else ""
