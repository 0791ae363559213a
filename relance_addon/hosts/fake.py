"""A host in memory for tests, ours and third parties': it does what it is told, wrongly where it is told to.

::

    host = FakeHost()
    host.put(invoice("17", client="3"), client("3"))
    host.fail("post", Unreachable("timed out"), after=ALL)    # the answer is lost, the messages left
    host.before("read", lambda host: host.settle("17"))       # paid between pull and read
    host.answer("18", "failed", "550 no such user")           # by a message's key, or an invoice's id
    host.asked                                                # every call, in order

It has no clock and never sleeps; ``before("page", …)`` runs before each page, for whoever wants time to pass there.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Lock
from typing import Any, ClassVar, Final, Literal, NamedTuple

from relance_addon.core.model import OWED, Address, Channel, Client, Instalment, Invoice, Problem, Status
from relance_addon.core.outgoing import Claim
from relance_addon.hosts.port import (
    Cannot,
    Capabilities,
    DeliveryEvent,
    Document,
    Finding,
    Found,
    HostSettings,
    Kind,
    Mailer,
    MappedField,
    Mark,
    Outgoing,
    Page,
    PastPage,
    Posted,
    Pull,
)

ALL: Final = sys.maxsize
"""As ``after``: the whole call is done before it fails."""

EVERYTHING: Final = Capabilities(
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


class Asked(NamedTuple):
    """One call: the method, and what it was given."""

    method: str
    arguments: tuple[Any, ...]


class Fault(NamedTuple):
    """An error to raise once ``after`` invoices were given, or messages posted, in that call."""

    error: Exception
    after: int


class Answer(NamedTuple):
    """The outcome of one message, and whether it left nevertheless."""

    state: Literal["sent", "queued", "failed", "in_doubt"]
    error: str
    left: bool
    tried: bool = True


class FakeHost(Cannot):
    """A host in memory. Its state is its public attributes; ``put``, ``settle`` and ``remove`` change the records.

    ``posted`` is everything that left, in order: with ``unique_marks`` a key leaves once. ``page_size`` counts
    invoices; with ``incremental`` a pull gives what changed since the cursor; with ``repeats`` the last invoice of a
    page comes again on the next one. ``settled`` are the days that ``past`` tells, by invoice id; ``delivery`` are the
    events to tell, ``documents`` the PDFs by invoice id. ``refusal``, if any, is why every message fails. Without
    ``send_mail`` among its capabilities, mails leave through the mailer of its surroundings.
    """

    Settings: ClassVar[type[HostSettings]] = HostSettings

    def __init__(self, name: str = "fake", settings: Any = None, surroundings: Any = None) -> None:
        super().__init__(EVERYTHING)
        self.name, self.settings, self.surroundings = name, settings, surroundings
        self.invoices: dict[str, Invoice] = {}
        self.clients: dict[str, Client] = {}
        self.problems: list[Problem] = []
        self.settled: dict[str, date] = {}
        self.documents: dict[str, Document] = {}
        self.delivery: list[DeliveryEvent] = []
        self.findings: list[Finding] = [Finding("ok", "fake", "in memory")]
        self.posted: list[Outgoing] = []
        self.asked: list[Asked] = []
        self.closed = False
        self.page_size = 100
        self.lane_count = 1
        self.incremental = False
        self.repeats = False
        self.refusal = ""
        self._posting = Lock()
        self._revision = 0
        self._changed: dict[str, int] = {}
        self._faults: dict[str, list[Fault]] = defaultdict(list)
        self._broken: dict[str, Exception] = {}
        self._answers: dict[str, list[Answer]] = defaultdict(list)
        self._presence: dict[str, Found] = {}
        self._before: dict[str, list[tuple[Callable[[FakeHost], None], bool]]] = defaultdict(list)

    # What it holds

    def put(self, *records: Invoice | Client) -> None:
        """Add or replace invoices and clients."""
        for record in records:
            self._revision += 1
            if isinstance(record, Invoice):
                self.invoices[record.id] = record
                self._changed[record.id] = self._revision
            else:
                self.clients[record.id] = record
                mine = [invoice.id for invoice in self.invoices.values() if invoice.client == record.id]
                self._changed.update(dict.fromkeys(mine, self._revision))

    def settle(self, *ids: str, on: date | None = None) -> None:
        """Mark invoices as paid, on a day that ``past`` tells where it is given."""
        self.settled.update(dict.fromkeys(ids, on) if on else {})
        self.put(*(replace(self.invoices[id_], status="paid", residual=Decimal()) for id_ in ids))

    def remove(self, *ids: str) -> None:
        """Take invoices away."""
        for id_ in ids:
            del self.invoices[id_]
            self.settled.pop(id_, None)
            self._revision += 1
            self._changed[id_] = self._revision

    # What goes wrong

    def fail(self, method: str, error: Exception, after: int = 0, times: int = 1) -> None:
        """Let the next ``times`` calls of a method raise, once ``after`` invoices were given or messages posted."""
        self._faults[method] += [Fault(error, after)] * times

    def break_down(self, error: Exception, *methods: str) -> None:
        """Let every call of these methods (of all, by default) raise until ``mend``."""
        names = methods or (
            "pull",
            "past",
            "read",
            "locate",
            "pdfs",
            "links",
            "post",
            "find",
            "events",
            "check",
            "fields",
        )
        self._broken.update(dict.fromkeys(names, error))

    def mend(self) -> None:
        """Forget every fault and every answer that was asked for."""
        self._faults.clear()
        self._broken.clear()
        self._answers.clear()
        self.refusal = ""

    def answer(
        self,
        key: str,
        state: Literal["sent", "queued", "failed", "in_doubt"],
        error: str = "",
        left: bool | None = None,
        tried: bool = True,
    ) -> None:
        """Let the next message with this key, or about this invoice, come out so.

        ``left``: whether it left nevertheless; by default what was sent or queued did, and nothing else. ``tried``:
        whether it was attempted at all.
        """
        leaves = state in ("sent", "queued") if left is None else left
        self._answers[key].append(Answer(state, error, leaves, tried))

    def presence(self, key: str, presence: Literal["present", "absent", "unknown"]) -> None:
        """Let ``find`` say this of a mark, whatever was posted."""
        self._presence[key] = Found(key, presence)

    def before(self, method: str, action: Callable[[FakeHost], None], always: bool = False) -> None:
        """Do something to the host before the next call of a method (before every one); ``page`` is each page."""
        self._before[method].append((action, always))

    # What it was asked

    def calls(self, method: str) -> list[tuple[Any, ...]]:
        """What each call of a method was given."""
        return [asked.arguments for asked in self.asked if asked.method == method]

    def left(self, key: str) -> int:
        """How many times a message with this key left."""
        return sum(message.key == key for message in self.posted)

    # The protocol

    def pull(self, cursor: str, today: date) -> Pull:
        """Pages of what is owed; with ``incremental``, of whatever changed since the cursor."""
        fault = self._enter("pull", cursor, today)
        if cursor and cursor == str(self._revision):
            return Pull(iter([Page(cursor=cursor)]), False)
        partial = bool(cursor) and self.incremental
        since = int(cursor) if partial else 0
        changed = [id_ for id_ in self.invoices if self._changed[id_] > since]
        chosen = [id_ for id_ in changed if partial or self.invoices[id_].status in OWED]
        gone = [id_ for id_, at in self._changed.items() if at > since and id_ not in self.invoices] if partial else []
        return Pull(self._pages(chosen, gone, fault), not partial)

    def _pages(self, chosen: Sequence[str], gone: Sequence[str], fault: Fault | None) -> Iterator[Page]:
        given, revision, known = 0, self._revision, set[str]()
        again: list[Invoice] = []
        for start in range(0, len(chosen), self.page_size):
            self._happen("page")
            ids = chosen[start : start + self.page_size]
            if fault is not None and given + len(ids) > fault.after:
                half = [self.invoices[id_] for id_ in ids[: fault.after - given] if id_ in self.invoices]
                if half:
                    yield Page(half, self._clients_of(half, known))
                raise fault.error
            given += len(ids)
            invoices = again + [self.invoices[id_] for id_ in ids if id_ in self.invoices]
            yield Page(invoices, self._clients_of(invoices, known))
            again = invoices[-1:] if self.repeats else []
        if fault is not None:
            raise fault.error
        self._happen("page")
        others = [client for client in self.clients.values() if client.id not in known]
        yield Page(again, others, list(self.problems), list(gone), "" if self.problems else str(revision))

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """Those of ``settled``, by pages."""
        self._plain("past", since, today)
        known: set[str] = set()
        chosen = [self.invoices[id_] for id_, on in self.settled.items() if on > since]
        for start in range(0, len(chosen), self.page_size):
            page = chosen[start : start + self.page_size]
            yield PastPage(page, self._clients_of(page, known), {one.id: self.settled[one.id] for one in page})

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices as they are, in any status."""
        fault = self._enter("read", tuple(invoices), today)
        if fault is not None:
            raise fault.error
        found = [self.invoices[id_] for id_ in dict.fromkeys(invoices) if id_ in self.invoices]
        return Page(found, self._clients_of(found, set()), (), [id_ for id_ in invoices if id_ not in self.invoices])

    def numbered(self, number: str) -> Sequence[str]:
        """In any status."""
        self._plain("numbered", number)
        return [one.id for one in self.invoices.values() if one.number == number]

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """``fake://invoice/17``."""
        self._plain("locate", kind, tuple(ids))
        held = {"invoice": set(self.invoices), "client": set(self.clients)}.get(kind, set())
        return {id_: f"fake://{kind}/{id_}" for id_ in ids if id_ in held}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """From ``documents``."""
        self._plain("pdfs", tuple(invoices))
        return {one.id: self.documents[one.id] for one in invoices if one.id in self.documents}

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        """The invoices' own."""
        self._plain("links", tuple(invoices))
        return {one.id: one.payment_link for one in invoices if one.payment_link}

    def lanes(self, wanted: int) -> int:
        """As many as ``lane_count`` says."""
        return min(wanted, self.lane_count)

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Let messages leave, as answered; those without an answer are sent."""
        fault = self._enter("post", tuple(messages))
        mailed = self._mailed(messages)
        outcomes: list[Posted] = []
        for number, message in enumerate(messages):
            if fault is not None and number >= fault.after:
                raise fault.error
            if message.key in mailed:
                outcomes.append(mailed[message.key])
                self.posted += [message] * (outcomes[-1].state == "sent")
                continue
            answer = self._answer(message)
            with self._posting:
                if answer.left and not (self.capabilities.unique_marks and self.left(message.key)):
                    self.posted.append(message)
            outcomes.append(Posted(message.key, answer.state, answer.error, answer.tried))
        if fault is not None:
            raise fault.error
        return outcomes

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """Present if it left; absent if it did not and absence can be proved; else unknown."""
        self._plain("find", tuple(marks))
        otherwise: Literal["absent", "unknown"] = "absent" if self.capabilities.proves_absence else "unknown"
        found = {mark.key: Found(mark.key, "present" if self.left(mark.key) else otherwise) for mark in marks}
        return {key: self._presence.get(key, one) for key, one in found.items()}

    def events(self, marks: Sequence[Mark]) -> list[DeliveryEvent]:
        """Those of ``delivery`` that are about these messages."""
        self._plain("events", tuple(marks))
        wanted = {mark.message_id for mark in marks}
        return [event for event in self.delivery if event.message_id in wanted]

    def check(self, today: date) -> list[Finding]:
        """``findings``."""
        self._plain("check", today)
        return list(self.findings)

    def fields(self, today: date) -> list[MappedField]:
        """The ids."""
        self._plain("fields", today)
        return [
            MappedField("invoice", "id", "invoices", tuple(self.invoices)[:3]),
            MappedField("client", "id", "clients", tuple(self.clients)[:3]),
        ]

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
        if self._mailer is not None:
            self._mailer.close()

    # How it does what it is told

    @property
    def _mailer(self) -> Mailer | None:
        mailer: Mailer | None = getattr(self.surroundings, "mailer", None)
        return None if self.capabilities.send_mail else mailer

    def _mailed(self, messages: Sequence[Outgoing]) -> dict[str, Posted]:
        mails = [message for message in messages if message.channel == "mail"]
        return {one.key: one for one in self._mailer.send(mails)} if self._mailer is not None else {}

    def _enter(self, method: str, *arguments: Any) -> Fault | None:
        self.asked.append(Asked(method, arguments))
        self._happen(method)
        if method in self._broken:
            raise self._broken[method]
        fault = self._faults[method].pop(0) if self._faults[method] else None
        if fault is not None and fault.after <= 0:
            raise fault.error
        return fault

    def _plain(self, method: str, *arguments: Any) -> None:
        fault = self._enter(method, *arguments)
        if fault is not None:
            raise fault.error

    def _happen(self, method: str) -> None:
        actions = self._before.pop(method, [])
        kept = [one for one in actions if one[1]]
        if kept:
            self._before[method] = kept
        for action, _ in actions:
            action(self)

    def _answer(self, message: Outgoing) -> Answer:
        if self.refusal:
            return Answer("failed", self.refusal, False)
        for key in (message.key, *message.invoices):
            if self._answers[key]:
                return self._answers[key].pop(0)
        return Answer("sent", "", True)

    def _clients_of(self, invoices: Sequence[Invoice], known: set[str]) -> list[Client]:
        wanted = dict.fromkeys(one.client for one in invoices if one.client not in known)
        known.update(wanted)
        return [self.clients[id_] for id_ in wanted if id_ in self.clients]


def invoice(
    id: str,
    client: str = "1",
    residual: str = "100.00",
    currency: str = "EUR",
    status: Status = "open",
    issued: date | None = date(2026, 10, 1),
    due: date | None = date(2026, 10, 31),
    instalments: tuple[Instalment, ...] = (),
    **more: Any,
) -> Invoice:
    """An invoice for a test: what is not said is plausible. ``residual`` is its total too, unless one is given."""
    total = Decimal(more.pop("total", residual))
    number = more.pop("number", f"FA-{id:>04}")
    return Invoice(
        id, number, client, status, issued, due, total, Decimal(residual), currency, instalments=instalments, **more
    )


def client(id: str = "1", **more: Any) -> Client:
    """A client for a test, with an address."""
    name = more.pop("name", f"Client {id}")
    return Client(id, name, **{"email": f"client{id}@client.example", "language": "fr", "country": "FR", **more})


def message(key: str, invoice: Invoice, channel: Channel = "mail", **more: Any) -> Outgoing:
    """A message for a test about one invoice, of 21 November 2026 unless told otherwise."""
    claim = Claim(
        f"{key}-{invoice.id}", invoice.id, invoice.number, invoice.client, f"Client {invoice.client}",
        "standard", 1, 1, "Premier rappel", 1, 0, "c1", invoice.residual, invoice.currency,
    )  # fmt: skip
    subject, to = f"Facture {invoice.number} : rappel", Address("", f"client{invoice.client}@client.example")
    mime = f"From: compta@acme.example\r\nTo: {to}\r\nMessage-ID: <{key}@acme.example>\r\n\r\nBonjour\r\n"
    fields: dict[str, Any] = {
        "claims": (claim,),
        "channel": channel,
        "origin": "automatic",
        "client": invoice.client,
        "message_id": f"<{key}@acme.example>",
        "day": date(2026, 11, 21),
        "sent_at": datetime(2026, 11, 21, 9, tzinfo=UTC),
        "sender": Address("Comptabilité", "compta@acme.example"),
        "to": (to,),
        "cc": (),
        "bcc": (),
        "subject": subject,
        "text": "Bonjour,\nvotre facture reste due.",
        "html": "<p>Bonjour,</p>",
        "attachments": (),
        "mime": mime.encode(),
    }
    return Outgoing(key, **{**fields, **more})
