"""Messages to post, and an Odoo in memory: its post office, which mails. Its books are in ``odoo_books``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.core.errors import Refused
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
        self.carrier = "jsonrpc"
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []

    def call(self, model: str, method: str, ids: Sequence[int] | None = None, /, **named: Any) -> Any:
        self.calls.append(f"{model}.{method}")
        self.asked.append({"ids": ids, **named})
        return self.script[f"{model}.{method}"](ids, **named)


PARTNERS = [
    {"id": 8, "email_normalized": "both@dupont.test", "commercial_partner_id": 8, "type": "contact"},
    {"id": 9, "email_normalized": "both@dupont.test", "commercial_partner_id": 8, "type": "invoice"},
    {"id": 7, "email_normalized": "both@dupont.test", "commercial_partner_id": 7, "type": "contact"},
    {"id": 12, "email_normalized": "sales@acme.test", "commercial_partner_id": 12, "type": "contact"},
]


class PostOffice(ScriptedOdoo):
    """An Odoo that mails what it is given, as ``version`` does; ``before`` and ``after`` may raise, ``status`` refuse.

    ``kept`` are the messages by id, ``copies`` what became of them, ``mailed`` who was sent a message with that id.
    ``others`` are the connections besides, as if to an Odoo each.
    """

    def __init__(self, version: int = 18, system: bool = False) -> None:
        super().__init__(
            {
                "res.partner.search_read": lambda ids, **named: self.partners,
                "res.partner.read": lambda ids, **named: [one for one in self.partners if one["id"] in ids],
                "res.users.search_read": lambda ids, **named: [{"id": 2, "login": "anne", "email": "anne@acme.test"}],
                "ir.attachment.create": lambda ids, vals_list: [50 + n for n in range(len(vals_list))],
                "account.move.message_post": self.post,
                "account.move.activity_schedule": self.schedule,
                "mail.activity.search_read": lambda ids, **named: self.to_dos,
                "mail.message.search_read": self.messages,
                "mail.message.create": lambda ids, vals_list: [90 + n for n in range(len(vals_list))],
                "mail.notification.search_read": lambda ids, **named: [
                    row for row in self.notifications if row["mail_message_id"][0] in named["domain"][0][2]
                ],
                "mail.mail.search_count": self.count,
                "mail.mail.load": self.load,
                "mail.mail.send": self.send,
                "mail.mail.search_read": lambda ids, **named: [
                    row for row in self.mails if row["mail_message_id"][0] in named["domain"][0][2]
                ],
                "mail.mail.read": lambda ids, **named: [row for row in self.mails if row["id"] in ids],
                "mail.template.send_mail": self.by_template,
            },
            version,
        )
        self.system = system
        self.others: list[PostOffice] = []
        self.partners = PARTNERS
        self.kept: dict[int, dict[str, Any]] = {}
        self.names: dict[str, int] = {}
        self.notifications: list[dict[str, Any]] = []
        self.mails: list[dict[str, Any]] = []
        self.to_dos: list[dict[str, Any]] = []
        self.mailed: list[tuple[str, str]] = []
        self.status = "sent"
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def another(self) -> PostOffice:
        self.others.append(PostOffice(self.version, self.system))
        return self.others[-1]

    def keep(self, kind: str, message_id: str) -> int:
        number = 100 + len(self.kept)
        self.kept[number] = {
            "id": number, "message_id": message_id, "message_type": kind, "date": "2026-11-21 08:00:00", "body": "",
        }  # fmt: skip
        return number

    def post(self, ids: list[int], **named: Any) -> list[int]:
        self.before()
        number = self.keep("comment", named["message_id"])
        for partner in named["partner_ids"]:
            self.mailed.append((named["message_id"], str(partner)))
            self.notifications.append(
                {
                    "mail_message_id": [number, "x"],
                    "res_partner_id": [partner, f"partner {partner}"],
                    "notification_status": self.status,
                    "failure_type": "unknown",
                    "failure_reason": "550 no such user",
                }
            )
        self.after()
        return [number]

    def count(self, ids: None, **named: Any) -> int:
        if not self.system:
            raise Refused("the user lacks rights")
        return 0

    def load(self, ids: None, fields: list[str], data: list[list[Any]]) -> dict[str, Any]:
        self.before()
        made = []
        for row in data:
            given = dict(zip(fields, row, strict=True))
            if "@" not in given["email_to"] + given["email_cc"]:
                return {"ids": False, "messages": [{"message": "a broken address"}]}
            if given["id"] not in self.names:
                self.names[given["id"]] = self.mail(given)
            made.append(self.names[given["id"]])
        return {"ids": made, "messages": []}

    def mail(self, given: dict[str, Any]) -> int:
        message = self.keep("email" if self.version == 16 else "email_outgoing", given["message_id"])
        number = 500 + len(self.mails)
        self.mails.append(
            {
                **given,
                "id": number,
                "mail_message_id": [message, "x"],
                "state": "outgoing",
                "failure_reason": False,
                "date": "2026-11-21 08:00:00",
            }
        )
        return number

    def send(self, ids: list[int], **named: Any) -> None:
        for row in self.mails:
            if row["id"] in ids and row["state"] == "outgoing":
                row["state"] = self.status
                if self.status == "sent":
                    self.mailed.append((row["message_id"], row["email_to"] or row["email_cc"]))
                else:
                    row["failure_reason"] = "550 no such user"
        self.after()

    def by_template(self, ids: list[int], **named: Any) -> int:
        self.before()
        return self.mail(named["email_values"])

    def schedule(self, ids: list[int], **named: Any) -> list[int]:
        self.before()
        self.to_dos.append({"id": len(self.to_dos), "note": named["note"], "ids": ids})
        self.after()
        return [len(self.to_dos)]

    def messages(self, ids: None, **named: Any) -> list[dict[str, Any]]:
        wanted = [one[2] for one in named["domain"] if one[0] == "message_id"]
        return [row for row in self.kept.values() if wanted and row["message_id"] in wanted[0]]

    def posted(self) -> dict[str, Any]:
        return self.asked[self.calls.index("account.move.message_post")]
