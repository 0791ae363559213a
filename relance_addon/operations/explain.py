"""Explain one invoice: read it again on the host, decide as a run would, and say why in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from relance_addon.core import explain as words
from relance_addon.core.errors import InputError
from relance_addon.core.model import Invoice
from relance_addon.core.words import LANGUAGES, Words
from relance_addon.hosts.port import Connector
from relance_addon.operations import find, look, promises, reread, simulate
from relance_addon.operations.desk import Desk


def explain(desk: Desk, host: str, text: str, language: str | None = None) -> words.Explanation:
    """Why an invoice is reminded today or not, and what comes next, in French or English."""
    desk.open_journal()
    spoken = language_of(desk, language)
    invoice = find.invoice(desk, host, text)
    with closing(desk.connector(host)) as connector:
        seen = look.look(desk, host, connector, invoice)
        _look_at_promises(desk, host, connector, seen)
        outcome, decision = look.decide(desk, seen)
        simulate.say_unusable(desk, connector, [decision])
    state = seen.state
    made = words.explain(invoice.id, outcome, state.clients, state.book, state.history, desk.today, desk.policy, spoken)
    return replace(made, lines=(*made.lines, *beside(desk, host, seen, spoken)))


def beside(desk: Desk, host: str, seen: look.Look, language: str) -> Iterator[str]:
    """What the journal has to add about an invoice: the holds that were put here, the switch."""
    yield from _holds(desk, host, seen.invoice, language)
    yield from _switch(seen.state, language)


def _look_at_promises(desk: Desk, host: str, connector: Connector, seen: look.Look) -> None:
    """Promises of the invoice or its client whose day has passed: the client's invoices are read again for it."""
    invoice, state = seen.invoice, seen.state
    found = [one for one in promises.pending(desk, host) if invoice.id == one.invoice or invoice.client == one.client]
    if found:
        ids = {invoice.id, *(one.id for one in state.owed.get(invoice.client, ()))}
        theirs = reread.read(connector, sorted(ids), desk.today).invoices
        promises.judge(desk, host, found, {invoice.client: theirs}, state.clients)


def _holds(desk: Desk, host: str, invoice: Invoice, language: str) -> Iterator[str]:
    """What was written beside the holds that were put here, and the promises that were not kept."""
    from relance_addon.journal import holds

    say = Words(language)
    for hold in holds.of(host, invoice.client, invoice.id):
        line = words.hold(say, hold, desk.today)
        if line and hold.lifted_at is None:
            yield line


def _switch(state: simulate.State, language: str) -> Iterator[str]:
    if not state.activated:
        yield f"{Words(language).reason('inactive').capitalize()}."


def language_of(desk: Desk, asked: str | None) -> str:
    """The language asked for, or the company's. Raises InputError for one that nothing is said in."""
    if asked is not None and asked not in LANGUAGES:
        raise InputError(f"--language: {asked!r} is none of {', '.join(LANGUAGES)}")
    return asked or desk.config.file.relance.language
