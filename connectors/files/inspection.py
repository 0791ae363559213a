"""What ``relance check`` and ``relance mapping`` show of a folder."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final, cast

from relance_addon.connectors.files import disk, values
from relance_addon.connectors.files.folder import inside
from relance_addon.connectors.files.opened import KINDS
from relance_addon.connectors.files.reading import Ledger
from relance_addon.connectors.files.table import Table
from relance_addon.hosts import mapping
from relance_addon.hosts.port import Finding, Kind, MappedField

_SAMPLES: Final = 3
_LOOKED_AT: Final = 1000


def check(opened: Callable[[], Ledger], outbox: Path, today: date) -> list[Finding]:
    """Findings on the files, their lines and the outbox. Raises InputError for a file that cannot be used at all."""
    ledger = opened()
    findings = [
        Finding("ok", table.shown, f"{len(table.columns)} columns, separated by {_NAMES[table.delimiter]}")
        for table in ledger.opened.tables.values()
    ]
    findings += _lines(ledger, today)
    findings.append(_writable(outbox))
    return findings


_NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}


def _lines(ledger: Ledger, today: date) -> Iterator[Finding]:
    counts: Counter[str] = Counter()
    clients = 0
    for page in ledger.pages(today):
        counts.update(invoice.status for invoice in page.invoices)
        clients += len(page.clients)
        for problem in page.problems:
            text = f"{problem.key}: {problem.text}" if problem.key else problem.text
            yield Finding("error", problem.where, text, "mend the line; the others are used")
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items())) or "none of them owed"
    yield Finding("ok", "invoices", f"{len(ledger.index())} in all: {told}")
    yield Finding("ok", "clients", f"{clients}" + (" of the invoices' own columns" if ledger.opened.derived else ""))
    if ledger.opened.settles:
        yield Finding("ok", "status", "by the date of settlement, as there is no column for it")


def _writable(outbox: Path) -> Finding:
    folder = outbox if outbox.is_dir() else outbox.parent
    probe = folder / f".relance-{os.getpid()}.tmp"
    try:
        if outbox.exists() and not outbox.is_dir():
            raise NotADirectoryError(20, "it is a file")
        disk.write(probe, b"")
    except OSError as error:
        return Finding("error", "outbox", f"{outbox} cannot be written: {error.strerror}", "make the folder writable")
    disk.remove(probe)
    return Finding("ok", "outbox", f"{outbox} can be written")


def fields(ledger: Ledger) -> list[MappedField]:
    """Every field of every kind: where it comes from, and values as they are read."""
    found: list[MappedField] = []
    for kind in KINDS.values():
        found += _fields(ledger, kind, ledger.opened.table_of(kind), ledger.opened.sources[kind])
    return found


def _otherwise(ledger: Ledger, kind: str, field: str) -> str:
    """What a field is without a column, where that is not simply nothing."""
    known = {
        ("invoice", "number"): "the id",
        ("invoice", "status"): "open, until the date of settlement" if ledger.opened.settles else "open",
        ("invoice", "total"): "the residual",
        ("invoice", "currency"): ledger.opened.surroundings.currency,
        ("client", "name"): "the id",
        ("instalment", "amount"): "the residual",
    }
    return f"by default: {known[kind, field]}" if (kind, field) in known else ""


def _fields(
    ledger: Ledger, kind: str, table: Table | None, sources: dict[str, mapping.Source]
) -> Iterator[MappedField]:
    names = tuple(sources)
    samples: dict[str, dict[str, None]] = {name: {} for name in names}
    problems: dict[str, str] = {}
    if table is not None:
        pick = mapping.columns(sources, table.columns, names)
        parsers = _parsers(ledger, kind)
        for _, row, error in islice(table.records(), _LOOKED_AT):
            if error:
                continue
            for field, text in zip(names, pick(row), strict=False):
                if len(samples[field]) < _SAMPLES and text.strip():
                    samples[field][_shown(parsers.get(field), text, field, problems)] = None
    for field in names:
        source = sources[field]
        has = table is not None and (source.value is not None or any(path in table.columns for path in source.paths))
        text = f"{source.text} ({table.shown})" if table is not None and source.paths else source.text
        if not has:
            text = _otherwise(ledger, kind, field) if table is not None else ""
        yield MappedField(cast(Kind, kind), field, text, tuple(samples[field]), problems.get(field, ""))


def _parsers(ledger: Ledger, kind: str) -> dict[str, Callable[[str], Any]]:
    parsers = ledger.parsers
    days: dict[str, Callable[[str], Any]] = dict.fromkeys(
        ("issue_date", "due_date", "settled_date"), parsers.day.__getitem__
    )
    amounts = dict.fromkeys(("total", "residual", "amount"), parsers.amount)
    return {
        **days,
        **amounts,
        "hold_until": parsers.hold.__getitem__,
        "status": parsers.status.__getitem__,
        "currency": parsers.currency.__getitem__,
        "salesperson": parsers.person.__getitem__,
        "payment_link": values.link,
        "pdf": inside,
        "credit": parsers.credit,
        **({"email": values.email} if kind in ("client", "contact") else {}),
    }


def _shown(parse: Callable[[str], Any] | None, text: str, field: str, problems: dict[str, str]) -> str:
    if parse is None:
        return " ".join(text.split())
    try:
        value = parse(text)
    except ValueError as error:
        problems.setdefault(field, str(error))
        return " ".join(text.split())
    if isinstance(value, date):
        return "always" if value == date.max else value.isoformat()
    if isinstance(value, dict):
        return " + ".join(f"{amount} {currency}" for currency, amount in value.items())
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
