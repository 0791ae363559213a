"""Reminders as messages on their invoices: Odoo mails them, keeps them, and says what became of them.

A message is posted as an internal note, which Odoo mails to the people named and to no follower.
"""

from __future__ import annotations

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final, Literal, NamedTuple

from relance_addon.connectors.odoo.faults import NotDone
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing, Posted

# The usual layout tells the reader that this is internal; the light one does not.
_LAYOUT: Final = "mail.mail_notification_light"
_CONTEXT: Final = {"mail_notify_author": True, "mail_create_nosubscribe": True}
_HTML_IS_SAID: Final = 17
"""From this version on Odoo escapes a body that is not said to be HTML."""
_COPIES_SEEN: Final = 19
"""From this version on every recipient sees the others."""


class Trace(NamedTuple):
    """What Odoo has of a Message-ID: ``silent`` means that it is there but was made out to nobody."""

    state: Literal["sent", "queued", "failed", "silent"]
    error: str = ""


class _Try(NamedTuple):
    """One attempt. ``asked``: Odoo may have the message. ``certain``: what went wrong kept it from being posted.

    ``stops``: the messages after it would meet the same. ``skipped``: nothing was attempted.
    """

    error: str = ""
    asked: bool = True
    certain: bool = False
    stops: bool = False
    skipped: bool = False


def post(transport: Transport, messages: Sequence[Outgoing]) -> list[Posted]:
    """Post each message on its first invoice and note it on its others; one outcome each, in order."""
    try:
        partners = _partners(transport, messages)
    except HostError as error:
        return [Posted(message.key, "failed", str(error), tried=False) for message in messages]
    tries: list[_Try] = []
    broken = ""
    for message in messages:
        ids, problem = _recipients(message, partners, transport.version)
        problem = broken or problem
        attempt = _Try(problem, asked=False, skipped=bool(broken)) if problem else _try(transport, message, ids)
        if attempt.stops:
            broken = f"not tried, because another message met: {attempt.error}"
        tries.append(attempt)
    asked = [message.message_id for message, attempt in zip(messages, tries, strict=True) if attempt.asked]
    try:
        traces: Mapping[str, Trace] | None = look_up(transport, asked) if asked else {}
    except HostError:
        traces = None
    posted = [_settle(message, attempt, traces) for message, attempt in zip(messages, tries, strict=True)]
    return _note(transport, messages, posted)


def look_up(transport: Transport, message_ids: Sequence[str]) -> dict[str, Trace]:
    """What Odoo has of these Message-IDs, all of them asked for at once; one that it does not have is left out."""
    rows = transport.call(
        "mail.message",
        "search_read",
        domain=[("message_id", "in", list(message_ids))],
        fields=["message_id"],
        order="id",
    )
    if not rows:
        return {}
    wanted = {row["id"]: row["message_id"] for row in rows}
    notifications = transport.call(
        "mail.notification",
        "search_read",
        domain=[("mail_message_id", "in", list(wanted))],
        fields=["mail_message_id", "res_partner_id", "notification_status", "failure_type", "failure_reason"],
        order="id",
    )
    by_message: dict[str, list[Mapping[str, Any]]] = {message_id: [] for message_id in wanted.values()}
    for row in notifications:
        by_message[wanted[row["mail_message_id"][0]]].append(row)
    return {message_id: _trace(found) for message_id, found in by_message.items()}


def _trace(notifications: Iterable[Mapping[str, Any]]) -> Trace:
    by_status: dict[str, list[str]] = defaultdict(list)
    for row in notifications:
        partner = row["res_partner_id"][1] if row["res_partner_id"] else ""
        reason = row["failure_reason"] or row["failure_type"] or row["notification_status"]
        by_status[row["notification_status"]].append(f"{partner}: {reason}")
    failed = "; ".join(by_status.pop("exception", []) + by_status.pop("canceled", []))
    if not by_status:
        return Trace("failed", failed) if failed else Trace("silent")
    # One that bounced has left, and came back.
    left = not by_status.keys().isdisjoint({"sent", "bounce"})
    return Trace("sent" if left else "queued", failed)


def _partners(transport: Transport, messages: Iterable[Outgoing]) -> dict[str, list[dict[str, Any]]]:
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


def _recipients(message: Outgoing, partners: Mapping[str, list[dict[str, Any]]], version: int) -> tuple[list[int], str]:
    """The partners to write to, or what is in the way. Odoo sends each of them a mail of their own."""
    if message.channel != "mail":
        return [], "activities are not made in Odoo yet"
    if message.recipients[2] and version >= _COPIES_SEEN:
        return [], "Odoo 19 shows every recipient to the others: no bcc"
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


def _try(transport: Transport, message: Outgoing, partners: Sequence[int]) -> _Try:
    try:
        attachments = _attach(transport, message)
    except HostError as error:
        return _Try(str(error), asked=False, stops=isinstance(error, Unreachable))
    arguments = _arguments(transport, message)
    try:
        transport.call(
            "account.move",
            "message_post",
            [int(message.invoices[0])],
            partner_ids=list(partners),
            attachment_ids=attachments,
            **arguments,
        )
    except (Refused, NotDone) as error:
        return _Try(str(error), certain=True)
    except HostError as error:
        return _Try(str(error), stops=True)
    return _Try()


def _attach(transport: Transport, message: Outgoing) -> list[int]:
    if not message.attachments:
        return []
    # Files of a mail being written belong to no record; Odoo moves them to the invoice, or clears them away.
    values = [
        {
            "name": document.name,
            "mimetype": document.mime,
            "datas": b64encode(document.content).decode(),
            "res_model": "mail.compose.message",
            "res_id": 0,
        }
        for document in message.attachments
    ]
    found: list[int] = transport.call("ir.attachment", "create", vals_list=values)
    return found


def _arguments(transport: Transport, message: Outgoing) -> dict[str, Any]:
    sender = _header(message.sender)
    arguments = {
        "body": _body(message),
        "subject": message.subject,
        "message_type": "comment",
        "subtype_xmlid": "mail.mt_note",
        "message_id": message.message_id,
        "email_from": sender,
        "reply_to": sender,
        "email_layout_xmlid": _LAYOUT,
        "email_add_signature": False,
        "context": _CONTEXT,
    }
    if transport.version >= _HTML_IS_SAID:
        arguments["body_is_html"] = True
    return arguments


def _body(message: Outgoing) -> str:
    return message.html or "<p>" + escape(message.text).replace("\n", "<br>") + "</p>"


def _header(address: Address) -> str:
    name = address.name.replace("\\", "").replace('"', "")
    return f'"{name}" <{address.email}>' if name else address.email


def _settle(message: Outgoing, attempt: _Try, traces: Mapping[str, Trace] | None) -> Posted:
    """What became of a message, by what Odoo has of it rather than by what it answered."""
    if not attempt.asked:
        return Posted(message.key, "failed", attempt.error, tried=not attempt.skipped)
    if traces is None:
        return Posted(message.key, "in_doubt", attempt.error or "posted, but Odoo did not say what became of it")
    trace = traces.get(message.message_id)
    if trace is None:
        # After a broken connection Odoo may still be at work on it.
        return Posted(message.key, "failed" if attempt.certain else "in_doubt", attempt.error)
    if trace.state == "silent":
        return Posted(message.key, "failed", attempt.error or "Odoo wrote to nobody")
    return Posted(message.key, trace.state, trace.error)


def _note(transport: Transport, messages: Sequence[Outgoing], posted: list[Posted]) -> list[Posted]:
    """Note the messages that left on their other invoices, all at once. They carry no Message-ID of ours."""
    left = [one.state in ("sent", "queued") for one in posted]
    notes = [
        {
            "model": "account.move",
            "res_id": int(invoice),
            "message_type": "notification",
            "subject": message.subject,
            "body": _body(message),
            "email_from": _header(message.sender),
        }
        for message, gone in zip(messages, left, strict=True)
        for invoice in (message.invoices[1:] if gone else ())
    ]
    if not notes:
        return posted
    try:
        transport.call("mail.message", "create", vals_list=notes)
    except HostError as error:
        return [
            one._replace(error="; ".join(filter(None, (one.error, f"not noted on every invoice: {error}"))))
            if gone and len(message.invoices) > 1
            else one
            for message, one, gone in zip(messages, posted, left, strict=True)
        ]
    return posted
