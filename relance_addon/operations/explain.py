"""Explain one invoice: read it again on the host, decide as a run would, and say why in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from relance_addon.core import explain as words
from relance_addon.core import group
from relance_addon.core.errors import InputError
from relance_addon.core.model import Invoice
from relance_addon.core.words import LANGUAGES, Words
from relance_addon.operations import find, simulate
from relance_addon.operations.desk import Desk


def explain(desk: Desk, host: str, text: str, language: str | None = None) -> words.Explanation:
    """Why an invoice is reminded today or not, and what comes next, in French or English."""
    desk.open_journal()
    spoken = language_of(desk, language)
    invoice = find.invoice(desk, host, text)
    with closing(desk.connector(host)) as connector:
        now = connector.read([invoice.id], desk.today)
    invoice = next((one for one in now.invoices if one.id == invoice.id), replace(invoice, status="cancelled"))
    state = simulate.load(desk, host)
    clients = {**state.clients, **{client.id: client for client in now.clients}}
    invoices = [one for one in state.invoices if one.id != invoice.id] + [invoice]
    outcome = group.decide(invoices, clients, state.book, state.history, desk.today, desk.policy)
    made = words.explain(invoice.id, outcome, clients, state.book, state.history, desk.today, desk.policy, spoken)
    return replace(made, lines=(*made.lines, *_reasons_of_holds(desk, host, invoice), *_switch(state, spoken)))


def _reasons_of_holds(desk: Desk, host: str, invoice: Invoice) -> Iterator[str]:
    """What was written beside the holds that were put here."""
    from relance_addon.journal import holds

    for hold in holds.in_force(host, desk.today):
        if invoice.id == hold.invoice or invoice.client == hold.client:
            yield f"{hold.kind}: {hold.reason}"


def _switch(state: simulate.State, language: str) -> Iterator[str]:
    if not state.activated:
        yield f"{Words(language).reason('inactive').capitalize()}."


def language_of(desk: Desk, asked: str | None) -> str:
    """The language asked for, or the company's. Raises InputError for one that nothing is said in."""
    if asked is not None and asked not in LANGUAGES:
        raise InputError(f"--language: {asked!r} is none of {', '.join(LANGUAGES)}")
    return asked or desk.config.file.relance.language
