"""Explain one invoice: read it again on the host, decide as a run would, and say why in words."""

from __future__ import annotations

from dataclasses import replace

from relance_addon.core import explain as words
from relance_addon.core import group
from relance_addon.operations import find, simulate
from relance_addon.operations.desk import Desk


def explain(desk: Desk, host: str, text: str, language: str | None = None) -> words.Explanation:
    """Why an invoice is reminded today or not, and what comes next, in French or English."""
    connector = desk.connector(host)
    desk.open_journal()
    invoice = find.invoice(desk, host, text)
    now = connector.read([invoice.id], desk.today)
    invoice = next((one for one in now.invoices if one.id == invoice.id), replace(invoice, status="cancelled"))
    state = simulate.load(desk, host)
    clients = {**state.clients, **{client.id: client for client in now.clients}}
    invoices = [one for one in state.invoices if one.id != invoice.id] + [invoice]
    outcome = group.decide(invoices, clients, state.book, state.history, desk.today, desk.policy)
    spoken = language or desk.config.file.relance.language
    return words.explain(invoice.id, outcome, clients, state.book, state.history, desk.today, desk.policy, spoken)
