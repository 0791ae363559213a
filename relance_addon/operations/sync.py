"""Pull: what changed on the host is stored page by page; a pull that breaks off loses nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from relance_addon.core.errors import Busy, InputError
from relance_addon.core.model import NO_PROGRAM, OWED, Invoice
from relance_addon.hosts.port import Connector
from relance_addon.operations.desk import Desk


@dataclass(frozen=True, slots=True)
class Pulled:
    """How many invoices and clients came, how many rows of the journal changed, and how many problems there were."""

    invoices: int
    clients: int
    changed: int
    problems: int


def sync(desk: Desk, host: str, full: bool = False) -> Pulled:
    """Pull a host by itself, under the lock of its runs."""
    desk.open_journal()
    from relance_addon.journal import database

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        refuse_earlier(desk, host)
        return pull(desk, host, connector, full)[0]


def freshen(desk: Desk, host: str) -> None:
    """Pull a host, unless another run is at it: what was pulled last does then."""
    try:
        sync(desk, host)
    except Busy as busy:
        desk.say(f"{busy}: as last pulled")


def pull(desk: Desk, host: str, connector: Connector, full: bool = False) -> tuple[Pulled, Sequence[Invoice] | None]:
    """Store what changed since the last pull, all of it where ``full``. The host's lock is held by the caller.

    Beside the counts: the invoices still owed, where the host gave them all; None where the journal has to be asked.
    """
    from relance_addon.journal import hosts, ledger

    known = hosts.state(host)
    fingerprint = _fingerprint(desk, host)
    cursor = "" if full or known.settings != fingerprint else known.cursor
    pulled = connector.pull(cursor, desk.today)
    seen: set[str] = set()
    owed: dict[str, Invoice] = {}
    counts = [0, 0, 0, 0]
    reached = ""
    for page in pulled.pages:
        for problem in page.problems:
            desk.report(problem)
        with ledger.pulling():
            counts[2] += ledger.store(host, page.invoices, page.clients)
            ledger.gone(host, page.gone)
        counts[0] += len(page.invoices)
        counts[1] += len(page.clients)
        counts[3] += len(page.problems)
        reached = page.cursor or reached
        if pulled.full:
            seen.update(invoice.id for invoice in page.invoices)
            # the last word on an invoice counts, as in the journal
            owed.update((invoice.id, invoice) for invoice in page.invoices)
            for key in page.gone:
                owed.pop(key, None)
    with ledger.pulling():
        if pulled.full:
            ledger.keep_only(host, seen)
        if (reached, fingerprint) != (known.cursor, known.settings):
            hosts.pulled(host, reached, fingerprint)
    _say_unknown_programs(desk, host, connector)
    if not pulled.full:
        return Pulled(*counts), None
    return Pulled(*counts), [invoice for invoice in owed.values() if invoice.status in OWED]


def _say_unknown_programs(desk: Desk, host: str, connector: Connector) -> None:
    """The records that name a program which is not there, where the host still has them."""
    from relance_addon.journal import ledger, programs

    named = ledger.named_programs(host)
    if not named:
        return
    book = programs.book()
    unknown = {(kind, ref): name for kind, ref, name in named if name != NO_PROGRAM and book.get(name) is None}
    for kind in ("invoice", "client"):
        refs = [ref for of, ref in unknown if of == kind]
        places = connector.locate(kind, refs) if refs else {}
        for ref in refs:
            if ref in places:
                desk.report(f"{places[ref]}: {book.unknown(unknown[kind, ref])}")


def refuse_earlier(desk: Desk, host: str) -> None:
    """Raises InputError for a day before the host's last run: what was sent since cannot be undone."""
    from relance_addon.journal import hosts

    last = hosts.state(host).last_run
    if last is not None and desk.today < last:
        raise InputError(
            f"{desk.today} is before the last run of {host}, which is dated {last}; use that day or a later one"
        )


def _fingerprint(desk: Desk, host: str) -> str:
    """Changes whenever what is pulled could read differently: settings, mapping, currency."""
    facts: Any = [desk.config.host(host), desk.config.file.relance.currency]
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()
