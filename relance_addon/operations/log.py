"""The log: reminders and what became of them, as data, as CSV, and the exact message."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from relance_addon.core.errors import InputError
from relance_addon.core.names import plain_cell
from relance_addon.core.records import SEVERITY, Entry
from relance_addon.core.toml import nearest
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
        row[key] = row[key].astimezone(desk.config.zone).isoformat(timespec="seconds")
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
