"""Odoo, as the house sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from relance_addon.connectors.odoo import posting
from relance_addon.connectors.odoo.fields import MODELS, Sources
from relance_addon.connectors.odoo.reading import OWED, Reader
from relance_addon.connectors.odoo.records import Schema
from relance_addon.connectors.odoo.settings import Settings as OdooSettings
from relance_addon.connectors.odoo.transport import Transport, connect
from relance_addon.core.errors import InputError, Refused
from relance_addon.hosts.mapping import plain
from relance_addon.hosts.port import (
    Cannot,
    Capabilities,
    Finding,
    Found,
    HostSettings,
    Kind,
    MappedField,
    Mark,
    Outgoing,
    Page,
    Posted,
    Pull,
    Surroundings,
)

Connect = Callable[[OdooSettings, str, Path], Transport]

_SAMPLES = 3
_MADE_FOR = range(16, 20)


class OdooConnector(Cannot):
    """Pulls what is owed, posts reminders on their invoices, and finds them again."""

    Settings: ClassVar[type[HostSettings]] = OdooSettings

    def __init__(
        self, name: str, settings: OdooSettings, surroundings: Surroundings, connect: Connect = connect
    ) -> None:
        super().__init__(Capabilities(send_mail=True, find_marks=True, only_contacts=True))
        self._name = name
        self._settings = settings
        self._surroundings = surroundings
        self._connect = connect
        self._sources = Sources(settings.mapping, f"hosts.{name}.mapping")
        self._session: tuple[Transport, Schema] | None = None

    def pull(self, cursor: str, today: date) -> Pull:
        """What changed since ``cursor``; all that is owed without one, and at the first pull of a day."""
        return self._reader().pull(cursor, today)

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

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Post each message on its invoices. Odoo mails it before it answers."""
        return posting.post(self._connected()[0], messages) if messages else []

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What Odoo has of these Message-IDs, and whether it could send them."""
        mails = [mark for mark in marks if mark.channel == "mail"]
        traces = posting.look_up(self._connected()[0], [mark.message_id for mark in mails]) if mails else {}
        return {mark.key: _found(mark.key, traces.get(mark.message_id)) for mark in mails}

    def check(self, today: date) -> list[Finding]:
        """Version, rights to what is owed, and mapping."""
        transport, schema = self._connected()
        known = transport.version in _MADE_FOR
        findings = [
            Finding(
                "ok" if known else "warning",
                "version",
                f"Odoo {transport.version}",
                "" if known else f"made for Odoo {_MADE_FOR[0]} to {_MADE_FOR[-1]}",
            )
        ]
        try:
            count = transport.call("account.move", "search_count", domain=OWED)
        except Refused as error:
            mend = f"give {self._settings.user} the right to see invoices (Accounting / Invoicing)"
            return [*findings, Finding("error", "invoices", str(error), mend)]
        findings.append(Finding("ok", "invoices", f"{count} owed or draft"))
        problems = self._sources.lacking(schema)
        findings += [Finding("error", one.key, one.text, "see relance mapping") for one in problems]
        return findings if problems else [*findings, Finding("ok", "mapping", "every field is there")]

    def fields(self, today: date) -> list[MappedField]:
        """Every field that is mapped, where it comes from, and what it says of the newest invoices owed."""
        schema = self._connected()[1]
        problems = {problem.key: problem.text for problem in self._sources.lacking(schema)}
        reader = None if problems else self._reader()
        samples = reader.samples(_SAMPLES) if reader else {}
        return [
            MappedField(
                kind,
                field,
                source.text,
                tuple(_shown(reader.field(kind, field, row)) for row in samples[kind]) if reader else (),
                problems.get(f"{self._sources.key}.{kind}.{field}", ""),
            )
            for kind, sources in self._sources.by_kind.items()
            for field, source in sources.items()
        ]

    def close(self) -> None:
        """Forget the log-in; nothing stays open at Odoo."""
        self._session = None

    def _connected(self) -> tuple[Transport, Schema]:
        if self._session is None:
            folder = self._surroundings.folder
            password = self._settings.password.reveal(folder, f"hosts.{self._name}.password")
            transport = self._connect(self._settings, password, folder)
            self._session = transport, Schema(transport)
        return self._session

    def _reader(self) -> Reader:
        transport, schema = self._connected()
        problems = self._sources.lacking(schema)
        if problems:
            raise InputError(*problems)
        return Reader(transport, schema, self._sources, self._surroundings.currency)


def _shown(value: Any) -> str:
    return ", ".join(map(plain, value)) if isinstance(value, list) else plain(value)


def _found(key: str, trace: posting.Trace | None) -> Found:
    if trace is None:
        return Found(key, "absent")
    return Found(key, "unknown") if trace.state == "silent" else Found(key, "present", trace.state)
