"""What the parts of the suite share: what a test class says of its host, and ways to look at a connector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from relance_addon.core.errors import RelanceError
from relance_addon.core.model import OWED, STATUSES, Address, Channel, Client, Invoice, Status
from relance_addon.core.outgoing import Document
from relance_addon.hosts.conformance.subject import FAULTS, Fault, Subject
from relance_addon.hosts.fake import client, invoice, message
from relance_addon.hosts.port import Connector, Outgoing, Page, Posted
from relance_addon.mail import mime

TODAY: Final = date(2026, 11, 21)
LEFT: Final = ("sent", "queued")
CARRIED: Final = (
    "number", "client", "status", "issue_date", "due_date", "total", "residual", "currency",
)  # fmt: skip
"""The fields of an invoice that have to come back as they were put."""


class Change(NamedTuple):
    """What happens to the books between two pulls. ``clients`` are those that are others afterwards."""

    before: Sequence[Invoice]
    after: Sequence[Invoice]
    clients: Sequence[Client] = ()


_BILL: Final = invoice("1")
_DRAFT: Final = invoice("1", status="draft")
_PAID: Final = replace(_BILL, status="paid", residual=Decimal("0.00"))
CHANGES: Final[Mapping[str, Change]] = {
    "a new invoice": Change([], [_BILL]),
    "a payment in part": Change([_BILL], [replace(_BILL, residual=Decimal("40.00"))]),
    "the whole payment": Change([_BILL], [_PAID]),
    "a payment taken back": Change([_PAID], [_BILL]),
    "another due date": Change([_BILL], [replace(_BILL, due_date=date(2026, 12, 24))]),
    "a draft that is posted": Change([_DRAFT], [_BILL]),
    "a draft that becomes another": Change([_DRAFT], [invoice("3")]),
    "an invoice that is deleted": Change([_BILL], []),
    "a client with another address": Change([_BILL], [_BILL], [client("1", email="new@client.example")]),
}
"""By name. A second invoice, of another client, stands beside them all the time."""


class Suite:
    """What a test class says of its host, where that is not what is said here."""

    clients: Sequence[Client] = (client("1"), client("2", country="BE"))
    instalments = True
    """Whether the host knows invoices that are due in several parts."""
    statuses: Collection[Status] = STATUSES
    """Those that it tells. For the others its subject puts the nearest that there is."""
    currencies: Collection[str] = ("EUR", "USD", "JPY")
    """Those that the subject can put invoices in."""
    changes: Collection[str] = tuple(CHANGES)
    """Those that the subject can bring about."""
    many = 250
    """How many invoices fill more than one page; 0 where a page holds whatever there is."""
    faults: frozenset[Fault] = FAULTS
    """What the subject can let go wrong."""
    calls = 12
    """How many calls a message takes at most: from each of them on answers are lost once."""

    def _messages(self, subject: Subject, count: int) -> list[Outgoing]:
        put = [invoice(str(number)) for number in range(1, count + 1)]
        subject.put(put, self.clients)
        return [message(f"key{one.id}", one) for one in put]


class Pulled(NamedTuple):
    """All pages of a pull as one, and whether it was full."""

    invoices: Sequence[Invoice]
    clients: Sequence[Client]
    gone: Sequence[str]
    cursor: str
    full: bool


def pulled(connector: Connector, cursor: str = "") -> Pulled:
    """Everything that a pull gives. Raises what the connector raises."""
    pull = connector.pull(cursor, TODAY)
    return together(list(pull.pages), pull.full)


def together(pages: Sequence[Page], full: bool) -> Pulled:
    """The pages of a pull as one."""
    return Pulled(
        [one for page in pages for one in page.invoices],
        [one for page in pages for one in page.clients],
        [one for page in pages for one in page.gone],
        pages[-1].cursor if pages else "",
        full,
    )


class Books(NamedTuple):
    """What is known of a host after some pulls: what is owed there, and all clients that were ever told, by id."""

    invoices: Mapping[str, Invoice] = {}
    clients: Mapping[str, Client] = {}

    def after(self, told: Pulled) -> Books:
        """What is known after one more pull."""
        known = {} if told.full else self.invoices
        now = {**known, **{one.id: one for one in told.invoices}}
        owed = {id_: one for id_, one in now.items() if one.status in OWED and id_ not in told.gone}
        return Books(owed, {**self.clients, **{one.id: one for one in told.clients}})

    @property
    def owed(self) -> Mapping[str, tuple[Invoice, Client | None]]:
        """What is owed, and by whom."""
        return {id_: (one, self.clients.get(one.client)) for id_, one in self.invoices.items()}


def plausible(one: Invoice) -> Invoice:
    """As a host would have it: nothing remains of what is paid or cancelled."""
    return one if one.status in OWED else replace(one, residual=Decimal("0.00"))


def letter(
    key: str,
    *invoices: Invoice,
    channel: Channel = "mail",
    cc: Iterable[str] = (),
    bcc: Iterable[str] = (),
    files: Sequence[Document] = (),
) -> Outgoing:
    """A message about some invoices of one client, to that client, with everything that a message can have."""
    singles = [message(key, one, channel) for one in invoices]
    one = replace(
        singles[0],
        claims=tuple(claim for single in singles for claim in single.claims),
        cc=tuple(Address("", email) for email in cc),
        bcc=tuple(Address("", email) for email in bcc),
        subject=f"{singles[0].subject} ({key})",
        attachments=tuple(files),
    )
    written = mime.build(
        sender=one.sender, to=one.to, cc=one.cc, subject=one.subject, text=one.text, html=one.html, date=one.sent_at,
        message_id=one.message_id, attachments=one.attachments,
    )  # fmt: skip
    return replace(one, mime=written)


def error_of(call: Callable[[], Any]) -> Exception | None:
    """What a call raises, whatever it is."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - which one it is is what is tested
        return error
    return None


def outcomes(connector: Connector, messages: Sequence[Outgoing]) -> list[Posted]:
    """What becomes of messages; those of a call that fails as a whole are in doubt, as a run takes them."""
    try:
        return connector.post(messages)
    except RelanceError as error:
        return [Posted(one.key, "in_doubt", str(error)) for one in messages]
