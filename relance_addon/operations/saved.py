"""Saved simulations: whether one may be run, and what of it still leaves as it was approved."""

from __future__ import annotations

from dataclasses import replace

from relance_addon.core import approval, group
from relance_addon.core.decide import SETTLED
from relance_addon.core.errors import InputError
from relance_addon.core.records import Saved
from relance_addon.hosts.port import Connector
from relance_addon.operations import reread, simulate
from relance_addon.operations.desk import Desk


def find(desk: Desk, host: str, number: int) -> Saved:
    """A saved simulation that may be run today. Raises InputError for any other, saying why."""
    from relance_addon.journal import simulations

    saved, again = simulations.one(number), f"'relance simulate {host} --save' makes another one"
    if saved is None:
        raise InputError(f"--simulation {number}: there is none of that number; {again}")
    if saved.host != host:
        raise InputError(f"--simulation {number}: is one of {saved.host}, not of {host}")
    if saved.run is not None and saved.ran_at is not None:
        at = saved.ran_at.astimezone(desk.config.zone)
        raise InputError(f"--simulation {number}: was run already, on {at:%Y-%m-%d at %H:%M}, by run {saved.run}")
    age, most = (desk.today - saved.day).days, desk.config.file.limits.simulation_days
    if age < 0:
        raise InputError(f"--simulation {number}: is dated {saved.day}, which is after {desk.today}")
    if age > most:
        raise InputError(
            f"--simulation {number}: is {age} days old, of {saved.day}, and limits.simulation_days is {most}; {again}"
        )
    return saved


def narrow(
    desk: Desk, host: str, connector: Connector, state: simulate.State, saved: Saved
) -> tuple[simulate.State, approval.Kept]:
    """Decide as a run does, but for the messages of a saved simulation alone.

    The state then has the approved invoices that are no longer owed too, as they are on the host.
    """
    state = _with_settled(desk, connector, state, saved)

    def decide(only: approval.Only) -> group.Outcome:
        return group.decide(
            state.invoices, state.clients, state.book, state.history, desk.today, desk.policy, state.activated, only
        )

    others = f"not in simulation {saved.number}"
    kept = approval.keep(saved.messages, state.history, decide, others, _rewritten(desk, saved))
    decisions = kept.outcome.decisions
    decisions[:] = [one for one in decisions if one.reason not in SETTLED or one.invoice.id in kept.dropped]
    simulate.say_problems(desk, host, connector, decisions)
    return state, kept


def _rewritten(desk: Desk, saved: Saved) -> dict[int, str]:
    """The messages, by number, whose texts are not made of what they were made of when they were saved."""
    from relance_addon.mail.fingerprint import fingerprints

    now = fingerprints(desk.renderer, saved.messages)
    return {number: "its text was changed" for number, text in saved.texts.items() if text != now[number]}


def _with_settled(desk: Desk, connector: Connector, state: simulate.State, saved: Saved) -> simulate.State:
    owed = {invoice.id for invoice in state.invoices}
    gone = [one.invoice for message in saved.messages for one in message.decisions if one.invoice.id not in owed]
    if not gone:
        return state
    page = reread.read(connector, [invoice.id for invoice in gone], desk.today)
    there = {invoice.id: invoice for invoice in page.invoices}
    now = [there.get(invoice.id) or replace(invoice, status="cancelled") for invoice in gone]
    return replace(state, owed=simulate.owed_by_client([*state.invoices, *now])).with_clients(page.clients)
