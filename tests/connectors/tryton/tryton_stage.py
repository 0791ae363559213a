"""Connectors to the tests' Tryton, or to one that says what it is told, and the line between, which can be broken."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import tryton_company
from tryton_server import DATABASE

from relance_addon.connectors.tryton import rpc
from relance_addon.connectors.tryton.connector import TrytonConnector
from relance_addon.connectors.tryton.rpc import Rpc
from relance_addon.connectors.tryton.settings import Settings
from relance_addon.core.model import Address, Invoice
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.fake import message
from relance_addon.hosts.port import Mailer, Page, Surroundings
from relance_addon.hosts.wire import Answer, Wire

TODAY = date(2026, 11, 21)
ROBOT = Address("Comptabilité", "robot@acme.example")
"""Tryton sends from the address of its user."""
Ask = Callable[..., Answer]
Fault = Callable[[Ask], Answer]
"""Given how to ask Tryton, gives what comes back in its stead."""


@dataclass(repr=False)
class Line:
    """Passes calls on to Tryton and notes them. ``faults`` come in their place, by method, one after the other.

    Who was let in once is known: Tryton takes its time to look at a password.
    """

    sessions: ClassVar[dict[Any, Answer]] = {}
    tryton: Ask
    calls: list[tuple[str, Sequence[Any]]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    faults: dict[str, list[Fault | None]] = field(default_factory=lambda: defaultdict(list))

    def ask(self, wire: Wire, verb: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        told = json.loads(body)
        method = told["method"]
        self.paths.append(path)
        self.bodies.append(told)
        self.headers.append(dict(headers))
        self.calls.append((method, told["params"]))
        waiting = self.faults[method] or self.faults["*"]
        fault = waiting.pop(0) if waiting else None

        def passed() -> Answer:
            key = self.tryton, path, json.dumps(told["params"])
            if method != "common.db.login":
                return self.tryton(wire, verb, path, body, headers)
            if key not in self.sessions:
                self.sessions[key] = self.tryton(wire, verb, path, body, headers)
            return self.sessions[key]

        return passed() if fault is None else fault(passed)

    @property
    def methods(self) -> list[str]:
        return [method for method, _ in self.calls]

    def count(self, method: str) -> int:
        return Counter(self.methods)[method]


def said(result: Any, status: int = 200, kind: str = "application/json") -> Fault:
    """An answer of Tryton's."""
    body = result if isinstance(result, bytes) else json.dumps({"id": 1, "result": result}).encode()
    return lambda ask: Answer(status, kind, "", body)


def error(*told: Any) -> Fault:
    """An error that Tryton tells."""
    body = json.dumps({"id": 1, "error": told}).encode()
    return lambda ask: Answer(200, "application/json", "", body)


def html(status: int) -> Fault:
    return said(b"<html>\n<body>Bad Gateway</body></html>", status, "text/html")


def broken(cause: Exception) -> Fault:
    """No answer, and nothing was done."""

    def fail(ask: Ask) -> Answer:
        raise cause

    return fail


def lost(cause: Exception) -> Fault:
    """No answer, though it was done."""

    def fail(ask: Ask) -> Answer:
        ask()
        raise cause

    return fail


def first(change: Callable[[], object]) -> Fault:
    """Something else happens before the call."""

    def go(ask: Ask) -> Answer:
        change()
        return ask()

    return go


def afterwards(change: Callable[[], object]) -> Fault:
    """Something else happens after the call, before its answer comes."""

    def go(ask: Ask) -> Answer:
        answer = ask()
        change()
        return answer

    return go


@dataclass(repr=False)
class Stage:
    """Makes connectors. What they sleep is noted in ``pauses``."""

    url: str
    folder: Path
    line: Line
    pauses: list[float] = field(default_factory=list)

    def connector(self, mailer: Mailer | None = None, user: str = "robot", **more: Any) -> TrytonConnector:
        """A new connector, as a new process would have it. ``language``, ``zone`` and ``currency`` are ours."""
        language, zone = more.pop("language", "fr"), ZoneInfo(more.pop("zone", "Europe/Paris"))
        around = Surroundings(self.folder, zone, more.pop("currency", "EUR"), language, mailer)
        return TrytonConnector("acme", self.settings(user, **more), around, self.connect)

    def settings(self, user: str = "robot", **more: Any) -> Settings:
        (self.folder / user).write_text(tryton_company.password(user))
        told = {"url": self.url, "database": DATABASE, "user": user, "password": {"file": user}}
        return Settings.model_validate({"connector": "tryton", **told, **more})

    def connect(self, settings: Settings, password: str, folder: Path) -> Rpc:
        return rpc.connect(settings, password, folder, self.pauses.append)


def whole(connector: TrytonConnector) -> Page:
    """A whole pull as one page."""
    pages = list(connector.pull("", TODAY).pages)
    return Page(
        [one for page in pages for one in page.invoices],
        [one for page in pages for one in page.clients],
        [one for page in pages for one in page.problems],
    )


def outgoing(key: str, *invoices: Invoice, **more: Any) -> Outgoing:
    """A reminder of some invoices of one client, from the robot's address."""
    singles = [message(key, one, sender=ROBOT) for one in invoices]
    claims = tuple(claim for single in singles for claim in single.claims)
    return replace(singles[0], claims=claims, **more)


def activity(key: str, invoice: Invoice, **more: Any) -> Outgoing:
    """A to-do about an invoice."""
    return replace(message(key, invoice, "activity"), **more)
