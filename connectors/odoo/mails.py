"""Reminders as mails of Odoo's own post office: to any address, with our headers, kept on the invoice.

Each person gets a copy of their own under the one Message-ID: of a mail to several, Odoo does not say who was refused.
The copies of a batch are written in one call, which also claims their names (external ids, unique in Odoo), and are
committed before a second call sends them. What keeps that call from happening leaves them to Odoo's own mail queue.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from relance_addon.connectors.odoo.letters import Try, attach, body, header, in_turn, named, paragraphs, references
from relance_addon.connectors.odoo.traces import look_at
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused, Unreachable
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing
from relance_addon.hosts.faults import NotDone

CLAIMS: Final = "__relance__"
"""The module that the external ids of our mails belong to."""
_CC_IS_SHOWN_ONLY: Final = 17
"""From this version on a Cc among the headers is shown, and mailed to nobody."""
_FIELDS: Final = (
    "message_id", "model", "res_id", "subject", "body", "body_html", "email_from", "reply_to", "email_to", "email_cc",
    "headers",
    "references", "auto_delete", "attachment_ids/.id",
)  # fmt: skip


def post(transport: Transport, messages: Sequence[Outgoing], earlier: Mapping[str, int]) -> list[Try]:
    """Write and send messages with system rights; ``earlier`` counts what was left of failed attempts, by key."""
    try:
        files = attach(transport, messages, on_invoice=True)
    except HostError as error:
        return [Try(str(error), asked=False) for _ in messages]
    written: list[int] = []
    tries = _write(transport, messages, files, earlier, written)
    if not written:
        return tries
    trouble = _send(transport, written)
    try:
        traces = look_at(transport, written)
    except HostError:
        traces = {}
    return [
        one._replace(error=one.error or trouble, trace=traces.get(message.message_id))
        for message, one in zip(messages, tries, strict=True)
    ]


def _send(transport: Transport, mails: Sequence[int]) -> str:
    """Send mails that were written; what went wrong, if anything."""
    try:
        # Committed one by one: should Odoo break down, its queue has at most one to repeat.
        transport.call("mail.mail", "send", list(mails), auto_commit=True)
    except HostError as error:
        return str(error)
    return ""


def post_by_template(transport: Transport, messages: Sequence[Outgoing], template: int) -> list[Try]:
    """Have an empty mail template of Odoo's write the messages, which its queue sends: no system rights are needed."""
    return in_turn(messages, lambda message: _by_template(transport, message, template))


def _by_template(transport: Transport, message: Outgoing, template: int) -> Try:
    try:
        files = attach(transport, [message], on_invoice=True)[message.key]
    except HostError as error:
        return Try(str(error), asked=False, stops=isinstance(error, Unreachable))
    asked = False
    for values in copies(message, transport.version):
        try:
            transport.call(
                "mail.template",
                "send_mail",
                [template],
                res_id=int(message.invoices[0]),
                force_send=False,
                email_values={**values, "attachment_ids": files, "auto_delete": False},
            )
        except (Refused, NotDone) as error:
            return Try(str(error), asked=asked, certain=True, stops=isinstance(error, NotDone))
        except HostError as error:
            return Try(str(error), stops=True)
        asked = True
    return Try()


def copies(message: Outgoing, version: int) -> Iterator[dict[str, Any]]:
    """A mail for each recipient. All show the same To and Cc; blind copies show nothing of themselves.

    Only the first stands on the invoice, where one reminder is one line. The others stand on the client: what stands
    nowhere, Odoo lets nobody but its author send, and calls it a failure after it has gone.
    """
    to, cc, bcc = message.recipients
    shown = to if version >= _CC_IS_SHOWN_ONLY else (*to, *cc)
    people = list(dict.fromkeys((*to, *cc, *bcc)))
    sender, html, plain = header(message.sender), body(message), paragraphs(message.text)
    for rank, person in enumerate(people):
        headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}
        if len(people) > 1:
            headers["X-Forge-To"] = _list(shown)
        # Odoo mails to whoever stands in Cc as well as in To twice: a copy for one in Cc has no To but that header.
        copied = version >= _CC_IS_SHOWN_ONLY and person in cc and person not in to
        if cc and version >= _CC_IS_SHOWN_ONLY and not copied:
            headers["Cc"] = _list(cc)
        yield {
            "message_id": message.message_id,
            "model": "res.partner" if rank else "account.move",
            "res_id": int(message.client if rank else message.invoices[0]),
            "subject": message.subject,
            "body": plain,
            "body_html": html,
            "email_from": sender,
            "reply_to": sender,
            "email_to": "" if copied else header(person),
            "email_cc": header(person) if copied else "",
            "headers": repr(headers),
            "references": references(message),
            **named(message.claims[0].client_name if rank else message.claims[0].number, version),
        }


def _list(people: Sequence[Address]) -> str:
    return ", ".join(map(header, people))


def _write(
    transport: Transport,
    messages: Sequence[Outgoing],
    files: Mapping[str, list[int]],
    earlier: Mapping[str, int],
    written: list[int],
) -> list[Try]:
    """Write the copies of all messages, or each message by itself where one of them is refused."""
    rows = [row for message in messages for row in _rows(transport, message, files, earlier)]
    try:
        fields = ["id", *_FIELDS, *named("", transport.version)]
        answer = transport.call("mail.mail", "load", fields=fields, data=rows)
    except Refused as error:
        answer = {"ids": False, "messages": [{"message": str(error)}]}
    except HostError as error:
        return [Try(str(error), certain=isinstance(error, NotDone), stops=True) for _ in messages]
    if answer["ids"]:
        written += answer["ids"]
        return [Try() for _ in messages]
    if len(messages) > 1:
        return [
            one for message in messages for one in _write(transport, [message], files, earlier, written)
        ]  # fmt: skip
    text = "; ".join(str(one.get("message", one)) for one in answer["messages"])
    return [Try(" ".join(text.split()), certain=True)]


def _rows(
    transport: Transport, message: Outgoing, files: Mapping[str, list[int]], earlier: Mapping[str, int]
) -> Iterator[list[Any]]:
    for rank, values in enumerate(copies(message, transport.version)):
        own = {**values, "auto_delete": "0", "attachment_ids/.id": ",".join(map(str, files[message.key]))}
        name = f"{CLAIMS}.{message.key}-{earlier.get(message.key, 0)}-{rank}"
        yield [name, *(own[field] for field in (*_FIELDS, *named("", transport.version)))]
