"""A replay of the same ledger, beside what its lines say by themselves: dates compared as dates, spacing added up."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter

from relance_addon.operations.desk import Desk
from relance_addon.operations.replay import replay

from .ledger import HOST, SPACING, STEPS, day_of, prepared

Reminders = Counter[tuple[str, str, date]]


@dataclass(frozen=True)
class Replayed:
    """How long it took, the messages, and the reminders that are not those of the lines."""

    seconds: float
    messages: int
    reminders: int
    faults: Reminders


def replayed(data: Path, folder: Path, first: date, last: date) -> Replayed:
    """Replay the documented program from ``first`` to ``last`` on a copy of the ledger in ``folder``."""
    desk = Desk(prepared(data, folder).config, last + timedelta(days=1))
    before = perf_counter()
    made = replay(desk, HOST, "standard", (last - first).days + 1)
    seconds = perf_counter() - before
    found = Counter((invoice.number, one.step_name, one.day) for one in made.sent for invoice in one.invoices)
    wanted = expected(data, first, last)
    return Replayed(seconds, len(made.sent), found.total(), (found - wanted) + (wanted - found))


def expected(data: Path, first: date, last: date) -> Reminders:
    """What the lines say: a reminder so many days after the due date, then after the one before, until settled."""
    found: Reminders = Counter()
    with data.open(encoding="utf-8-sig", newline="") as file:
        for line in csv.DictReader(file):
            issued, settled, base = (day_of(line[name]) for name in ("InvoiceDate", "SettledDate", "DueDate"))
            for step, days in zip(STEPS, SPACING, strict=True):
                base = max(base + timedelta(days=days), issued, first)
                if base > last or base >= settled:
                    break
                found[line["invoiceNumber"], step, base] += 1
    return found
