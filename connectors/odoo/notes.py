"""Reminders as internal notes on their invoices, which Odoo mails to the people named and to no follower.

This needs no more than the right to see the invoice. Odoo writes to people it knows, and each gets a mail of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from relance_addon.connectors.odoo.letters import Try, attach, body, header, in_turn
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.faults import NotDone

# The usual layout tells the reader that this is internal; the light one does not.
_LAYOUT: Final = "mail.mail_notification_light"
# Odoo takes attachments for documents to update the invoice from: until 18 it writes below that it did not, from 19 on
# it reads them. By these it leaves them alone: until 18, and from 19 on.
_NOT_READ: Final = {"no_new_invoice": True, "disable_attachment_import": True}
_CONTEXT: Final = {"mail_notify_author": True, "mail_create_nosubscribe": True, **_NOT_READ}
_HTML_IS_SAID: Final = 17
"""From this version on Odoo escapes a body that is not said to be HTML."""
_COPIES_SEEN: Final = 19
"""From this version on every recipient sees the others."""

Partners = Mapping[str, Sequence[Mapping[str, Any]]]


def post(transport: Transport, messages: Sequence[Outgoing]) -> list[Try]:
    """Post each message on its first invoice. Raises HostError before anything was asked."""
    partners = _partners(transport, messages)
    return in_turn(messages, lambda message: _post(transport, message, partners))


def _partners(transport: Transport, messages: Iterable[Outgoing]) -> Partners:
    """Odoo's partners by address, in lower case."""
    wanted = sorted({one.email.lower() for message in messages for one in _everyone(message)})
    rows = transport.call(
        "res.partner",
        "search_read",
        domain=[("email_normalized", "in", wanted)],
        fields=["email_normalized", "commercial_partner_id", "type"],
        load="",
        order="id",
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        found[row["email_normalized"]].append(row)
    return found


def _everyone(message: Outgoing) -> list[Address]:
    to, cc, bcc = message.recipients
    return [*to, *cc, *bcc]


def _recipients(message: Outgoing, partners: Partners, version: int) -> tuple[list[int], str]:
    """The partners to write to, or what is in the way."""
    if message.recipients[2] and version >= _COPIES_SEEN:
        return [], "Odoo 19 shows every recipient of a note to the others: no bcc without the right to send mails"
    chosen = []
    for address in _everyone(message):
        known = partners.get(address.email.lower(), [])
        if not known:
            return [], f"no contact in Odoo has the address {address.email}: add it to one"
        best = min(
            known,
            key=lambda row: (str(row["commercial_partner_id"]) != message.client, row["type"] != "invoice", row["id"]),
        )
        chosen.append(best["id"])
    return list(dict.fromkeys(chosen)), ""


def _post(transport: Transport, message: Outgoing, partners: Partners) -> Try:
    ids, problem = _recipients(message, partners, transport.version)
    if problem:
        return Try(problem, asked=False)
    try:
        files = attach(transport, [message], on_invoice=False)[message.key]
    except HostError as error:
        return Try(str(error), asked=False, stops=isinstance(error, Unreachable))
    sender = header(message.sender)
    arguments: dict[str, Any] = {"body_is_html": True} if transport.version >= _HTML_IS_SAID else {}
    try:
        transport.call(
            "account.move",
            "message_post",
            [int(message.invoices[0])],
            partner_ids=ids,
            attachment_ids=files,
            body=body(message),
            subject=message.subject,
            message_type="comment",
            subtype_xmlid="mail.mt_note",
            message_id=message.message_id,
            email_from=sender,
            reply_to=sender,
            email_layout_xmlid=_LAYOUT,
            email_add_signature=False,
            context=_CONTEXT,
            **arguments,
        )
    except (Refused, NotDone) as error:
        return Try(str(error), certain=True, stops=isinstance(error, NotDone))
    except HostError as error:
        return Try(str(error), stops=True)
    return Try()
