"""The connector protocol: pages in, batches out.

A connector is a class with ``Settings`` (what ``[hosts.NAME]`` may say) that is called with its settings and its
surroundings. Every method takes and gives many; the number of remote calls grows with pages, never with invoices.
``docs/connectors.md`` says what each host can do and how a connector is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StrictStr

from relance_addon.core.model import Client, Invoice, Problem
from relance_addon.core.outgoing import Document as Document
from relance_addon.core.outgoing import Mark as Mark
from relance_addon.core.outgoing import Outgoing as Outgoing
from relance_addon.core.outgoing import Posted as Posted

Kind = Literal["invoice", "client", "contact", "instalment"]
EventName = Literal["queued", "sent", "delivered", "opened", "clicked", "bounced", "complained", "failed", "in_doubt"]
BATCH = 20
"""The most messages that are posted in one batch, after their invoices were read again."""
READ = 100
"""The most invoices that are read again at once."""


class HostSettings(BaseModel):
    """The keys that every ``[hosts.NAME]`` has; a connector adds its own in a subclass.

    ``mapping`` is checked by ``hosts.mapping`` against the connector's mapping.toml.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    connector: StrictStr
    mapping: dict[str, dict[str, Any]] = {}


class Mailer(Protocol):
    """Sends MIME messages for hosts that cannot: one outcome per message, in order."""

    def send(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Hand messages over by SMTP. An error before DATA is ``failed``, one after it ``in_doubt``. Never raises."""
        ...

    def close(self) -> None:
        """Let go of the connection, which the next ``send`` opens again."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a connector works: relative paths start at ``folder``.

    ``mailer`` is there for hosts that cannot send: nothing is opened before its first message. A connector that uses
    it closes it in its own ``close``.
    """

    folder: Path
    timezone: ZoneInfo
    currency: str
    language: str
    mailer: Mailer | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a host can do. Operations adapt to these and never to a host's name.

    ``send_mail``: the host sends mails by itself; otherwise they leave through ``Surroundings.mailer``.
    ``proves_absence``: a mark that ``find`` says is absent proves that the message never left; with
    ``removable_marks``, which a person can take away, only of a message that was not in doubt yet. ``only_contacts``:
    mail goes only to people that the host knows, not to any address. ``settled``: the host
    knows when invoices were. ``dated_notes``: activities are notes with a date, of which the host reminds nobody.
    """

    send_mail: bool = False
    activities: bool = False
    unique_marks: bool = False
    find_marks: bool = False
    proves_absence: bool = False
    removable_marks: bool = False
    events: bool = False
    pdf: bool = False
    payment_link: bool = False
    install: bool = False
    only_contacts: bool = False
    settled: bool = False
    dated_notes: bool = False


class Page(NamedTuple):
    """A page of what was pulled. ``gone`` are ids of invoices that the host no longer has.

    ``cursor``, on the last page, is what the next pull starts from; empty: it starts over.
    """

    invoices: Sequence[Invoice] = ()
    clients: Sequence[Client] = ()
    problems: Sequence[Problem] = ()
    gone: Sequence[str] = ()
    cursor: str = ""


class PastPage(NamedTuple):
    """A page of settled invoices with their clients: as the host has them now, but with their whole ``total``.

    ``settled`` is the first day on which each was owed no more, by id.
    """

    invoices: Sequence[Invoice] = ()
    clients: Sequence[Client] = ()
    settled: Mapping[str, date] = MappingProxyType({})


class Pull(NamedTuple):
    """The pages of a pull. ``full``: what no page has is no longer owed; else what no page has is unchanged."""

    pages: Iterator[Page]
    full: bool


class Found(NamedTuple):
    """What the host says of a mark: ``present``, ``absent``, or ``unknown``; of a present one, its ``state``."""

    key: str
    presence: Literal["present", "absent", "unknown"]
    state: Literal["sent", "queued", "failed"] = "sent"


class DeliveryEvent(NamedTuple):
    """What became of a sent message, for one recipient (an address, or empty for all). ``at`` is aware."""

    message_id: str
    event: EventName
    at: datetime
    recipient: str = ""
    detail: str = ""


class Finding(NamedTuple):
    """One line of ``relance check``: a thing looked at, how it is, and what to do about it."""

    level: Literal["ok", "warning", "error"]
    subject: str
    text: str
    mend: str = ""


class MappedField(NamedTuple):
    """One line of ``relance mapping``: where a field of ours comes from, and up to three sample values."""

    kind: Kind
    field: str
    source: str
    samples: tuple[str, ...] = ()
    problem: str = ""


class Connector(Protocol):
    """A host, as the house sees it. A call that fails as a whole raises HostError or InputError."""

    Settings: ClassVar[type[HostSettings]]
    capabilities: Capabilities
    problems: Sequence[Problem]
    """What the last ``events`` could not use."""

    def __init__(self, name: str, settings: Any, surroundings: Surroundings) -> None:
        """Bind a host's name, its checked settings and its surroundings. No call is made yet."""

    def pull(self, cursor: str, today: date) -> Pull:
        """Drafts, open and disputed invoices and their clients, changed since ``cursor`` (all for an empty one)."""
        ...

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """The invoices that were settled after ``since``, also those settled after ``today``: what a replay needs.

        What the host has no day for is left out, and so is what cannot be used. What is still owed is pulled.
        """
        ...

    def read(self, invoices: Sequence[str], today: date) -> Page:
        """Those invoices (at most READ) and their clients as they are now; one that is missing is gone."""
        ...

    def numbered(self, number: str) -> Sequence[str]:
        """The ids of the invoices of that number, in any status; one call."""
        ...

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """Where a person finds these records (a file and line, a URL), as far as that is known."""
        ...

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """The host's own PDF of each invoice that has one, by id."""
        ...

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        """The payment link of each invoice that has one, by id; absolute URLs."""
        ...

    def lanes(self, wanted: int) -> int:
        """Get ready to post up to ``wanted`` batches at the same time, from a thread each; how many it can take.

        Asked before anything is claimed: who has to log in for it does so now. Other methods are called meanwhile.
        """
        ...

    def post(self, messages: Sequence[Outgoing]) -> list[Posted]:
        """Send messages or make activities, at most BATCH: one outcome each, in order.

        Never raises for one of them. Where it raises all the same, every one is taken to be uncertain. The number of
        remote calls grows with the messages and their invoices alone.
        """
        ...

    def finish(self) -> Sequence[Problem]:
        """Finish what the posts so far left to be done meanwhile; what could not be done. Never about their outcome."""
        ...

    def release(self, messages: Sequence[Outgoing]) -> None:
        """Let these be posted again: a person decided that they never left, whatever their marks say."""
        ...

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """What the host has of these marks, by key; a missing key is unknown."""
        ...

    def events(self, marks: Sequence[Mark]) -> Iterable[DeliveryEvent]:
        """What became of these messages since they were posted."""
        ...

    def check(self, today: date) -> list[Finding]:
        """Version, rights, mapping, second senders, mail set-up; what to mend."""
        ...

    def fields(self, today: date) -> list[MappedField]:
        """Every field of ours, where it comes from on the host, and three sample values."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""


@dataclass(slots=True)
class Cannot:
    """The answers of a host that cannot: connectors inherit what they do not have."""

    capabilities: Capabilities = field(default_factory=Capabilities)
    problems: Sequence[Problem] = ()

    def past(self, since: date, today: date) -> Iterator[PastPage]:
        """Nothing beyond what is owed now."""
        return iter(())

    def numbered(self, number: str) -> Sequence[str]:
        """Invoices are known by their ids alone, once they are no longer owed."""
        return ()

    def locate(self, kind: Kind, ids: Sequence[str]) -> Mapping[str, str]:
        """Nowhere a person could look."""
        return {}

    def pdfs(self, invoices: Sequence[Invoice]) -> Mapping[str, Document]:
        """No PDFs."""
        return {}

    def links(self, invoices: Sequence[Invoice]) -> Mapping[str, str]:
        """The links that came with the invoices."""
        return {invoice.id: invoice.payment_link for invoice in invoices if invoice.payment_link}

    def lanes(self, wanted: int) -> int:
        """One batch after the other."""
        return 1

    def finish(self) -> Sequence[Problem]:
        """Nothing is left after a post."""
        return ()

    def release(self, messages: Sequence[Outgoing]) -> None:
        """Nothing is in the way of posting them again."""

    def find(self, marks: Sequence[Mark]) -> Mapping[str, Found]:
        """Nothing is known of any mark."""
        return {}

    def events(self, marks: Sequence[Mark]) -> Iterable[DeliveryEvent]:
        """No events."""
        return ()

    def close(self) -> None:
        """Nothing to let go of."""
