"""Explain one invoice: read it again on the host, decide as a run would, and say why in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from relance_addon.core import explain as words
from relance_addon.core.errors import InputError
from relance_addon.core.model import Invoice
from relance_addon.core.words import LANGUAGES, Words
from relance_addon.operations import find, look, simulate
from relance_addon.operations.desk import Desk


def explain(desk: Desk, host: str, text: str, language: str | None = None) -> words.Explanation:
    """Why an invoice is reminded today or not, and what comes next, in French or English."""
    desk.open_journal()
    spoken = language_of(desk, language)
    invoice = find.invoice(desk, host, text)
    with closing(desk.connector(host)) as connector:
        seen = look.look(desk, host, connector, invoice)
    state, (outcome, _) = seen.state, look.decide(desk, seen)
    made = words.explain(invoice.id, outcome, state.clients, state.book, state.history, desk.today, desk.policy, spoken)
    return replace(made, lines=(*made.lines, *beside(desk, host, seen, spoken)))


def beside(desk: Desk, host: str, seen: look.Look, language: str) -> Iterator[str]:
    """What the journal has to add about an invoice: the reasons of holds that were put here, the switch."""
    yield from _reasons_of_holds(desk, host, seen.invoice)
    yield from _switch(seen.state, language)


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
