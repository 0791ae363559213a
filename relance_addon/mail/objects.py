"""What templates are given: plain values of one message, without a way to anything behind them."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from relance_addon.core.decide import Decision
from relance_addon.core.group import Message
from relance_addon.mail.formats import Formats
from relance_addon.mail.macros import variable
from relance_addon.mail.sandbox import Objects


class InstalmentObject(Objects):
    """One due date of an invoice."""

    __slots__ = ("amount", "days_late", "due_date", "residual")

    def __init__(self, due_date: date, amount: Decimal, residual: Decimal, today: date) -> None:
        self.due_date = due_date
        self.amount = amount
        self.residual = residual
        self.days_late = (today - due_date).days


class InvoiceObject(Objects):
    """One invoice: ``residual`` and ``due_date`` are what is asked for, ``remaining`` is all that is not paid yet."""

    __slots__ = (
        *("currency", "days_late", "due_date", "instalments", "issue_date", "number", "payment_link"),
        *("remaining", "residual", "total"),
    )

    def __init__(self, one: Decision, today: date, link: str) -> None:
        invoice = one.invoice
        due = one.due or invoice.due_date or invoice.issue_date or today
        self.number = invoice.number
        self.total = invoice.total
        self.residual = one.residual
        self.remaining = invoice.residual
        self.currency = invoice.currency
        self.issue_date = invoice.issue_date
        self.due_date = due
        self.days_late = (today - due).days
        self.payment_link = link
        parts = sorted(invoice.instalments, key=lambda part: part.due_date)
        self.instalments = [InstalmentObject(part.due_date, part.amount, part.residual, today) for part in parts]


class ClientObject(Objects):
    """Who is written to."""

    __slots__ = ("country", "language", "name")

    def __init__(self, name: str, language: str, country: str) -> None:
        self.name = name
        self.language = language
        self.country = country


class SenderObject(Objects):
    """Who writes."""

    __slots__ = ("email", "name")

    def __init__(self, name: str, email: str) -> None:
        self.name = name or email
        self.email = email


class StepObject(Objects):
    """The step of the program; ``number`` counts from 1."""

    __slots__ = ("name", "number", "program")

    def __init__(self, name: str, number: int, program: str) -> None:
        self.name = name
        self.number = number
        self.program = program


def web_link(link: str) -> str:
    """The link when it is one to the web, else nothing: what a host says must not become a script."""
    return link if link.startswith(("https://", "http://")) and link.isprintable() and " " not in link else ""


def values(
    message: Message, today: date, links: Mapping[str, str], formats: Formats, wanted: Container[str] | None = None
) -> dict[str, Any]:
    """The objects and macros of a message by name, all of them or those wanted.

    ``links`` are payment links by invoice id. Templates see them only when the step asks for them; ``#LIEN#`` does
    ask. ``invoice`` is the one of the oldest due date.
    """
    step, client, sender = message.step, message.client, message.people.sender
    decisions = message.decisions

    def link(one: Decision) -> str:
        return web_link(links.get(one.invoice.id) or one.invoice.payment_link)

    invoices = [InvoiceObject(one, today, link(one) if step.payment_link else "") for one in decisions]
    first = min(invoices, key=lambda one: one.due_date)
    made: dict[str, Callable[[], Any]] = {
        "invoices": lambda: invoices,
        "invoice": lambda: first,
        "client": lambda: ClientObject(client.name, client.language, client.country),
        "totals": lambda: message.totals,
        "sender": lambda: SenderObject(*sender),
        "company": lambda: sender.name or sender.email,
        "step": lambda: StepObject(step.name, message.step_number, message.program.label or message.program.name),
        "today": lambda: today,
        "language": lambda: str(formats.locale),
        variable("REF"): lambda: ", ".join(one.number for one in invoices),
        variable("CLIENT"): lambda: client.name,
        variable("TOTAL"): lambda: formats.money(_totals(decisions)),
        variable("SOLDE"): lambda: formats.money(message.totals),
        variable("DATE"): lambda: formats.day(first.issue_date),
        variable("ECHEANCE"): lambda: formats.day(first.due_date),
        variable("RETARD"): lambda: str(first.days_late),
        variable("LIEN"): lambda: "\n".join(dict.fromkeys(filter(None, map(link, _by_age(decisions))))),
    }
    return {name: make() for name, make in made.items() if wanted is None or name in wanted}


def schedule_values(one: Decision, today: date, formats: Formats) -> dict[str, Any]:
    """The objects of one invoice's payment schedule: without instalments, its due date and total are the only one."""
    invoice = InvoiceObject(one, today, "")
    if not invoice.instalments:
        due = one.invoice.due_date or invoice.due_date
        invoice.instalments = [InstalmentObject(due, invoice.total, invoice.remaining, today)]
    client = one.client
    return {
        "invoice": invoice,
        "client": ClientObject(client.name, client.language, client.country) if client else ClientObject("", "", ""),
        "today": today,
        "language": str(formats.locale),
        variable("REF"): invoice.number,
    }


def _by_age(decisions: Iterable[Decision]) -> list[Decision]:
    return sorted(decisions, key=lambda one: one.due or date.max)


def _totals(decisions: Iterable[Decision]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for one in decisions:
        sums[one.invoice.currency] = sums.get(one.invoice.currency, Decimal()) + one.invoice.total
    return sums


NAMES = frozenset(
    (
        *("invoices", "invoice", "client", "totals", "sender", "company", "step", "today", "language"),
        *("money", "date", "range", "namespace"),
    )
)
"""Every name that a text can use."""
