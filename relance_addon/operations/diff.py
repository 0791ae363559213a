"""Diff: what applying a file of programs would change in the reminders planned for the invoices as last pulled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from relance_addon.core.decide import Decider
from relance_addon.core.diff import Difference, differences
from relance_addon.core.model import Client, Invoice
from relance_addon.core.records import Applied
from relance_addon.operations import programs, simulate
from relance_addon.operations.desk import Desk
from relance_addon.operations.memory import paused_collection


@dataclass(frozen=True, slots=True)
class Row:
    """One planned reminder that differs."""

    host: str
    invoice: Invoice
    client: Client
    difference: Difference

    def as_dict(self) -> dict[str, Any]:
        """Plain data: ``before`` and ``after`` are the dates, as simulations show them; None where there is none."""
        found = self.difference
        row: dict[str, Any] = {
            "host": self.host,
            "invoice": self.invoice.id,
            "number": self.invoice.number,
            "client": self.client.id,
            "client_name": self.client.name,
            "instalment": found.planned.instalment,
            "step_name": found.planned.step.name,
            "change": found.change,
            "fields": list(found.fields),
        }
        for key, one in (("before", found.before), ("after", found.after)):
            row[key] = one.date.isoformat() if one else None
            row[f"program_{key}"] = one.program.name if one else None
            row[f"version_{key}"] = one.program.version if one else None
        return row


@dataclass(frozen=True, slots=True)
class Diff:
    """What would be applied, and every planned reminder that differs."""

    applied: Sequence[Applied]
    rows: Sequence[Row]

    @property
    def counts(self) -> Counter[str]:
        """How many there are of each change."""
        return Counter(row.difference.change for row in self.rows)


def diff(desk: Desk, path: Path, hosts: Sequence[str] = (), move: bool = False) -> Diff:
    """Compare the plans of these hosts (of all, by default) now with those after applying a file. Nothing is kept.

    ``move``: pinned plans move to the new version. Raises InputError as ``apply`` does.
    """
    for host in hosts:
        desk.config.host(host)
    found = programs.read(desk, path)
    desk.open_journal()
    from relance_addon.journal import database, history
    from relance_addon.journal import programs as stored

    names = list(dict.fromkeys(hosts or desk.config.file.hosts))
    with database.journal_errors(), stored.trial():
        # applied for once and taken back: nobody can number versions, or move plans, in another way than apply does
        applied = stored.apply(found, desk.now(), move)
        book, plans = stored.book(), {host: history.adaptations(host) for host in names}
    rows: list[Row] = []
    with paused_collection():
        for host in names:
            state = simulate.load(desk, host)
            if not state.owed:
                desk.say(f"{host}: no unpaid invoice as last pulled")
            history_after = replace(state.history, adaptations=plans[host])
            before = Decider(state.clients, state.book, state.history, desk.today)
            after = Decider(state.clients, book, history_after, desk.today)
            rows += [Row(host, *one) for one in differences(state.invoices, state.clients, before, after)]
    return Diff(applied, rows)
