"""What the journal records and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from relance_addon.core.group import Message
from relance_addon.core.model import State
from relance_addon.core.outgoing import Mark

SEVERITY: Final = ("queued", "sent", "delivered", "opened", "clicked", "complained", "bounced", "failed", "in_doubt")
"""Events from the best to the worst; with several recipients the worst wins."""


class HostState(NamedTuple):
    """``cursor`` is where the next pull starts, ``settings`` the fingerprint of the settings it was made under."""

    activated: bool
    cursor: str
    settings: str
    last_run: date | None


class Applied(NamedTuple):
    """What applying a program did: ``new``, ``changed`` or ``unchanged``, and the version it now has.

    Of the plans pinned to another version of it, so many were ``moved`` to this one, or ``kept`` theirs.
    """

    name: str
    change: str
    version: int
    moved: int = 0
    kept: int = 0


class Use(NamedTuple):
    """What uses a program: clients it was chosen for, invoices whose plan names it, reminders it sent."""

    clients: int
    invoices: int
    reminders: int


class Users(NamedTuple):
    """What uses a program on one host, by ids: the same, and the clients and invoices that the host names it for."""

    clients: Sequence[str]
    invoices: Sequence[str]
    reminders: int
    named_clients: Sequence[str]
    named_invoices: Sequence[str]


class Hold(NamedTuple):
    """``until`` is its last day, None for good. One of ``client`` and ``invoice`` (ids) is empty.

    ``amount`` in ``currency`` is what a promise is about, None for all that is due by its day; ``owed`` is what was
    due by then when it was made. ``kept_at`` or ``broken_at`` is when it was found that its day had passed.
    """

    client: str
    invoice: str
    kind: str
    until: date | None
    reason: str
    made_at: datetime
    amount: Decimal | None = None
    currency: str = ""
    owed: Decimal | None = None
    kept_at: datetime | None = None
    broken_at: datetime | None = None
    lifted_at: datetime | None = None
    number: int = 0

    def state(self, today: date) -> str:
        """``in_force``, ``kept`` or ``broken`` (a promise whose day has passed), ``lifted``, or ``over``."""
        passed = self.until is not None and self.until < today
        if passed and (self.kept_at or self.broken_at):
            return "kept" if self.kept_at else "broken"
        return "lifted" if self.lifted_at else "over" if passed else "in_force"


class Saved(NamedTuple):
    """A saved simulation: the messages as they were decided on ``day``, and the run that sent them (None: none yet)."""

    number: int
    host: str
    day: date
    messages: tuple[Message, ...]
    run: int | None
    ran_at: datetime | None


class Settled(NamedTuple):
    """What became of a claimed message, by its key. A failure is ``counted`` unless it was never tried."""

    key: str
    state: State
    error: str = ""
    counted: bool = True


class Stored(NamedTuple):
    """A message of the journal."""

    mark: Mark
    state: State
    error: str
    day: date
    sent_at: datetime
    client: str
    client_name: str
    numbers: tuple[str, ...]
    subject: str
    to: tuple[str, ...]
    tried: bool = False
    """Whether an attempt has failed before."""
    by_hand: Literal["", "step", "message"] = ""
    """Whether a person made it: a step of a program, or a message that is none."""


class Entry(NamedTuple):
    """One reminder of the log: one invoice in one message."""

    key: str
    message_key: str
    message_id: str
    invoice: str
    number: str
    client: str
    client_name: str
    program: str | None
    step: int | None
    step_name: str | None
    origin: str
    channel: str
    date: date
    sent_at: datetime
    subject: str
    sender: str
    to: Sequence[str]
    cc: Sequence[str]
    bcc: Sequence[str]
    redirected_to: str
    last_event: str
    last_event_at: datetime
    error: str
    override_reason: str = ""
    """Why it left in spite of a hold."""


class Happened(NamedTuple):
    """An event of a message; ``at`` is aware, ``recipient`` an address or empty for all."""

    message_id: str
    event: str
    at: datetime
    recipient: str
    detail: str


class Exact(NamedTuple):
    """A message as it left, byte for byte, and what became of it.

    ``attachments`` have a ``name``, ``mime``, ``size`` (bytes) and ``sha256``; ``asked`` is what it asked for, by
    invoice id, with the currency; ``reason`` says why it left in spite of a hold.
    """

    mime: bytes
    sha256: str
    attachments: Sequence[Mapping[str, Any]]
    events: Sequence[Happened]
    asked: Mapping[str, tuple[Decimal, str]]
    reason: str
