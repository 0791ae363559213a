"""The date of each step: the contract's "When a step is due", nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from relance_addon.core import calendar as calendars
from relance_addon.core.model import Adaptation, Invoice, Reminder
from relance_addon.core.offset import shifted
from relance_addon.core.program import Program

NEW_CYCLE = timedelta(days=7)
"""The first step of a new cycle leaves no sooner than this after the invoice's last reminder."""
DAY = timedelta(days=1)
NOTHING = Adaptation()


class Part(NamedTuple):
    """What is asked of an invoice: the instalment's rank, its issue and due date, and the residual asked for.

    ``moved`` is how far ``issue`` stands from the invoice's own issue date: the distance to the first instalment.
    """

    rank: int
    issue: date
    due: date
    asked: Decimal
    moved: timedelta = timedelta()


class Next(NamedTuple):
    """The next step of a cycle (its position from 0) and its date, with what made that date.

    ``origin``: ``base``, ``previous`` (after the previous reminder), ``spacing`` (a late reminder delays it) or
    ``hand``; ``own`` is the date that it gives by itself. ``floor``: what the step has to wait for beyond that:
    ``next_day``, ``new_cycle``, ``after_manual``, or nothing. ``uncorrected`` is the date before the calendar's.
    """

    position: int
    origin: str
    own: date
    floor: str
    uncorrected: date
    date: date


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run of steps: its name and its reminders so far, and the days of the invoice's last reminders, its or not."""

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
        self._previous = tuple(step.trigger.kind == "after_previous" for step in self.steps)
        self._positions = {step.name: position for position, step in enumerate(self.steps)}
        self._pause = timedelta(days=program.after_manual)
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
            self._first[key] = self.next(part, self.untouched, NOTHING, today)
        return self._first[key]

    def next(self, part: Part, cycle: Cycle, plan: Adaptation, today: date) -> Next | None:
        """The next step of a cycle and its date; None when every step is sent, dropped or lapsed."""
        furthest, sent_on = self.furthest(cycle)
        position = self._following(furthest, part, plan, today)
        if position is None:
            return None
        by_hand = hand_date(plan, self.steps[position].name, part) if plan.changes else None
        if by_hand is not None:
            on = by_hand if cycle.last is None else max(by_hand, shifted(cycle.last, DAY))
            return Next(position, "hand", by_hand, "next_day" if on > by_hand else "", on, on)
        bases = self.bases(part.issue, part.due)
        day, origin, floor, why = bases[position], "base", date.min, ""
        if sent_on is not None and cycle.last_step is not None:
            day, origin = self._spaced(furthest, position, sent_on, bases)
            floor, why = shifted(cycle.last_step, DAY), "next_day"
        elif cycle.last_step is not None:
            floor, why = shifted(cycle.last_step, NEW_CYCLE), "new_cycle"
        if cycle.last_by_hand is not None:
            pause = shifted(cycle.last_by_hand, self._pause)
            if pause > floor:
                floor, why = pause, "after_manual"
        later = max(day, floor)
        why = why if floor > day else ""
        return Next(position, origin, day, why, later, self._working(later, floor, self.before_due[position]))

    def furthest(self, cycle: Cycle) -> tuple[int, date | None]:
        """The position of the furthest step sent in a cycle and the day it was last sent; -1 and None for none."""
        furthest, on = -1, None
        for reminder in cycle.sent:
            position = self._positions.get(reminder.step, -1)
            if position >= furthest and position >= 0:
                furthest, on = position, reminder.day
        return furthest, on

    def lapsed(self, position: int, part: Part, plan: Adaptation, today: date) -> bool:
        """Whether a step before the due date is too late, the due date having come."""
        if not self.before_due[position] or today < part.due:
            return False
        by_hand = hand_date(plan, self.steps[position].name, part)
        return by_hand is None or by_hand < part.due

    def _following(self, furthest: int, part: Part, plan: Adaptation, today: date) -> int | None:
        for position in range(furthest + 1, len(self.steps)):
            if self.steps[position].name not in plan.dropped and not self.lapsed(position, part, plan, today):
                return position
        return None

    def _spaced(self, furthest: int, position: int, sent_on: date, bases: Sequence[date]) -> tuple[date, str]:
        """The date after a step sent on ``sent_on``: a late reminder delays the next by as much."""
        if self._previous[position] and all(self._previous[furthest + 1 : position]):
            day = sent_on
            for step in self.steps[furthest + 1 : position + 1]:
                day = step.trigger.offset.after(day)
            return day, "previous"
        spaced = shifted(sent_on, max(DAY, bases[position] - bases[furthest]))
        return (spaced, "spacing") if spaced > bases[position] else (bases[position], "base")

    def _working(self, day: date, floor: date, before_due: bool) -> date:
        if self.calendar is None:
            return day
        if before_due:
            earlier = self.calendar.backward(day)
            if earlier >= floor:
                return earlier
        return self.calendar.forward(day)


def course(table: Timetable, part: Part, cycle: Cycle, plan: Adaptation, start: date) -> list[tuple[Next, date]]:
    """The steps that are left of a cycle, each with the day it leaves if a run is made every day from ``start`` on."""
    found: list[tuple[Next, date]] = []
    today = start
    while (following := table.next(part, cycle, plan, today)) is not None:
        leaves = max(following.date, today)
        if table.calendar is not None:
            leaves = table.calendar.forward(leaves)
        if leaves > today:
            today = leaves  # by then it may have lapsed
            continue
        found.append((following, leaves))
        name = table.steps[following.position].name
        reminder = Reminder(leaves, name, table.program.name, part.rank, plan.restart, cycle.name, "automatic")
        cycle = Cycle(cycle.name, (*cycle.sent, reminder), leaves, leaves, cycle.last_by_hand)
    return found


def plan_for(plan: Adaptation, part: Part) -> Adaptation:
    """What of an adapted plan holds for an instalment: all of it, or nothing when it was made for another one."""
    return plan if plan.instalment in (0, part.rank) else NOTHING


def hand_date(plan: Adaptation, step: str, part: Part) -> date | None:
    """The date set by hand for a step, or None. Set on a draft, it keeps its distance to the invoice's issue date."""
    change = plan.changes.get(step)
    if change is None or change.date is None:
        return None
    on, issued = change.date
    return on if issued is None else shifted(on, (part.issue - part.moved) - issued)


def parts(invoice: Invoice, today: date) -> list[Part]:
    """The instalments still owed, in order of due date, each with what is asked for while it is the current one."""
    issue = invoice.issue_date or today
    due = invoice.due_date or issue
    if not invoice.instalments:
        return [Part(1, issue, due, invoice.residual)]
    ranked = sorted(invoice.instalments, key=lambda one: one.due_date)
    owed = sum((one.residual for one in ranked if one.due_date <= today and one.residual > 0), Decimal())
    found = []
    for rank, one in enumerate(ranked, 1):
        if one.residual > 0:
            moved = shifted(issue, one.due_date - ranked[0].due_date)
            found.append(Part(rank, moved, one.due_date, owed or one.residual, moved - issue))
    return found or [Part(1, issue, due, invoice.residual)]


def cycle_of(reminders: Sequence[Reminder], program: str, rank: int, restart: int) -> Cycle:
    """The cycle that an instalment is in under a program: the one its last step belongs to, or a new one."""
    name, under, switches = "", "", 0
    last = last_step = last_by_hand = None
    for reminder in reminders:
        day = reminder.day
        if last is None or day > last:
            last = day
        if not reminder.step:
            last_by_hand = day if last_by_hand is None else max(day, last_by_hand)
            continue
        if last_step is None or day > last_step:
            last_step = day
        if reminder.cycle != name and reminder.instalment == rank and reminder.restart == restart:
            name, under, switches = reminder.cycle, reminder.program, switches + 1
    if under != program:
        return Cycle(f"{restart}.{rank}.{switches}.{program}", (), last, last_step, last_by_hand)
    sent = tuple([one for one in reminders if one.step and one.cycle == name])
    return Cycle(name, sent, last, last_step, last_by_hand)
