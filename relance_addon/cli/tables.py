"""Simulations and runs as tables for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from relance_addon.cli import show
from relance_addon.core.amounts import amount
from relance_addon.core.decide import REASONS, Decision
from relance_addon.core.group import Message
from relance_addon.operations.desk import Desk
from relance_addon.operations.run import Ran
from relance_addon.operations.simulate import Simulation

MOST = 200
"""The most invoices listed one by one as not reminded; the rest are counted."""


def simulation(desk: Desk, host: str, made: Simulation) -> None:
    """Messages that would leave, invoices that would not be reminded and why, totals."""
    decisions, messages = made.outcome.decisions, made.outcome.messages
    _head(desk, host, made.state.activated)
    if messages:
        rows = [_message_row(message, subject) for message, subject in zip(messages, made.subjects, strict=True)]
        show.table(("#", "client", "step", "invoices", "total", "to", "subject"), rows, ("#", "total"))
        show.write("")
    _others(desk, decisions)
    _totals(decisions, messages, "would leave")
    if made.number is not None:
        show.write(f"saved as simulation {made.number}: relance run {host} --simulation {made.number} sends it")


def run(desk: Desk, host: str, ran: Ran) -> None:
    """Messages and what became of each, invoices not reminded and why, totals."""
    _head(desk, host, ran.state.activated)
    if ran.results:
        rows = [
            (*_message_row(result.message, result.subject), result.state, result.error, result.key)
            for result in ran.results
        ]
        headers = ("#", "client", "step", "invoices", "total", "to", "subject", "state", "error", "key")
        show.table(headers, rows, ("#", "total"))
        show.write("")
    _others(desk, ran.decisions)
    states = Counter(result.state for result in ran.results)
    _totals(ran.decisions, [result.message for result in ran.results], "decided")
    if states:
        show.write("messages: " + ", ".join(f"{count} {state}" for state, count in states.items()))


def _head(desk: Desk, host: str, activated: bool) -> None:
    show.write(f"{host}, {desk.today}{'' if activated else ' (automatic reminders are off)'}\n")


def _message_row(message: Message, subject: str) -> tuple[str, ...]:
    numbers = ", ".join(one.invoice.number for one in message.decisions)
    total = " + ".join(f"{amount(value, currency)} {currency}" for currency, value in message.totals.items())
    to = ", ".join(str(one) for one in message.people.to) if message.step.channel == "mail" else "(activity)"
    step = f"{message.step_number} {message.step.name}"
    return str(message.number), message.client.name, step, numbers, total, to, subject


def _others(desk: Desk, decisions: Sequence[Decision]) -> None:
    """What is not reminded, the reasons that someone may want to look into first."""
    others = [one for one in decisions if one.verdict != "send"]
    if not others:
        return
    order = list(REASONS)
    plain = {"not_due_yet", "completed"}
    shown = sorted(others, key=lambda one: (one.reason in plain, order.index(one.reason)))[:MOST]
    listed = {id(one) for one in shown}
    rows = [_decision_row(one, desk) for one in others if id(one) in listed]
    headers = ("client", "invoice", "due", "days late", "residual", "", "next step", "on", "decision", "reason")
    show.table(headers, rows, ("days late", "residual"))
    if len(others) > len(shown):
        rest = Counter(one.reason for one in others if id(one) not in listed)
        counts = ", ".join(f"{count} {reason}" for reason, count in rest.items())
        show.write(f"… and {len(others) - len(shown)} more: {counts} (--format json shows them all)")
    show.write("")


def _decision_row(one: Decision, desk: Desk) -> tuple[object, ...]:
    invoice = one.invoice
    step = one.program.steps[one.step - 1].name if one.program and one.step else ""
    return (
        one.client.name if one.client else invoice.client,
        invoice.number,
        one.due or "",
        (desk.today - one.due).days if one.due else "",
        amount(one.residual, invoice.currency),
        invoice.currency,
        step,
        one.date or "",
        one.verdict,
        f"{one.reason} ({one.detail})" if one.detail else one.reason,
    )


def _totals(decisions: Sequence[Decision], messages: Sequence[Message], what: str) -> None:
    verdicts = Counter(one.verdict for one in decisions)
    show.write(
        f"{show.count(verdicts['send'], 'invoice')} in {show.count(len(messages), 'message')} {what}; "
        f"waiting: {verdicts['wait']}, skipped: {verdicts['skip']}"
    )
