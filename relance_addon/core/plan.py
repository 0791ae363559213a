"""The plan of one invoice: its steps that have not left, with the day each would leave, its people, and why."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final, Literal, NamedTuple

from relance_addon.core.decide import SETTLED, Decider, Decision, Policy
from relance_addon.core.explain import holds_in_force
from relance_addon.core.group import People, people_of
from relance_addon.core.model import Client, History, Reminder, StepChange, day_after
from relance_addon.core.program import Book, Program, Step
from relance_addon.core.schedule import NOTHING, Cycle, Next, Timetable, course, cycle_of, parts, plan_for

State = Literal["planned", "dropped", "passed", "lapsed"]
BLOCKING: Final = frozenset({"draft", "disputed", "in_doubt", "failed"})
"""Reasons that keep every step from leaving until somebody does something."""


class Row(NamedTuple):
    """A step that has not left. ``number`` counts from 1 in the program's version.

    ``passed``: a later step has left; ``lapsed``: the due date came before it. ``leaves`` is the day it leaves if a
    run is made every day, ``following`` how the rules date it (both None unless ``planned``). ``moved`` says what
    puts ``leaves`` off from ``following.own``: ``next_day``, ``new_cycle``, ``after_manual``, ``calendar``, ``hold``,
    ``late``. ``changed`` names what was set by hand: ``date``, ``sender``, ``to``, ``cc``, ``bcc``.
    """

    state: State
    instalment: int
    number: int
    step: Step
    people: People
    changed: tuple[str, ...]
    following: Next | None = None
    leaves: date | None = None
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of an invoice that have not left: those of its current instalment, then what later ones plan.

    ``rule`` names what chose ``program`` (see Choice), ``pinned`` says that the invoice keeps this version of it.
    ``blocked`` is the reason for which nothing leaves until somebody does something, or empty.
    """

    rows: tuple[Row, ...] = ()
    program: Program | None = None
    rule: str = ""
    pinned: bool = False
    blocked: str = ""


def plan_of(
    decision: Decision, clients: Mapping[str, Client], book: Book, history: History, today: date, policy: Policy
) -> Plan:
    """The plan of the invoice that ``decision`` is about; without rows where nothing is owed or no program applies.

    A hold that ends puts everything off until the day after it. Dates are worked out as if nothing was paid, and
    take no account of what depends on other invoices: credits, quiet days, minimum and limits.
    """
    invoice, client = decision.invoice, decision.client
    if client is None or decision.reason == "invalid" or decision.reason in SETTLED:
        return Plan()
    decider = Decider(clients, book, history, today)
    found = decider.following(invoice, client)
    if found is None:
        return Plan()
    table, current, _, _ = found
    program, adapted = table.program, history.adaptations.get(invoice.id, NOTHING)
    choice = decider.choice(invoice, client, adapted)
    rule = next(rule for rule, one in zip(choice.rules, choice.programs, strict=True) if one is program)
    holds = [until for _, until in holds_in_force(invoice, client, history, today)]
    start = max([today, *(day_after(until) for until in holds if until < date.max)])
    reminders, rows = list(history.reminders.get(invoice.id, ())), list[Row]()
    for part in parts(invoice, today):
        if part.rank < current.rank:
            continue
        here = plan_for(adapted, part)
        cycle = cycle_of(reminders, program.name, part.rank, adapted.restart)
        leaving = {one.position: (one, leaves) for one, leaves in course(table, part, cycle, here, start)}
        told = decision._replace(program=program, instalment=part.rank)
        for position, state in _left(table, cycle, here.dropped, leaving):
            if state != "planned" and part.rank != current.rank:
                continue
            step, dated = table.steps[position], leaving.get(position)
            row = Row(
                state,
                part.rank,
                position + 1,
                step,
                people_of(told, position + 1, history, policy),
                _changed(here.changes.get(step.name)),
            )
            rows.append(row if dated is None else row._replace(**_dated(table, *dated, today, start)))
        for following, leaves in leaving.values():
            name, restart = table.steps[following.position].name, adapted.restart
            reminders.append(Reminder(leaves, name, program.name, part.rank, restart, cycle.name, "automatic"))
    pinned = bool(adapted.version) and (adapted.program, adapted.version) == (program.name, program.version)
    return Plan(tuple(rows), program, rule, pinned, _blocked(decision, holds))


def _left(
    table: Timetable, cycle: Cycle, dropped: frozenset[str], planned: Container[int]
) -> Sequence[tuple[int, State]]:
    """The steps of a cycle that were not sent, by position, and what becomes of each."""
    sent = {one.step for one in cycle.sent}
    furthest, _ = table.furthest(cycle)
    found: list[tuple[int, State]] = []
    for position, step in enumerate(table.steps):
        if step.name in sent:
            continue
        if position in planned:
            found.append((position, "planned"))
        elif step.name in dropped:
            found.append((position, "dropped"))
        else:
            found.append((position, "passed" if position < furthest else "lapsed"))
    return found


def _dated(table: Timetable, following: Next, leaves: date, today: date, start: date) -> dict[str, Any]:
    """The day of a planned step, and what moved it from its own date."""
    moved = [following.floor] if following.floor else []
    if following.date < start:
        moved.append("hold" if start > today else "late")
    if following.date != following.uncorrected or leaves > max(following.date, start):
        moved.append("calendar")
    return {"following": following, "leaves": leaves, "moved": tuple(moved)}


def _changed(change: StepChange | None) -> tuple[str, ...]:
    if change is None:
        return ()
    return tuple(one.name for one in fields(StepChange) if getattr(change, one.name) is not None)


def _blocked(decision: Decision, holds: Sequence[date]) -> str:
    if decision.reason in BLOCKING or date.max in holds:
        return decision.reason
    return ""
