"""Changing the plan of one invoice by hand: what may be asked, and the adaptation that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from relance_addon.core.decide import SETTLED, Decider, Decision
from relance_addon.core.errors import InputError
from relance_addon.core.model import NO_PROGRAM, Adaptation, Client, HandDate, History, Invoice, StepChange
from relance_addon.core.program import Book, Program, unknown_person
from relance_addon.core.schedule import NOTHING, Cycle, Part, Timetable, parts, plan_for
from relance_addon.core.toml import nearest


@dataclass(frozen=True, slots=True)
class Change:
    """What one command asks for. Steps are names, or numbers from 1 in the version that applies.

    ``program`` is to be applied (``none`` for none); ``step`` is to be changed: its day, its sender, its recipients
    (None keeps what it has).
    """

    program: str | None = None
    reset: bool = False
    restart: bool = False
    restore: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    step: str | None = None
    on: date | None = None
    sender: str | None = None
    to: tuple[str, ...] | None = None
    cc: tuple[str, ...] | None = None
    bcc: tuple[str, ...] | None = None


def check(change: Change, roles: Iterable[str]) -> None:
    """Raises InputError, naming the option, for a change that makes no sense for any invoice.

    ``roles`` are the names that [roles] adds.
    """
    set_to = [key for key in ("on", "sender", "to", "cc", "bcc") if getattr(change, key) is not None]
    if change.program is not None and change.reset:
        raise InputError("--apply and --reset exclude each other")
    if change.program == NO_PROGRAM and (change.restart or change.restore or change.drop or change.step is not None):
        raise InputError(f"--apply {NO_PROGRAM} leaves no step to change")
    if set_to and change.step is None:
        raise InputError(f"--{set_to[0]}: of which step? name it with --set")
    if change.step is not None and not set_to:
        raise InputError("--set: nothing to set; give --on, --sender, --to, --cc or --bcc")
    if change.to == ():
        raise InputError("--to: nobody would be written to; --drop takes a step out")
    sender = () if change.sender is None else (change.sender,)
    for key, people in (("sender", sender), ("to", change.to), ("cc", change.cc), ("bcc", change.bcc)):
        for person in people or ():
            wrong = unknown_person(key, person, roles)
            if wrong:
                raise InputError(f"--{key}: {wrong}")


def adapt(
    decision: Decision, clients: Mapping[str, Client], book: Book, history: History, today: date, change: Change
) -> Adaptation:
    """The adaptation of the decision's invoice after a change: all of it, or InputError with the reason.

    First the program (applied or reset: what was adapted is gone; restarted: a new cycle), then steps are restored,
    dropped and set.
    """
    invoice, client = decision.invoice, decision.client
    if client is None or client.invalid or invoice.invalid:  # an unknown program is mended by applying another
        raise InputError(f"{invoice.number} cannot be used: {decision.detail}")
    if decision.reason in SETTLED:
        raise InputError(f"{invoice.number} is {decision.reason.replace('_', ' ')}: it has no plan to change")
    plan = history.adaptations.get(invoice.id, NOTHING)
    if change.reset:
        plan = Adaptation(restart=plan.restart)
    if change.program is not None:
        plan = _applied(change.program, invoice, book, plan, today)
    if change.restart:
        if not any(one.step for one in history.reminders.get(invoice.id, ())):
            raise InputError(f"--restart: no step was sent about {invoice.number} yet")
        plan = Adaptation(plan.program, plan.version, plan.restart + 1)
    for asked in change.restore:
        plan = _restored(_Steps(invoice, client, clients, book, history, plan, today), asked)
    for asked in change.drop:
        plan = _dropped(_Steps(invoice, client, clients, book, history, plan, today), asked)
    if change.step is not None:
        plan = _set(_Steps(invoice, client, clients, book, history, plan, today), change.step, change)
    return plan


class _Steps:
    """The steps of an invoice under a plan: where it stands, and what a person calls them."""

    def __init__(
        self,
        invoice: Invoice,
        client: Client,
        clients: Mapping[str, Client],
        book: Book,
        history: History,
        plan: Adaptation,
        today: date,
    ) -> None:
        self.invoice, self.plan, self.today = invoice, plan, today
        known = replace(history, adaptations={**history.adaptations, invoice.id: plan})
        found = Decider(clients, book, known, today).following(invoice, client)
        if found is None:
            raise InputError(f"{invoice.number} follows no program: it has no step to change")
        self.table: Timetable = found[0]
        self.part: Part = found[1]
        self.cycle: Cycle = found[2]

    def position(self, option: str, asked: str) -> int:
        """The position from 0 of a step by its name or number."""
        position = self.table.program.step_named(asked)
        if position >= 0:
            return position
        if asked.isdecimal() and 1 <= int(asked) <= len(self.table.steps):
            return int(asked) - 1
        names = [step.name for step in self.table.steps]
        raise InputError(
            f"{option}: {_named(self.table.program)} has no step {asked!r}"
            f"{nearest(asked, names) or '; it has ' + ', '.join(f'{n} {name}' for n, name in enumerate(names, 1))}"
        )

    def ahead(self, option: str, asked: str) -> int:
        """The position of a step that may still leave. Raises InputError for one that has left, or was passed."""
        position = self.position(option, asked)
        name = self.table.steps[position].name
        sent = [one.day for one in self.cycle.sent if one.step == name]
        if sent:
            raise InputError(f"{option}: step {position + 1} {name!r} left on {sent[-1]}; what left cannot be changed")
        if position < self.table.furthest(self.cycle)[0]:
            raise InputError(f"{option}: step {position + 1} {name!r} was passed over: a later one has left")
        return position

    def ours(self) -> Adaptation:
        """The plan, to be adapted for the current instalment: what was changed for an earlier one is over."""
        plan, rank = self.plan, self.part.rank
        if plan_for(plan, self.part) is plan:
            return replace(plan, instalment=rank)
        if plan.dropped and any(part.rank == plan.instalment for part in parts(self.invoice, self.today)):
            raise InputError(
                f"{self.invoice.number}: instalment {plan.instalment} is still owed, and steps of it were dropped; a"
                " plan is adapted for one instalment at a time: --restore or --reset them first"
            )
        return Adaptation(plan.program, plan.version, plan.restart, rank)


def _applied(name: str, invoice: Invoice, book: Book, plan: Adaptation, today: date) -> Adaptation:
    if invoice.program and invoice.program != name:
        theirs = f"{invoice.number} has the program {invoice.program!r} on the host"
        raise InputError(f"--apply: {theirs}, which goes first: change it there")
    if name == NO_PROGRAM:
        return Adaptation(NO_PROGRAM, restart=plan.restart)
    program = book.get(name)
    if program is None:
        raise InputError(f"--apply: no program {name!r}{nearest(name, book.current)}")
    if program.since is not None and program.since > (invoice.issue_date or today):
        raise InputError(
            f"--apply: program {name!r} is only for invoices issued from {program.since} on, and {invoice.number} is"
            f" of {invoice.issue_date or today}"
        )
    return Adaptation(name, program.version, plan.restart)


def _restored(steps: _Steps, asked: str) -> Adaptation:
    """The step is again as the program has it."""
    plan, position = steps.plan, steps.position("--restore", asked)
    name = steps.table.steps[position].name
    if name not in plan.dropped and name not in plan.changes:
        raise InputError(f"--restore: step {position + 1} {name!r} is neither dropped nor changed")
    changes = {key: value for key, value in plan.changes.items() if key != name}
    return replace(plan, dropped=plan.dropped - {name}, changes=changes)


def _dropped(steps: _Steps, asked: str) -> Adaptation:
    name = steps.table.steps[steps.ahead("--drop", asked)].name
    plan = steps.ours()
    return replace(plan, dropped=plan.dropped | {name})


def _set(steps: _Steps, asked: str, change: Change) -> Adaptation:
    position = steps.ahead("--set", asked)
    name = steps.table.steps[position].name
    told = f"step {position + 1} {name!r}"
    plan = steps.ours()
    if name in plan.dropped:
        raise InputError(f"--set: {told} is dropped; --restore it first")
    if change.on is not None and change.on < steps.today:
        raise InputError(f"--on {change.on} is over already")
    before = plan.changes.get(name, StepChange())
    on, sender = before.date, before.sender
    if change.on is not None:
        # on a draft the distance to its issue date is kept, whatever that becomes
        draft = steps.invoice.status == "draft"
        on = HandDate(change.on, (steps.invoice.issue_date or steps.today) if draft else None)
    made = StepChange(
        on,
        sender if change.sender is None else change.sender,
        *(
            getattr(before, key) if getattr(change, key) is None else getattr(change, key)
            for key in ("to", "cc", "bcc")
        ),
    )
    plan = replace(plan, changes={**plan.changes, name: made})
    if steps.table.lapsed(position, steps.part, plan, steps.today):
        raise InputError(f"--set: {told} has lapsed: the due date has come; --on gives it another day")
    return plan


def _named(program: Program) -> str:
    return f"program {program.name!r}" + (f", version {program.version}," if program.version else "")
