"""Messages to post, and an Odoo that answers from a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.core.keys import message_id
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.core.outgoing import Claim, Document, Outgoing

TODAY = date(2026, 11, 21)
SENDER = Address("Comptabilité, Acme", "compta@relance.test")


def outgoing(
    key: str,
    client: Client,
    invoices: Sequence[Invoice],
    *to: str,
    bcc: Sequence[str] = (),
    attachments: Sequence[Document] = (),
    html: str = "<p>Bonjour,<br>merci de régler <b>vos factures</b>.</p>",
) -> Outgoing:
    """A message of a first step about these invoices."""
    claims = tuple(
        Claim(
            f"{key}-{one.id}", one.id, one.number, client.id, client.name, "standard", 1, 1, "Rappel", 1, 0, "c",
            one.residual, one.currency,
        )
        for one in invoices
    )  # fmt: skip
    numbers = ", ".join(one.number for one in invoices)
    return Outgoing(
        key=key,
        claims=claims,
        channel="mail",
        origin="automatic",
        client=client.id,
        message_id=message_id(key, SENDER.email),
        day=TODAY,
        sent_at=datetime(2026, 11, 21, 9, tzinfo=ZoneInfo("Europe/Paris")),
        sender=SENDER,
        to=tuple(Address("", one) for one in to),
        cc=(),
        bcc=tuple(Address("", one) for one in bcc),
        subject=f"Facture {numbers} : rappel",
        text="Bonjour,\nmerci de régler vos factures.",
        html=html,
        attachments=tuple(attachments),
        mime=b"",
    )


def invoice(identifier: str, client: str = "8") -> Invoice:
    """An open invoice."""
    return Invoice(
        identifier, f"FAC/{identifier}", client, "open", TODAY, TODAY, Decimal("120.00"), Decimal("120.00"), "EUR"
    )


class ScriptedOdoo:
    """Answers ``model.method`` from a script of functions (ids, named arguments); notes every call."""

    def __init__(self, script: dict[str, Callable[..., Any]], version: int = 18) -> None:
        self.script = script
        self.version = version
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        self.calls.append(f"{model}.{method}")
        self.asked.append({"ids": ids, **named})
        return self.script[f"{model}.{method}"](ids, **named)
