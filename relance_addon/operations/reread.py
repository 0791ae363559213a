"""Read again: what a batch of messages is about, as it is on the host just before they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from relance_addon.core import approval, group
from relance_addon.core.decide import Decision
from relance_addon.core.group import Message
from relance_addon.core.model import Client, Invoice
from relance_addon.hosts.port import READ, Connector, Page
from relance_addon.operations.desk import Desk
from relance_addon.operations.simulate import State


class Again(NamedTuple):
    """What a second look made of a batch.

    ``kept`` are the messages still to send, each beside the one it was (usually itself; a message may fall apart),
    ``dropped`` the messages of which nothing is left and why, ``decisions`` those that were made anew, by invoice id.
    """

    kept: list[tuple[Message, Message]]
    dropped: list[tuple[Message, str]]
    decisions: dict[str, Decision]


def reread(
    desk: Desk, host: str, connector: Connector, state: State, batch: Sequence[Message], approved: bool = False
) -> Again:
    """Look at a batch's invoices, holds and the switch again. What is no longer due leaves its message, and is said.

    Of messages that a person ``approved``, what would leave otherwise than it was approved does not leave either.
    """
    from relance_addon.journal import history, hosts

    page = read(connector, [one.invoice.id for message in batch for one in message.decisions], desk.today)
    for problem in page.problems:
        desk.report(problem)
    now = replace(
        state.with_clients(page.clients),
        history=history.with_holds(state.history, host, desk.today),
        activated=hosts.state(host).activated,
    )
    fresh = {invoice.id: invoice for invoice in page.invoices}
    again = Again([], [], {})
    for message in batch:
        if now.activated and now.history is state.history and _unchanged(now, message, fresh):
            again.kept.append((message, message))
        else:
            _reconsider(desk, now, message, fresh, again, approved)
    return again


def read(connector: Connector, ids: Sequence[str], today: date) -> Page:
    """Those invoices and their clients as they are now, however many."""
    pages = [connector.read(ids[start : start + READ], today) for start in range(0, len(ids), READ)]
    return Page(
        [invoice for page in pages for invoice in page.invoices],
        [client for page in pages for client in page.clients],
        [problem for page in pages for problem in page.problems],
    )


def _unchanged(now: State, message: Message, fresh: Mapping[str, Invoice]) -> bool:
    return now.clients.get(message.client.id) == message.client and all(
        fresh.get(one.invoice.id) == one.invoice for one in message.decisions
    )


def _reconsider(
    desk: Desk, now: State, message: Message, fresh: Mapping[str, Invoice], again: Again, approved: bool
) -> None:
    """Decide again for the message's client; what is due as before goes, in a message of these invoices alone."""
    before = {one.invoice.id: one for one in message.decisions}
    known: dict[str, Client] = dict(now.clients)
    invoices = [
        fresh.get(one.id) or (replace(one, status="cancelled") if one.id in before else one)
        for one in now.owed[message.client.id]
    ]

    def decide(only: approval.Only) -> group.Outcome:
        policy = replace(desk.policy, per_run=None)
        return group.decide(invoices, known, now.book, now.history, desk.today, policy, now.activated, only)

    left = approval.keep([message], now.history, decide, "") if approved else _as_due(before, decide)
    made = {one.invoice.id: one for one in left.outcome.decisions if one.invoice.id in before}
    told = [f"{before[key].invoice.number}: {why}" for key, why in left.dropped.items()]
    for line in told:
        desk.say(f"changed meanwhile: {line}")
    again.decisions.update(made)
    again.kept.extend((message, one) for one in left.outcome.messages)
    if not left.outcome.messages:
        again.dropped.append((message, "; ".join(told)))


def _as_due(before: Mapping[str, Decision], decide: approval.Decide) -> approval.Kept:
    """What is due as before, whatever is asked for by now and whoever is written to."""
    alone = {one.invoice.id: one for one in decide(()).decisions}
    same = [key for key, one in before.items() if alone[key].reason == "due" and _same_step(alone[key], one)]
    outcome = decide(same)
    for index, one in enumerate(outcome.decisions):
        if one.reason == "due" and one.invoice.id in before and one.invoice.id not in same:
            # due for another step than the one decided: left to the next run
            outcome.decisions[index] = one._replace(reason="not_due_yet")
    made = {one.invoice.id: one for one in outcome.decisions}
    return approval.Kept(outcome, {key: made[key].reason for key in before if made[key].verdict != "send"})


def _same_step(one: Decision, other: Decision) -> bool:
    return (one.program, one.step, one.cycle) == (other.program, other.step, other.cycle)
