"""The date of each step: the contract's "When a step is due", nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from relance_addon.core import calendar as calendars
from relance_addon.core.model import Adaptation, Invoice, Reminder
from relance_addon.core.program import Program

NEW_CYCLE = timedelta(days=7)
"""The first step of a new cycle leaves no sooner than this after the invoice's last reminder."""
DAY = timedelta(days=1)
NOTHING = Adaptation()


class Part(NamedTuple):
    """What is asked of an invoice: the instalment's rank, its issue and due date, and the residual asked for."""

    rank: int
    issue: date
    due: date
    asked: Decimal


class Next(NamedTuple):
    """The next step of a cycle (its index from 0) and its date; ``origin`` says in a word what made the date."""

    index: int
    date: date
    origin: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run of steps: its name and its reminders so far, and the invoice's last reminders around it."""

    name: str
    sent: tuple[Reminder, ...] = ()
    last: date | None = None
    last_step: date | None = None
    last_by_hand: date | None = None


class Timetable:
    """The dates of one program version in one calendar, each worked out once per issue and due date."""

    def __init__(self, program: Program, country: str = "") -> None:
        code = program.calendar
        self.program = program
        self.steps = program.steps
        self.calendar = None if code is None else calendars.named(country if code == calendars.CLIENT else code)
        self.before_due = tuple(step.trigger.before_due for step in self.steps)
        self.untouched = cycle_of((), program.name, 1, 0)
        self._courtesy = any(self.before_due)
        self._bases: dict[tuple[date, date], tuple[date, ...]] = {}
        self._first: dict[tuple[date, date, bool], Next | None] = {}

    def bases(self, issue: date, due: date) -> tuple[date, ...]:
        """base(k) of every step for an issue and a due date."""
        known = self._bases.get((issue, due))
        if known is None:
            dates: list[date] = []
            for step in self.steps:
                trigger = step.trigger
                start = {"after_due": due, "after_issue": issue}.get(trigger.kind) or dates[-1]
                dates.append(trigger.offset.after(start))
            known = self._bases[issue, due] = tuple(dates)
        return known

    def first(self, part: Part, today: date) -> Next | None:
        """The next step of an invoice that nothing was ever sent, dropped or changed for."""
        key = (part.issue, part.due, self._courtesy and today >= part.due)
        if key not in self._first:
            self._first[key] = self.next(part, Cycle(""), NOTHING, today)
        return self._first[key]

    def next(self, part: Part, cycle: Cycle, plan: Adaptation, today: date) -> Next | None:
        """The next step of a cycle and its date; None when every step is sent, dropped or lapsed."""
        furthest, sent_on = self._furthest(cycle)
        index = self._following(furthest, part, plan, today)
        if index is None:
            return None
        change = plan.changes.get(self.steps[index].name)
        if change is not None and change.date is not None:
            on, issued = change.date
            if issued is not None:
                on += part.issue - issued
            return Next(index, max(on, cycle.last + DAY) if cycle.last else on, "hand")
        bases = self.bases(part.issue, part.due)
        day, floor, origin = bases[index], date.min, "base"
        if sent_on is not None:
            floor = sent_on + DAY
            day, origin = self._spaced(furthest, index, sent_on, bases)
        elif cycle.last_step is not None:
            floor = cycle.last_step + NEW_CYCLE
        if cycle.last_by_hand is not None:
            floor = max(floor, cycle.last_by_hand + timedelta(days=self.program.after_manual))
        if floor > day:
            day, origin = floor, "floor"
        worked = self._working(day, floor, self.before_due[index])
        return Next(index, worked, origin if worked == day else "calendar")

    def _furthest(self, cycle: Cycle) -> tuple[int, date | None]:
        furthest, on = -1, None
        for reminder in cycle.sent:
            index = self.program.step_named(reminder.step)
            if index >= furthest and index >= 0:
                furthest, on = index, reminder.day
        return furthest, on

    def _following(self, furthest: int, part: Part, plan: Adaptation, today: date) -> int | None:
        for index in range(furthest + 1, len(self.steps)):
            name = self.steps[index].name
            if name in plan.dropped:
                continue
            change = plan.changes.get(name)
            by_hand = change is not None and change.date is not None
            if self.before_due[index] and today >= part.due and not by_hand:
                continue
            return index
        return None

    def _spaced(self, furthest: int, index: int, sent_on: date, bases: Sequence[date]) -> tuple[date, str]:
        """The date after a step sent on ``sent_on``: a late reminder delays the next by as much."""
        between = self.steps[furthest + 1 : index + 1]
        if all(step.trigger.kind == "after_previous" for step in between):
            day = sent_on
            for step in between:
                day = step.trigger.offset.after(day)
            return day, "previous"
        spaced = sent_on + max(DAY, bases[index] - bases[furthest])
        return (spaced, "spacing") if spaced > bases[index] else (bases[index], "base")

    def _working(self, day: date, floor: date, before_due: bool) -> date:
        if self.calendar is None:
            return day
        if before_due:
            earlier = self.calendar.backward(day)
            if earlier >= floor:
                return earlier
        return self.calendar.forward(day)


def parts(invoice: Invoice, today: date) -> list[Part]:
    """The instalments still owed, in order of due date, each with what is asked for while it is the current one."""
    issue = invoice.issue_date or today
    due = invoice.due_date or issue
    if not invoice.instalments:
        return [Part(1, issue, due, invoice.residual)]
    ranked = sorted(invoice.instalments, key=lambda one: one.due_date)
    owed = sum((one.residual for one in ranked if one.due_date <= today and one.residual > 0), Decimal())
    return [
        Part(rank, issue + (one.due_date - ranked[0].due_date), one.due_date, owed or one.residual)
        for rank, one in enumerate(ranked, 1)
        if one.residual > 0
    ] or [Part(1, issue, due, invoice.residual)]


def cycle_of(reminders: Sequence[Reminder], program: str, rank: int, restart: int) -> Cycle:
    """The cycle that an instalment is in under a program: the one its last step belongs to, or a new one."""
    name, switches = "", 0
    previous: tuple[str, int] | None = None
    last = last_by_hand = None
    for reminder in reminders:
        last = max(last or reminder.day, reminder.day)
        if not reminder.step:
            last_by_hand = max(last_by_hand or reminder.day, reminder.day)
        elif reminder.instalment == rank and reminder.restart == restart:
            if reminder.cycle != name:
                switches += 1
            name, previous = reminder.cycle, (reminder.program, reminder.restart)
    if previous != (program, restart):
        name = f"{restart}.{rank}.{switches}.{program}"
    sent = tuple(one for one in reminders if one.step and one.cycle == name)
    last_step = max((one.day for one in reminders if one.step), default=None)
    return Cycle(name, sent, last, last_step, last_by_hand)
