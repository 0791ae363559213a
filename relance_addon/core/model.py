"""The nouns: invoices, clients, money, addresses, reminders. Frozen data, no behaviour beyond reading it.

Amounts are Decimals in the unit of their currency (ISO 4217 code beside them); dates are calendar days of the
company's time zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, NamedTuple

Status = Literal["draft", "open", "paid", "cancelled", "disputed", "written_off"]
Channel = Literal["mail", "activity"]
Origin = Literal["automatic", "manual"]
State = Literal["claimed", "sent", "queued", "failed", "in_doubt", "dropped"]
LEFT: Final[tuple[State, ...]] = ("sent", "queued", "in_doubt", "claimed")
"""States of messages that left, or may have."""

STATUSES: Final[tuple[Status, ...]] = ("draft", "open", "paid", "cancelled", "disputed", "written_off")
OWED: Final[frozenset[str]] = frozenset({"draft", "open", "disputed"})
"""Statuses of the invoices that a decision is made for."""

NO_PROGRAM: Final = "none"
"""The name that stands for "no program at all" where a program's name is expected."""


class Address(NamedTuple):
    """A mail address with an optional display name."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>" if self.name else self.email


class Problem(NamedTuple):
    """Something unusable, for the person who can mend it: where (file and line, or record), which key, what."""

    where: str
    key: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


@dataclass(frozen=True, slots=True)
class Instalment:
    """One due date of an invoice paid in several parts; amounts in the invoice's currency."""

    due_date: date
    amount: Decimal
    residual: Decimal


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at a client, with roles such as ``billing``."""

    name: str
    email: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """Who owes. ``credits`` are unallocated payments and credit notes, by currency, above zero.

    ``held_until`` is the last day of the host's own hold, ``date.max`` for good, None for none.
    ``invalid`` says why the client cannot be used; empty when it can.
    """

    id: str
    name: str
    email: str = ""
    language: str = ""
    country: str = ""
    tags: tuple[str, ...] = ()
    program: str = ""
    held_until: date | None = None
    credits: Mapping[str, Decimal] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    invalid: str = ""


@dataclass(frozen=True, slots=True)
class Invoice:
    """What is owed. ``residual`` is what remains of ``total``, both in ``currency``.

    ``issue_date`` may be missing on a draft only; no ``due_date`` means the issue date.
    ``pdf`` is the host's own reference to its PDF, empty when it is known to have none.
    ``held_until`` and ``invalid`` are as for clients. ``contacts`` are the client's people that the invoice itself
    names for billing: they come before the client's own billing contacts.
    """

    id: str
    number: str
    client: str
    status: Status
    issue_date: date | None
    due_date: date | None
    total: Decimal
    residual: Decimal
    currency: str
    salesperson: Address | None = None
    payment_link: str = ""
    pdf: str = ""
    program: str = ""
    held_until: date | None = None
    instalments: tuple[Instalment, ...] = ()
    invalid: str = ""
    contacts: tuple[Contact, ...] = ()


class Reminder(NamedTuple):
    """A step, or a message by hand, that left or may have left about one invoice.

    ``step`` is the step's name, empty for a message by hand that is no step. ``instalment`` counts from 1,
    ``restart`` is how often the invoice had been restarted by then, ``cycle`` names the run of steps it belongs to.
    """

    day: date
    step: str
    program: str
    instalment: int
    restart: int
    cycle: str
    origin: Origin
    message_id: str = ""


class HandDate(NamedTuple):
    """A date set by hand for a step. ``issued`` is the draft's issue date then: on a draft the distance is kept."""

    on: date
    issued: date | None = None


@dataclass(frozen=True, slots=True)
class StepChange:
    """What was changed by hand for one step of one invoice; None keeps what the program says."""

    date: HandDate | None = None
    sender: str | None = None
    to: tuple[str, ...] | None = None
    cc: tuple[str, ...] | None = None
    bcc: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Adaptation:
    """The hand-made part of one invoice's plan. ``version`` 0 follows the program's current version.

    What was dropped or changed holds for the instalment it was made for (its rank, 0 for any).
    """

    program: str = ""
    version: int = 0
    restart: int = 0
    instalment: int = 0
    dropped: frozenset[str] = frozenset()
    changes: Mapping[str, StepChange] = field(default_factory=dict)


class Attempt(NamedTuple):
    """Failed attempts at one step of one invoice, and the message that is to be tried again (a key, or empty)."""

    cycle: str
    step: str
    failures: int
    message: str


@dataclass(frozen=True, slots=True)
class History:
    """What the journal knows of one host, by invoice id or client id.

    ``reminders`` are in the order they left. ``in_doubt`` names the invoices whose last message's outcome is unknown.
    ``messaged`` is the day of the last automatic message by client. ``bounced`` are addresses, in lower case, that
    bounced for good. Holds map to their last day, ``date.max`` for good.
    """

    reminders: Mapping[str, tuple[Reminder, ...]] = field(default_factory=dict)
    adaptations: Mapping[str, Adaptation] = field(default_factory=dict)
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    in_doubt: frozenset[str] = frozenset()
    invoice_holds: Mapping[str, date] = field(default_factory=dict)
    client_holds: Mapping[str, date] = field(default_factory=dict)
    client_programs: Mapping[str, str] = field(default_factory=dict)
    messaged: Mapping[str, date] = field(default_factory=dict)
    bounced: frozenset[str] = frozenset()


_DIGITS = re.compile(r"(\d+)")
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\Z|\[[0-9A-Fa-f.:]+\]\Z")
_NAMED = re.compile(r"\s*(?:\"(?P<quoted>[^\"\r\n]*)\"|(?P<name>[^<>\"\r\n]*?))\s*<(?P<email>[^<>\s]+)>\s*\Z")


def natural(identifier: str) -> tuple[tuple[str | int, ...], str]:
    """Sort key under which runs of digits compare as numbers: ``"9" < "10"``, ``"C2" < "C10"``."""
    if identifier.isdecimal():
        return ("", int(identifier), ""), identifier
    parts = _DIGITS.split(identifier)
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts)), identifier


def is_email(text: str) -> bool:
    """Whether ``text`` is one bare mail address that can stand in a header and an envelope."""
    try:
        return len(ascii_address(text)) <= 254
    except ValueError:
        return False


def ascii_address(email: str) -> str:
    """The address as it stands in envelopes and headers, an international domain in its ASCII form.

    Raises ValueError for what cannot be written so.
    """
    local, at, domain = email.rpartition("@")
    if not at or not _LOCAL.match(local) or len(local) > 64:
        raise ValueError(f"{email!r} cannot be written to: only ASCII may stand before the @")
    if not domain.isascii():
        import idna

        try:
            domain = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"{email!r}: {error}") from None
    if not _DOMAIN.match(domain):
        raise ValueError(f"{email!r}: {domain!r} is no domain")
    return f"{local}@{domain}"


def parse_address(text: str) -> Address:
    """Read ``"Name <a@b>"`` or ``"a@b"``. Raises ValueError with the reason for anything else."""
    if any(character in text for character in "\r\n\0"):
        raise ValueError("a line break in an address")
    named = _NAMED.match(text)
    if named:
        address = Address((named["quoted"] or named["name"] or "").strip(), named["email"])
    else:
        address = Address("", text.strip())
    if not is_email(address.email):
        raise ValueError(f"{text!r} is no mail address")
    return address


def written_address(text: str) -> Address:
    """The address that ``str`` wrote, whatever stands in its name."""
    name, mark, email = text.rpartition(" <")
    return Address(name, email.removesuffix(">")) if mark else Address("", text)


def day_after(day: date) -> date:
    """The next calendar day."""
    return day + timedelta(days=1)
