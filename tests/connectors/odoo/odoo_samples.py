"""Messages to post, and an Odoo in memory: its post office, which mails. Its books are in ``odoo_books``."""

from __future__ import annotations

from ast import literal_eval
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from email.utils import getaddresses
from typing import Any
from zoneinfo import ZoneInfo

from relance_addon.connectors.odoo.traces import bare
from relance_addon.core.errors import Refused
from relance_addon.core.keys import message_id
from relance_addon.core.model import Address, Client, Invoice
from relance_addon.core.outgoing import Claim, Document, Outgoing
from relance_addon.hosts.conformance import Arrived

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


def copy_for(mail: Mapping[str, Any]) -> str:
    """Whom a copy of a message (mail.mail) is for."""
    return bare(mail["email_to"] or mail["email_cc"])


def seen_in(mail: Mapping[str, Any]) -> set[str]:
    """The addresses that a copy of a message (mail.mail) shows."""
    headers = literal_eval(mail["headers"] or "{}")
    heads = [headers.get("X-Forge-To", mail["email_to"] or ""), headers.get("Cc", mail["email_cc"] or "")]
    return {email for _, email in getaddresses(heads)}


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
                "ir.attachment.create": self.attach,
                "account.move.message_post": self.post,
                "account.move.activity_schedule": self.schedule,
                "mail.activity.search_read": lambda ids, **named: self.to_dos,
                "mail.message.search_read": self.messages,
                "mail.message.create": self.note,
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
        self.files: dict[int, dict[str, Any]] = {}
        self.notes: list[dict[str, Any]] = []
        self.status = "sent"
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    def another(self) -> PostOffice:
        self.others.append(PostOffice(self.version, self.system))
        return self.others[-1]

    def keep(self, kind: str, message_id: str, **more: Any) -> int:
        number = 100 + len(self.kept)
        self.kept[number] = {
            "id": number, "message_id": message_id, "message_type": kind, "date": "2026-11-21 08:00:00", "body": "",
            **more,
        }  # fmt: skip
        return number

    def attach(self, ids: None, vals_list: list[dict[str, Any]]) -> list[int]:
        made = [50 + len(self.files) + n for n in range(len(vals_list))]
        self.files.update(zip(made, vals_list, strict=True))
        return made

    def note(self, ids: None, vals_list: list[dict[str, Any]]) -> list[int]:
        self.notes += vals_list
        return [90 + n for n in range(len(vals_list))]

    def arrived(self, message: Outgoing) -> Arrived:
        """What came of a message or a to-do."""
        if message.channel != "mail":
            return Arrived(
                invoices={str(one) for row in self.to_dos if message.key in row["note"] for one in row["ids"]}
            )
        kept = [row for row in self.kept.values() if row["message_id"] == message.message_id]
        noted = [row for row in self.notes if row["message_id"].endswith(message.message_id[1:])]
        places = {str(row["res_id"]) for row in (*kept, *noted) if row["model"] == "account.move"}
        mails = [row for row in self.mails if row["message_id"] == message.message_id]
        people = [copy_for(row) for row in mails]
        people += [one["email_normalized"] for row in kept for one in self.partners if one["id"] in row["partners"]]
        shown = {email for row in mails for email in seen_in(row)}
        files = {file["name"]: b64decode(file["datas"]) for file in map(self.files.__getitem__, kept[0]["files"])}
        return Arrived(people, shown, files, places)

    def post(self, ids: list[int], **named: Any) -> list[int]:
        self.before()
        about = {"model": "account.move", "res_id": ids[0]}
        more = {"partners": named["partner_ids"], "files": named["attachment_ids"]}
        number = self.keep("comment", named["message_id"], **about, **more)
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
        kind = "email" if self.version == 16 else "email_outgoing"
        files = [int(one) for one in given.get("attachment_ids/.id", "").split(",") if one]
        more = {"partners": [], "files": files or given.get("attachment_ids", [])}
        message = self.keep(kind, given["message_id"], model=given["model"], res_id=given["res_id"], **more)
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
