"""Reminders for a person: to-dos on the invoices, with a deadline. Their note ends with the message's key, the mark."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.errors import HostError, Refused
from relance_addon.core.outgoing import Outgoing, Posted

_MARK: Final = re.compile(r"relance ([\w-]+)")


def post(transport: Transport, messages: Sequence[Outgoing], kind: str) -> list[Posted]:
    """Make a to-do of the type ``kind`` on every invoice of each message: one call and one outcome each, in order."""
    try:
        there = find(transport, [message.key for message in messages])
        users = _users(transport, messages)
    except HostError as error:
        return [Posted(message.key, "failed", str(error), tried=False) for message in messages]
    outcomes: list[Posted] = []
    broken = ""
    for message in messages:
        if message.key in there:
            outcomes.append(Posted(message.key, "sent"))
        elif broken:
            outcomes.append(Posted(message.key, "failed", broken, tried=False))
        else:
            outcomes.append(_make(transport, message, kind, users))
            if outcomes[-1].state == "in_doubt":
                broken = f"not tried, because another one met: {outcomes[-1].error}"
    return outcomes


def find(transport: Transport, keys: Sequence[str]) -> set[str]:
    """Those keys of which there is a to-do, or the trace that one leaves in the chatter when it is done."""
    found = _mentioned(transport, "mail.activity", "note", keys, context={"active_test": False})
    rest = [key for key in keys if key not in found]
    return found | (_mentioned(transport, "mail.message", "body", rest) if rest else set())


def _mentioned(transport: Transport, model: str, field: str, keys: Sequence[str], **more: Any) -> set[str]:
    about = ("res_model", "=", "account.move") if model == "mail.activity" else ("model", "=", "account.move")
    domain: list[Any] = [about, *["|"] * (len(keys) - 1), *((field, "ilike", _mark(key)) for key in keys)]
    rows = transport.call(model, "search_read", domain=domain, fields=[field], **more)
    return set(keys).intersection(key for row in rows for key in _MARK.findall(row[field] or ""))


def _mark(key: str) -> str:
    return f"relance {key}"


def _users(transport: Transport, messages: Sequence[Outgoing]) -> Mapping[str, int]:
    """Odoo's users by address or log-in, in lower case."""
    wanted = sorted(
        {address for message in messages for address in (message.sender.email, message.sender.email.lower())}
    )
    rows = transport.call(
        "res.users",
        "search_read",
        domain=["|", ("login", "in", wanted), ("email", "in", wanted)],
        fields=["login", "email"],
        order="id desc",
    )
    found: dict[str, int] = defaultdict(int)
    for row in rows:
        for name in (row["email"], row["login"]):
            if name:
                found[name.lower()] = row["id"]
    return found


def _make(transport: Transport, message: Outgoing, kind: str, users: Mapping[str, int]) -> Posted:
    user = users.get(message.sender.email.lower(), 0)
    # Without one, Odoo takes the user that the type of to-do is made out to, or ours.
    person = {"user_id": user} if user else {}
    text = escape(message.text).replace("\n", "<br>")
    try:
        transport.call(
            "account.move",
            "activity_schedule",
            [int(one) for one in message.invoices],
            act_type_xmlid=kind,
            date_deadline=message.day.isoformat(),
            summary=message.subject,
            note=f"<p>{text}</p><p>{_mark(message.key)}</p>",
            **person,
        )
    except Refused as error:
        return Posted(message.key, "failed", str(error))
    except HostError as error:
        return _after(transport, message, error)
    return Posted(message.key, "sent", "" if user else f"no user of Odoo has the address {message.sender.email}")


def _after(transport: Transport, message: Outgoing, error: HostError) -> Posted:
    try:
        if find(transport, [message.key]):
            return Posted(message.key, "sent")
    except HostError:
        pass
    return Posted(message.key, "in_doubt", str(error))
