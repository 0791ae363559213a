"""A mail server in memory, and messages about invoices that Dolibarr has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from relance_addon.core.model import Invoice
from relance_addon.core.outgoing import Outgoing, Posted
from relance_addon.hosts.fake import message


class PostOffice:
    """A Mailer that answers as it is told, by key; what is not told is sent. ``sent`` are the keys that came."""

    def __init__(self, **answers: tuple[str, str]) -> None:
        self.answers = {key: Posted(key, *told) for key, told in answers.items()}  # type: ignore[arg-type]
        self.sent: list[str] = []
        self.before: Callable[[Outgoing], None] = lambda message: None

    def send(self, messages: Sequence[Outgoing]) -> list[Posted]:
        for one in messages:
            self.before(one)
        self.sent += [one.key for one in messages]
        return [self.answers.get(one.key, Posted(one.key, "sent")) for one in messages]

    def close(self) -> None:
        """Nothing to let go of."""


def outgoing(key: str, *invoices: Invoice, **more: object) -> Outgoing:
    """A reminder of some invoices of one client."""
    singles = [message(key, one) for one in invoices]
    claims = tuple(claim for single in singles for claim in single.claims)
    return replace(singles[0], claims=claims, **more)  # type: ignore[arg-type]


def activity(key: str, invoice: Invoice, **more: object) -> Outgoing:
    """A to-do about an invoice."""
    return replace(message(key, invoice, "activity"), **more)  # type: ignore[arg-type]
