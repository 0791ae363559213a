"""The evidence about one invoice in one file: what was sent, what became of it, what was agreed.

The same data make the same bytes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from relance_addon.core.amounts import amount
from relance_addon.core.errors import InputError
from relance_addon.core.records import Entry, Exact, Hold
from relance_addon.operations import hold, log, page
from relance_addon.operations.desk import Desk

_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Before this no zip file can date anything."""


def save(desk: Desk, host: str, invoice: str, path: Path) -> None:
    """Write the archive of one invoice (a number, or ``id:…``). Raises InputError for none, or an unwritable file."""
    files = archive(desk, host, invoice)
    try:
        path.write_bytes(files)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def archive(desk: Desk, host: str, invoice: str) -> bytes:
    """The zip file: the timeline as JSON and as a page, every message as it left, and the hash of each file."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import log as journal

    one = log.known(desk, host, invoice)
    sent = journal.entries(host, invoice=f"id:{one.id}")[::-1]
    messages = journal.exact(host, [entry.message_key for entry in sent])
    document = _document(desk, host, one, sent, messages)
    newest = document["timeline"][-1]["at"] if document["timeline"] else ""
    files = {
        "timeline.json": (json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n", newest),
        "timeline.html": (page.timeline(desk, document).encode(), newest),
    }
    for entry in sent:
        if messages[entry.message_key].mime:
            files[_file(entry)] = messages[entry.message_key].mime, log.when(desk, entry.sent_at)
    manifest = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, (content, _) in sorted(files.items()))
    return _zipped({**files, "MANIFEST": (manifest.encode(), newest)})


def _document(
    desk: Desk, host: str, one: log.Known, sent: list[Entry], messages: Mapping[str, Exact]
) -> dict[str, Any]:
    moments = [*_reminders(desk, one.id, sent, messages), *_holds(desk, log.holds(desk, host, f"id:{one.id}"))]
    return {
        "schema": "relance.archive/1",
        "host": host,
        "invoice": one._asdict(),
        "timeline": sorted(moments, key=lambda moment: datetime.fromisoformat(str(moment["at"]))),
        "plan": _plan(host, one.id),
    }


def _reminders(desk: Desk, key: str, sent: list[Entry], messages: Mapping[str, Exact]) -> Iterator[dict[str, Any]]:
    for entry in sent:
        message = messages[entry.message_key]
        asked, currency = message.asked[key]
        told = log.content(desk, message)
        events = told.pop("events")
        about = {"message_key": entry.message_key, "subject": entry.subject}
        yield {
            "at": log.when(desk, entry.sent_at),
            "kind": "reminder",
            **log.item(desk, entry),
            "asked": amount(asked, currency),
            "currency": currency,
            "file": _file(entry) if message.mime else None,
            **told,
        }
        for event in events:
            yield {"at": event["at"], "kind": "event", **about, **event}


def _holds(desk: Desk, holds: list[Hold]) -> Iterator[dict[str, Any]]:
    for one in holds:
        told = hold.item(desk, one)
        for key, became in (("made_at", "made"), ("kept_at", "kept"), ("broken_at", "broken"), ("lifted_at", "lifted")):
            if told[key]:
                yield {"at": told[key], "kind": "hold", "became": became, "hold": told}


def _plan(host: str, invoice: str) -> dict[str, Any] | None:
    """What was changed by hand of the invoice's plan, as it is now."""
    from relance_addon.journal import history

    plan = history.adaptation(host, invoice)
    return (
        None if plan is None else {**asdict(plan), "dropped": sorted(plan.dropped), "changes": _changes(plan.changes)}
    )


def _changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for step, change in sorted(changes.items()):
        kept = {key: getattr(change, key) for key in ("sender", "to", "cc", "bcc") if getattr(change, key) is not None}
        told[step] = {**({"date": change.date.on.isoformat()} if change.date else {}), **kept}
    return told


def _file(entry: Entry) -> str:
    return f"messages/{entry.date}-{entry.message_key}.eml"


def _zipped(files: Mapping[str, tuple[bytes, str]]) -> bytes:
    """Stored as they are, in order of their names: what packs bytes differs from one machine to the next."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for name, (content, at) in sorted(files.items()):
            info = zipfile.ZipInfo(name, max(_EARLIEST, _date_time(at)))
            info.create_system, info.external_attr = 3, 0o644 << 16
            target.writestr(info, content)
    return written.getvalue()


def _date_time(at: str) -> tuple[int, int, int, int, int, int]:
    if not at:
        return _EARLIEST
    moment = datetime.fromisoformat(at)
    return moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second
