"""What of a message is the same whichever way Odoo is asked to send it: its files, its body, its headers."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from email.parser import BytesHeaderParser
from html import escape
from typing import Any, Final, NamedTuple

from relance_addon.connectors.odoo.traces import Trace
from relance_addon.connectors.odoo.transport import Transport
from relance_addon.core.model import Address
from relance_addon.core.outgoing import Outgoing

# How the text of a mail has the links and the tables of its HTML.
_LINK: Final = re.compile(r"^(.+) &lt;(https?://\S+)&gt;$", re.MULTILINE)
_COLUMNS: Final = re.compile(r"(?<=\S) {2,}(?=\S)")

_NAME_IS_KEPT: Final = 18
"""Until this version a message keeps the name of its record."""


class Try(NamedTuple):
    """One attempt. ``asked``: Odoo may have the message. ``certain``: what went wrong kept it from being kept there.

    ``stops``: the messages after it would meet the same. ``skipped``: nothing was attempted. ``trace``: what Odoo has
    of it, where that was asked already.
    """

    error: str = ""
    asked: bool = True
    certain: bool = False
    stops: bool = False
    skipped: bool = False
    trace: Trace | None = None


def in_turn(messages: Sequence[Outgoing], attempt: Callable[[Outgoing], Try]) -> list[Try]:
    """One attempt after the other, up to one that stops: what comes after it is not tried."""
    tries: list[Try] = []
    broken = ""
    for message in messages:
        tries.append(Try(broken, asked=False, skipped=True) if broken else attempt(message))
        if tries[-1].stops and not broken:
            broken = f"not tried, because another message met: {tries[-1].error}"
    return tries


def attach(transport: Transport, messages: Sequence[Outgoing], on_invoice: bool) -> dict[str, list[int]]:
    """Put the files of all messages into Odoo in one call: their ids, by message key. Raises HostError.

    ``on_invoice``: they belong to the message's first invoice from the start. Otherwise to no record, as files of a
    mail being written: Odoo moves them to the invoice, or clears them away.
    """
    values: list[dict[str, Any]] = []
    keys: list[str] = []
    for message in messages:
        model, number = ("account.move", int(message.invoices[0])) if on_invoice else ("mail.compose.message", 0)
        for document in message.attachments:
            content = b64encode(document.content).decode()
            values.append(
                {
                    "name": document.name,
                    "mimetype": document.mime,
                    "datas": content,
                    "res_model": model,
                    "res_id": number,
                }
            )
            keys.append(message.key)
    found: dict[str, list[int]] = {message.key: [] for message in messages}
    if values:
        for key, made in zip(keys, transport.call("ir.attachment", "create", vals_list=values), strict=True):
            found[key].append(made)
    return found


def body(message: Outgoing) -> str:
    """The message as HTML."""
    return message.html or paragraphs(message.text)


def paragraphs(text: str) -> str:
    """Text as the plainest HTML. Odoo cleans up whatever stands on a record, which takes long for a mail's tables."""
    found = (_LINK.sub(r'<a href="\2">\1</a>', escape(part.strip("\n"))) for part in re.split(r"\n{2,}", text.strip()))
    return "".join(f"<p>{_COLUMNS.sub(' · ', part)}</p>" for part in found).replace("\n", "<br>")


def named(name: str, version: int) -> dict[str, str]:
    """What a message is about by its name. Odoo to 18 otherwise works it out record by record: half of its time."""
    return {"record_name": name} if version <= _NAME_IS_KEPT else {}


def header(address: Address) -> str:
    """An address as it stands in a header."""
    name = address.name.replace("\\", "").replace('"', "")
    return f'"{name}" <{address.email}>' if name else address.email


def references(message: Outgoing) -> str:
    """The Message-IDs of the earlier reminders, as the message itself names them."""
    head = message.mime.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    return " ".join(str(BytesHeaderParser().parsebytes(head + b"\n\n").get("References", "")).split())
