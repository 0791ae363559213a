"""The unpaid invoices, one line per invoice or per client, with what was sent and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from relance_addon.core.decide import Decision
from relance_addon.core.errors import Busy
from relance_addon.core.model import Reminder
from relance_addon.operations import simulate, sync
from relance_addon.operations.desk import Desk


@dataclass(frozen=True, slots=True)
class Unpaid:
    """An invoice that is open or disputed, its decision today, and the last reminder about it."""

    decision: Decision
    last: Reminder | None


@dataclass(slots=True)
class Owing:
    """What a client owes: how many invoices, how many overdue, residuals per currency, the oldest due date."""

    client: str
    name: str
    invoices: int = 0
    overdue: int = 0
    residual: dict[str, Decimal] = field(default_factory=dict)
    oldest: date | None = None


def unpaid(desk: Desk, host: str, overdue: bool = False, pending: bool = False, client: str = "") -> list[Unpaid]:
    """The unpaid invoices, after a pull; in order of client id, then invoice id. Both flags unset: all of them."""
    desk.open_journal()
    try:
        sync.sync(desk, host)
    except Busy as busy:
        desk.say(f"{busy}: as last pulled")
    state = simulate.load(desk, host)
    with closing(desk.connector(host)) as connector:
        outcome = simulate.decide(desk, host, state, connector, active=True)
    found = [
        one for one in outcome.decisions if one.invoice.status in ("open", "disputed") and one.invoice.residual > 0
    ]
    if overdue or pending:
        found = [one for one in found if one.due is not None and (one.due < desk.today) == overdue]
    if client:
        found = [one for one in found if one.invoice.client == client.removeprefix("id:")]
    return [Unpaid(one, _last(state.history.reminders.get(one.invoice.id, ()))) for one in found]


def _last(reminders: Sequence[Reminder]) -> Reminder | None:
    return max(reminders, key=lambda reminder: reminder.day, default=None)


def by_client(rows: Sequence[Unpaid], today: date) -> list[Owing]:
    """The same, one line per client."""
    found: dict[str, Owing] = {}
    for row in rows:
        one = row.decision
        name = one.client.name if one.client else ""
        owing = found.setdefault(one.invoice.client, Owing(one.invoice.client, name))
        owing.invoices += 1
        currency = one.invoice.currency
        owing.residual[currency] = owing.residual.get(currency, Decimal()) + one.invoice.residual
        if one.due is not None:
            owing.overdue += one.due < today
            owing.oldest = min(owing.oldest or one.due, one.due)
    return list(found.values())


def totals(rows: Sequence[Unpaid]) -> dict[str, Decimal]:
    """Residuals added per currency."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        currency = row.decision.invoice.currency
        sums[currency] = sums.get(currency, Decimal()) + row.decision.invoice.residual
    return dict(sorted(sums.items()))
