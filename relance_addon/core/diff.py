"""What an edit of the programs does to the planned reminders: which would move, appear, vanish or change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Final, Literal, NamedTuple

from relance_addon.core.decide import SETTLED, Decider, status_reason
from relance_addon.core.model import Client, Invoice, Reminder
from relance_addon.core.program import Program, Step
from relance_addon.core.schedule import NOTHING, Cycle, Next, Part, Timetable, course, cycle_of, parts, plan_for

Change = Literal["moves", "appears", "vanishes", "changes"]
PEOPLE: Final = ("sender", "to", "cc", "bcc")
CONTENT: Final = ("channel", "sender", "to", "cc", "bcc", "subject", "template", "body", "attach", "payment_link")
"""What of a step may change although its date stays."""

Standing = tuple[Timetable, Part, Cycle, Next | None]


class Planned(NamedTuple):
    """A reminder that would leave if a run were made every day and nothing paid.

    ``date`` is the step's date as simulations show it, ``leaves`` the day it goes: later, where the date has passed.
    ``said`` are the step's contents, by the names of CONTENT, with what was changed by hand.
    """

    instalment: int
    program: Program
    step: Step
    leaves: date
    date: date
    said: tuple[object, ...]


class Difference(NamedTuple):
    """What becomes of one planned reminder. ``fields`` are those of its contents that change, and ``program``."""

    change: Change
    before: Planned | None
    after: Planned | None
    fields: tuple[str, ...] = ()

    @property
    def planned(self) -> Planned:
        """What is planned after the edit, or was before it."""
        found = self.after or self.before
        assert found is not None
        return found


def differences(
    invoices: Iterable[Invoice], clients: Mapping[str, Client], before: Decider, after: Decider
) -> Iterator[tuple[Invoice, Client, Difference]]:
    """The planned reminders that differ between two deciders of the same day, invoice by invoice.

    Every planned step is compared, not only the next: steps are known by their names. Invoices that nothing sets apart
    share their plans.
    """
    shared: dict[object, list[Difference]] = {}
    for invoice in invoices:
        client = clients.get(invoice.client)
        if client is None or client.invalid or invoice.invalid or status_reason(invoice) in SETTLED:
            continue
        stands = before.following(invoice, client), after.following(invoice, client)
        if _version(stands[0]) == _version(stands[1]):
            continue  # a version never changes
        key = tuple(_shared(one, invoice) for one in stands)
        found = shared.get(key) if all(key) else None
        if found is None:
            old, new = (
                _planned(decider, invoice, stand) for decider, stand in zip((before, after), stands, strict=True)
            )
            found = sorted(_compared(old, new), key=lambda one: one.planned.leaves)
            if all(key):
                shared[key] = found
        for one in found:
            yield invoice, client, one


def planned(decider: Decider, invoice: Invoice, client: Client) -> list[Planned]:
    """All reminders planned for an invoice that is owed, in the order in which they would leave."""
    return _planned(decider, invoice, decider.following(invoice, client))


def _version(stand: Standing | None) -> tuple[str, int] | None:
    return stand and (stand[0].program.name, stand[0].program.version)


def _shared(stand: Standing | None, invoice: Invoice) -> object:
    """What the plan depends on, where many invoices may have the same; None where something sets this one apart."""
    if stand is None:
        return "none"
    table, part, cycle, _ = stand
    if cycle is not table.untouched or invoice.instalments:
        return None
    return id(table), part.issue, part.due


def _planned(decider: Decider, invoice: Invoice, stand: Standing | None) -> list[Planned]:
    if stand is None:
        return []
    table, current, *_ = stand
    adaptation = decider.history.adaptations.get(invoice.id, NOTHING)
    reminders = list(decider.history.reminders.get(invoice.id, ()))
    found: list[Planned] = []
    start = decider.today
    for part in parts(invoice, start):
        if part.rank < current.rank:
            continue
        plan = plan_for(adaptation, part)
        cycle = cycle_of(reminders, table.program.name, part.rank, adaptation.restart)
        furthest, _ = table.furthest(cycle)
        for following, leaves in course(table, part, cycle, plan, start):
            start, furthest = leaves, following.position
            step = table.steps[furthest]
            change = plan.changes.get(step.name)
            by_hand = {name: getattr(change, name) for name in PEOPLE} if change else {}
            said = tuple([getattr(step, name) if (own := by_hand.get(name)) is None else own for name in CONTENT])
            found.append(Planned(part.rank, table.program, step, leaves, following.date, said))
            program, restart = table.program.name, adaptation.restart
            reminders.append(Reminder(leaves, step.name, program, part.rank, restart, cycle.name, "automatic"))
        rest = zip(table.steps[furthest + 1 :], table.before_due[furthest + 1 :], strict=True)
        if any(courtesy and step.name not in plan.dropped for step, courtesy in rest):
            start = max(start, part.due)  # the next instalment's turn comes when these lapse
    return found


def _compared(before: Iterable[Planned], after: Iterable[Planned]) -> Iterator[Difference]:
    old = {(one.instalment, one.step.name): one for one in before}
    new = {(one.instalment, one.step.name): one for one in after}
    for key, one in old.items():
        other = new.get(key)
        if other is None:
            yield Difference("vanishes", one, None)
            continue
        fields = tuple([name for name, was, is_ in zip(CONTENT, one.said, other.said, strict=True) if was != is_])
        if one.program.name != other.program.name:
            fields = ("program", *fields)
        if one.date != other.date:
            yield Difference("moves", one, other, fields)
        elif fields:
            yield Difference("changes", one, other, fields)
    for key, one in new.items():
        if key not in old:
            yield Difference("appears", None, one)
