"""The plan of one invoice: show the reminders sent and planned, and change what is planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from relance_addon.core import adapt, explain
from relance_addon.core.adapt import Change
from relance_addon.core.decide import Decider, Decision
from relance_addon.core.errors import InputError
from relance_addon.core.model import NO_PROGRAM, Invoice
from relance_addon.core.plan import Plan, Row, plan_of
from relance_addon.core.records import Entry
from relance_addon.core.schedule import NOTHING
from relance_addon.operations import explain as explaining
from relance_addon.operations import find, look, simulate, sync
from relance_addon.operations import log as logged
from relance_addon.operations.desk import Desk


@dataclass(frozen=True, slots=True)
class Panel:
    """What is told of an invoice line by line, the reminders that left (the oldest first), and the plan.

    ``failed`` are the keys of messages that did not leave and are tried again.
    """

    decision: Decision
    lines: Sequence[str]
    sent: Sequence[Entry]
    plan: Plan
    failed: frozenset[str]


def plan(desk: Desk, host: str, text: str, change: Change | None = None, language: str | None = None) -> Panel:
    """The plan of an invoice, read again on the host; changed first where ``change`` says so, all of it or nothing.

    Raises InputError for what cannot be changed so, and Busy while a run of the host is in progress: a run would not
    see the change.
    """
    desk.open_journal()
    spoken = explaining.language_of(desk, language)
    if change is not None:
        adapt.check(change, desk.config.roles)
    invoice = find.invoice(desk, host, text)
    from relance_addon.journal import database, log

    lock = nullcontext() if change is None else database.run_lock(host)
    with closing(desk.connector(host)) as connector, lock, database.journal_errors():
        seen = look.look(desk, host, connector, invoice)
        if change is not None:
            sync.refuse_earlier(desk, host)
            seen = _change(desk, host, seen, change)
        _, decision = look.decide(desk, seen)
        simulate.say_unusable(desk, connector, [decision])
        state = seen.state
        known = (state.clients, state.book, state.history, desk.today)
        lines = [*explain.circumstances(decision, *known, spoken), *explaining.beside(desk, host, seen, spoken)]
        made = plan_of(decision, *known, desk.policy)
        failed = frozenset(one.message for one in state.history.attempts.get(seen.invoice.id, ()))
        sent = log.entries(host, invoice=f"id:{seen.invoice.id}")[::-1]
    if change is not None:
        for notice in _notices(change, seen.invoice, made):
            desk.say(notice)
    return Panel(decision, lines, sent, made, failed)


def _change(desk: Desk, host: str, seen: look.Look, change: Change) -> look.Look:
    """Work the change out and keep it."""
    from relance_addon.journal import plans

    state = seen.state
    known = (state.clients, state.book, state.history, desk.today)
    adapted = adapt.adapt(Decider(*known)(seen.invoice), *known, change)
    if not plans.save(host, seen.invoice.id, adapted, state.history.adaptations.get(seen.invoice.id, NOTHING)):
        raise InputError(f"{seen.invoice.number}: its plan was changed meanwhile; nothing was done, look at it again")
    history = replace(state.history, adaptations={**state.history.adaptations, seen.invoice.id: adapted})
    return replace(seen, state=replace(state, history=history))


def _notices(change: Change, invoice: Invoice, made: Plan) -> Iterator[str]:
    """What a change did beyond what was asked."""
    program = made.program
    if change.program == NO_PROGRAM:
        yield f"{invoice.number}: no program any more; what was adapted by hand is gone"
    elif change.program and program is not None:
        yield f"{invoice.number}: stays at {program.name}, version {program.version}; what was adapted before is gone"
    elif change.reset:
        yield f"{invoice.number}: nothing is adapted any more, no version is kept"
        if program is not None and program.pin:
            yield f"{invoice.number}: {program.name} has pin = true: the next run keeps its current version again"
    if change.restart:
        yield f"{invoice.number}: a new cycle begins; steps that were dropped or changed are as the program has them"
    if (change.drop or change.step is not None) and not made.pinned:
        yield f"{invoice.number}: this goes by the step's name, also under another program; --apply keeps this one"
    for row in made.rows if change.on is not None else ():
        following = row.following
        if change.step in (row.step.name, str(row.number)) and following and following.origin == "hand" and row.moved:
            why = ", ".join(row.moved)
            yield f"--on {change.on}: step {row.number} {row.step.name!r} leaves on {row.leaves} ({why})"


def items(desk: Desk, panel: Panel) -> list[dict[str, Any]]:
    """The reminders as plain data: those that left, the oldest first, then the steps that have not."""
    sent = [_sent(desk, one) for one in panel.sent if one.message_key not in panel.failed]
    failed = {one.step_name for one in panel.sent if one.message_key in panel.failed}
    return sent + [_planned(panel, row, row.step.name in failed) for row in panel.plan.rows]


def _sent(desk: Desk, one: Entry) -> dict[str, Any]:
    row = logged.item(desk, one)
    kept = ("step", "step_name", "date", "origin", "channel", "sender", "to", "cc", "bcc", "subject", "last_event")
    return {
        "state": "in_doubt" if one.last_event == "in_doubt" else "sent",
        **_EMPTY,
        **{key: row[key] for key in (*kept, "last_event_at", "program", "message_key")},
    }


def _planned(panel: Panel, row: Row, failed: bool) -> dict[str, Any]:
    plan, people, program, following = panel.plan, row.people, panel.plan.program, row.following
    assert program is not None
    return {
        "state": row.state,
        **_EMPTY,
        "step": row.number,
        "step_name": row.step.name,
        "date": row.leaves.isoformat() if row.leaves else None,
        "set_by_hand": "date" in row.changed,
        "own_date": following.own.isoformat() if following else None,
        "moved_by": list(row.moved),
        "changed": list(row.changed),
        "provisional": panel.decision.invoice.status == "draft",
        "blocked": plan.blocked or None,
        "instalment": row.instalment,
        "origin": "automatic",
        "channel": row.step.channel,
        "sender": str(people.sender),
        **{key: [str(one) for one in getattr(people, key)] for key in ("to", "cc", "bcc")},
        "last_event": "failed" if failed else None,
        "program": program.name,
        "version": program.version,
        "rule": plan.rule,
        "pinned": plan.pinned,
    }


_EMPTY: dict[str, Any] = {
    "step": None,
    "step_name": None,
    "date": None,
    "set_by_hand": False,
    "own_date": None,
    "moved_by": [],
    "changed": [],
    "provisional": False,
    "blocked": None,
    "instalment": None,
    "origin": None,
    "channel": None,
    "sender": None,
    "to": [],
    "cc": [],
    "bcc": [],
    "subject": None,
    "last_event": None,
    "last_event_at": None,
    "program": None,
    "version": None,
    "rule": None,
    "pinned": False,
    "message_key": None,
}
"""Every key of an item, in order."""
