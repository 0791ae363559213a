"""A message ready to leave, the claims it is made of, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from relance_addon.core.model import Address, Channel, Origin


class Document(NamedTuple):
    """A file to attach."""

    name: str
    mime: str
    content: bytes


class Mark(NamedTuple):
    """What a message leaves on the host, so that the host can be asked for it after a crash."""

    key: str
    message_id: str
    channel: Channel
    invoices: tuple[str, ...]


class Claim(NamedTuple):
    """One invoice in one message: what is committed before the message leaves.

    ``step`` counts from 1 in the version, 0 for a message by hand that is no step (``step_name`` is empty then).
    ``residual`` is what the message asks for, in ``currency``.
    """

    key: str
    invoice: str
    number: str
    client: str
    client_name: str
    program: str
    version: int
    step: int
    step_name: str
    instalment: int
    restart: int
    cycle: str
    residual: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message ready to leave. ``mime`` is exactly what goes out, or what a host that sends itself is asked for.

    For an activity, ``subject`` is its summary, ``text`` its note, ``day`` its deadline and ``sender`` its person.
    ``sent_at`` is aware and dated by the run. With ``redirected_to``, ``to``, ``cc`` and ``bcc`` are still those it
    was meant for, and everything goes to that one address: ``recipients`` says who gets it. ``reason`` says why it
    leaves in spite of a hold.
    """

    key: str
    claims: tuple[Claim, ...]
    channel: Channel
    origin: Origin
    client: str
    message_id: str
    day: date
    sent_at: datetime
    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    subject: str
    text: str
    html: str
    attachments: tuple[Document, ...]
    mime: bytes
    redirected_to: str = ""
    reason: str = ""

    @property
    def invoices(self) -> tuple[str, ...]:
        """The ids of its invoices, in order."""
        return tuple(claim.invoice for claim in self.claims)

    @property
    def mark(self) -> Mark:
        """The mark that it leaves."""
        return Mark(self.key, self.message_id, self.channel, self.invoices)

    @property
    def recipients(self) -> tuple[tuple[Address, ...], tuple[Address, ...], tuple[Address, ...]]:
        """To, cc and bcc as they are used: all of them, or only the address that everything is redirected to."""
        if self.redirected_to:
            return (Address("", self.redirected_to),), (), ()
        return self.to, self.cc, self.bcc


class Posted(NamedTuple):
    """What became of one message that was posted. ``failed`` means for certain that nothing left.

    ``tried`` is false for one that was not even attempted: it costs none of the three attempts.
    """

    key: str
    state: Literal["sent", "queued", "failed", "in_doubt"]
    error: str = ""
    tried: bool = True
