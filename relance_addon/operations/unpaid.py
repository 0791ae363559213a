"""The unpaid invoices, one line per invoice or per client, with what was sent and what comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from relance_addon.core.decide import Decision
from relance_addon.core.model import Reminder
from relance_addon.operations import simulate, sync
from relance_addon.operations.desk import Desk

AGES: Final = ("pending", "1-30", "31-60", "61-90", "91+")
"""How late an invoice is: not yet, or by so many days."""


def age(days_late: int | None) -> str | None:
    """The age of an invoice that is so many days late; None where its due date cannot be read."""
    if days_late is None:
        return None
    if days_late <= 0:
        return AGES[0]
    return AGES[min((days_late + 29) // 30, len(AGES) - 1)]


def due_date(one: Decision) -> date | None:
    """What is due when, as far as it can be read: nothing is decided for an invoice that has another fault."""
    return one.due or one.invoice.due_date


def days_late(one: Decision, today: date) -> int | None:
    """Days since the due date, negative before it; None where it cannot be read."""
    due = due_date(one)
    return (today - due).days if due is not None else None


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are wanted. ``client`` is an id; ``overdue`` and ``pending`` exclude each other.

    Days late are an invoice's. Amounts are what remains of the line, an invoice or a client, in any one currency.
    """

    overdue: bool = False
    pending: bool = False
    client: str = ""
    min_days: int | None = None
    max_days: int | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None

    def takes(self, one: Decision, today: date) -> bool:
        """Whether an invoice is wanted, its amount aside."""
        if self.client and one.invoice.client != self.client.removeprefix("id:"):
            return False
        late = days_late(one, today)
        if (self.overdue or self.pending) and (late is None or (late > 0) != self.overdue):
            return False
        return _within(late, self.min_days, self.max_days)

    def takes_line(self, line: Unpaid | Owing) -> bool:
        """Whether a line is wanted for its amount."""
        return any(_within(value, self.min_amount, self.max_amount) for value in line.residual.values())


def _within(value: Decimal | int | None, least: Decimal | int | None, most: Decimal | int | None) -> bool:
    if value is None:
        return least is None and most is None
    return (least is None or value >= least) and (most is None or value <= most)


@dataclass(frozen=True, slots=True)
class Unpaid:
    """An invoice that is open or disputed, its decision today, and the last reminder about it."""

    decision: Decision
    last: Reminder | None

    @property
    def residual(self) -> Mapping[str, Decimal]:
        """What remains, by its currency."""
        return {self.decision.invoice.currency: self.decision.invoice.residual}


@dataclass(slots=True)
class Owing:
    """What a client owes: how many invoices, how many overdue, residuals per currency, the oldest due date.

    ``ages`` are the residuals per age and currency, ``last`` the day of the last reminder, ``next`` that of the next
    step that is planned for any of them.
    """

    client: str
    name: str
    invoices: int = 0
    overdue: int = 0
    residual: dict[str, Decimal] = field(default_factory=dict)
    oldest: date | None = None
    ages: dict[str, dict[str, Decimal]] = field(default_factory=lambda: {name: {} for name in AGES})
    last: date | None = None
    next: date | None = None


def unpaid(desk: Desk, host: str, wanted: Filter = Filter()) -> list[Unpaid]:
    """The unpaid invoices, after a pull; in order of client id, then invoice id. Their amounts are not filtered."""
    desk.open_journal()
    sync.freshen(desk, host)
    state = simulate.load(desk, host)
    with closing(desk.connector(host)) as connector:
        outcome = simulate.decide(desk, host, state, connector, active=True)
    found = [
        one for one in outcome.decisions if one.invoice.status in ("open", "disputed") and one.invoice.residual > 0
    ]
    reminders = state.history.reminders
    return [Unpaid(one, _last(reminders.get(one.invoice.id, ()))) for one in found if wanted.takes(one, desk.today)]


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
        due = due_date(one)
        old = age(days_late(one, today))
        for sums in (owing.residual, *([owing.ages[old]] if old else [])):
            sums[currency] = sums.get(currency, Decimal()) + one.invoice.residual
        if due is not None:
            owing.overdue += due < today
            owing.oldest = min(owing.oldest or due, due)
        if row.last is not None:
            owing.last = max(owing.last or row.last.day, row.last.day)
        if one.date is not None and one.verdict != "skip":
            owing.next = min(owing.next or one.date, one.date)
    return list(found.values())


def totals(lines: Sequence[Unpaid | Owing]) -> dict[str, Decimal]:
    """Residuals added per currency."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        for currency, value in line.residual.items():
            sums[currency] = sums.get(currency, Decimal()) + value
    return dict(sorted(sums.items()))
