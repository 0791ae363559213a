"""Look at one invoice as it is on the host now, beside all that the journal knows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from relance_addon.core import group
from relance_addon.core.decide import Decision
from relance_addon.core.model import Invoice
from relance_addon.hosts.port import Connector
from relance_addon.operations import simulate
from relance_addon.operations.desk import Desk


@dataclass(frozen=True, slots=True)
class Look:
    """An invoice, and the state of its host with what was read in place."""

    invoice: Invoice
    state: simulate.State


def look(desk: Desk, host: str, connector: Connector, invoice: Invoice) -> Look:
    """Read an invoice and its client again; one that the host no longer has counts as cancelled."""
    page = connector.read([invoice.id], desk.today)
    now = next((one for one in page.invoices if one.id == invoice.id), replace(invoice, status="cancelled"))
    state = simulate.load(desk, host)
    owed = {key: [one for one in found if one.id != now.id] for key, found in state.owed.items()}
    owed[now.client] = [*owed.get(now.client, ()), now]
    return Look(now, replace(state, owed=owed).with_clients(page.clients))


def decide(desk: Desk, seen: Look) -> tuple[group.Outcome, Decision]:
    """What would be done today with all of the host's invoices, and with this one."""
    state = seen.state
    outcome = group.decide(state.invoices, state.clients, state.book, state.history, desk.today, desk.policy)
    return outcome, next(one for one in outcome.decisions if one.invoice.id == seen.invoice.id)
