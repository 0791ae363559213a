"""The log: reminders and what became of them, as data, as CSV, and the exact message."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from relance_addon.core.errors import InputError
from relance_addon.core.names import plain_cell
from relance_addon.core.records import SEVERITY, Entry, Exact, Hold
from relance_addon.core.toml import nearest
from relance_addon.operations import find
from relance_addon.operations.desk import Desk


def entries(
    desk: Desk, host: str, search: str = "", event: str = "", since: date | None = None, invoice: str = ""
) -> list[Entry]:
    """The reminders of a host, the newest first."""
    if event and event not in SEVERITY:
        raise InputError(
            f"--event: unknown event {event!r}{nearest(event, SEVERITY) or '; known: ' + ', '.join(SEVERITY)}"
        )
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import log

    return log.entries(host, search, event, since, invoice)


def item(desk: Desk, one: Entry) -> dict[str, Any]:
    """One reminder as the contract's JSON has it, its times in the company's time zone."""
    row = one._asdict() | {"date": one.date.isoformat()}
    for key in ("sent_at", "last_event_at"):
        row[key] = when(desk, row[key])
    for key in ("redirected_to", "error", "override_reason"):
        if not row[key]:
            del row[key]
    return row


def exact(desk: Desk, host: str, key: str) -> bytes:
    """The exact message of a key. Raises InputError when there is none."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import claims

    content = claims.mime(host, key)
    if content is None:
        raise InputError(f"no message {key!r} on {host}; the log has their keys as message_key")
    return content


def described(desk: Desk, host: str, key: str) -> list[dict[str, Any]]:
    """The reminders of one message, with its hash, its attachments and its events. Raises InputError for none."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import log

    found = log.exact(host, [key])
    if key not in found:
        raise InputError(f"no message {key!r} on {host}; the log has their keys as message_key")
    return [item(desk, one) | content(desk, found[key]) for one in log.entries(host, message=key)]


def content(desk: Desk, one: Exact) -> dict[str, Any]:
    """What a message was made of and what became of it, as plain data."""
    return {
        "sha256": one.sha256,
        "size": len(one.mime),
        "attachments": [
            {key: attached[key] for key in ("name", "mime", "size", "sha256")} for attached in one.attachments
        ],
        "events": [
            {"event": event, "at": when(desk, at), "recipient": recipient, "detail": detail}
            for _, event, at, recipient, detail in one.events
        ],
        **({"reason": one.reason} if one.reason else {}),
    }


def when(desk: Desk, at: datetime) -> str:
    """A time in the company's time zone."""
    return at.astimezone(desk.config.zone).isoformat(timespec="seconds")


def holds(desk: Desk, host: str, invoice: str) -> list[Hold]:
    """All holds there ever were of an invoice (a number, or ``id:…``) and of its client, the oldest first.

    Raises InputError for an invoice that nobody knows.
    """
    from relance_addon.journal import holds

    concerned = {(one.client, one.id) for one in _known(desk, host, invoice)}
    found = {hold.number: hold for client, key in concerned for hold in holds.of(host, client, key)}
    return [found[number] for number in sorted(found)]


class Known(NamedTuple):
    """An invoice that the journal knows, of a reminder or as last pulled; or that the host alone knows any more."""

    id: str
    number: str
    client: str
    client_name: str


def known(desk: Desk, host: str, invoice: str) -> Known:
    """The invoice of a number, or of ``id:…``. Raises InputError for none, or several."""
    return find.only(_known(desk, host, invoice), host, invoice)


def _known(desk: Desk, host: str, invoice: str) -> list[Known]:
    from relance_addon.journal import ledger, log

    sent = {
        one.invoice: Known(one.invoice, one.number, one.client, one.client_name)
        for one in log.entries(host, invoice=invoice)
    }
    pulled = [one for one in ledger.find_invoice(host, invoice) if one.id not in sent]
    if not sent and not pulled:
        pulled = [find.invoice(desk, host, invoice)]
    clients = ledger.clients(host) if pulled else {}
    names = {key: client.name for key, client in clients.items()}
    return [
        *sent.values(), *(Known(one.id, one.number, one.client, names.get(one.client, "")) for one in pulled)
    ]  # fmt: skip


def save_csv(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Write items as CSV; cells that a spreadsheet would compute are neutralised."""
    headers = [
        "date", "sent_at", "invoice", "number", "client", "client_name", "program", "step", "step_name", "origin",
        "channel", "subject", "sender", "to", "cc", "bcc", "redirected_to", "last_event", "last_event_at", "key",
        "message_key", "message_id",
    ]  # fmt: skip
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(headers)
            writer.writerows([[_cell(row.get(key)) for key in headers] for row in rows])
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _cell(value: Any) -> str:
    text = "" if value is None else "; ".join(value) if isinstance(value, list) else str(value)
    return plain_cell(text)
