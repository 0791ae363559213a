"""Messages in doubt: list them, say that one left, or send the same one again now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

from relance_addon.core import keys
from relance_addon.core.decide import Decider, status_reason, unusable
from relance_addon.core.errors import InputError
from relance_addon.core.model import Client, Invoice
from relance_addon.core.outgoing import Claim
from relance_addon.core.records import Settled, Stored
from relance_addon.core.schedule import parts
from relance_addon.core.words import Words
from relance_addon.hosts.port import Connector
from relance_addon.operations import by_hand, simulate, sync
from relance_addon.operations.desk import Desk
from relance_addon.operations.post import deliver
from relance_addon.operations.reread import read


def listed(desk: Desk, host: str) -> list[Stored]:
    """The messages whose outcome is not known, the oldest first."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import claims

    return claims.uncertain(host)


def settle_as_sent(desk: Desk, host: str, key: str) -> Stored:
    """Someone has seen that it left."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import claims, database

    with database.run_lock(host), database.journal_errors():
        stored, _ = _one(host, key)
        claims.settle(host, [Settled(stored.mark.key, "sent")], desk.now())
    return stored


def send_again(desk: Desk, host: str, key: str, override: str | None = None) -> Settled:
    """Send exactly the same message again, now: one in doubt, or one that failed.

    From then on it is dated today; ``override`` says why it leaves in spite of a hold. Raises InputError with a line
    for each of its invoices that something speaks against.
    """
    by_hand.check_override(override)
    desk.open_journal()
    from relance_addon.journal import claims, database

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        stored, claimed = _one(host, key)
        held = _refuse(desk, host, connector, stored, claimed, override is not None)
        reason = (override or "").strip() if held else ""
        if not claims.claim_again(host, key, desk.today, desk.now(), reason):
            raise InputError(f"another reminder of {', '.join(stored.numbers)} left today; send this one tomorrow")
        outgoing = claims.outgoing(host, key)
        connector.release([outgoing])
        return deliver(desk, host, connector, outgoing)


def _refuse(
    desk: Desk, host: str, connector: Connector, stored: Stored, claimed: tuple[Claim, ...], override: bool
) -> bool:
    """Look at its invoices again; whether a hold is overridden. Raises InputError for what speaks against it."""
    page = read(connector, list(stored.mark.invoices), desk.today)
    state = simulate.load(desk, host, ()).with_clients(page.clients)
    # one in doubt does not stand in its own way
    history = state.history if stored.state == "failed" else replace(state.history, in_doubt=frozenset())
    decider = Decider(state.clients, state.book, history, desk.today)
    now = {invoice.id: invoice for invoice in page.invoices}
    wrong, held = [], False
    for one in claimed:
        invoice = now.get(one.invoice)
        client = state.clients.get(invoice.client) if invoice else None
        wrong += [
            f"{one.number} {why}: not sent again; settle it with --sent {stored.mark.key}"
            for why in _against(host, decider, one, invoice, client)
        ]
        hold = by_hand.hold_of(host, decider, invoice, client) if invoice and client else ""
        held = held or bool(hold)
        if hold and not override:
            wrong.append(f"{one.number}: {hold}; --override-hold REASON sends it again all the same")
    if wrong:
        raise InputError(*wrong)
    return held


def _against(
    host: str, decider: Decider, claim: Claim, invoice: Invoice | None, client: Client | None
) -> Iterator[str]:
    """What speaks against sending a message about an invoice again, holds apart."""
    if invoice is None:
        yield f"is gone on {host}"
        return
    why, status = unusable(invoice, client), status_reason(invoice)
    if why or client is None:
        yield f"cannot be used ({why})"
    elif status:
        yield f"is {Words('en').reason(status)} on {host}"
    elif claim.instalment not in {part.rank for part in parts(invoice, decider.today)}:
        yield f"has instalment {claim.instalment} paid on {host}"
    elif invoice.id in decider.history.in_doubt:
        yield "has another message in doubt"
    elif claim.step_name:
        yield from _elsewhere(decider, claim, invoice, client)


def _elsewhere(decider: Decider, claim: Claim, invoice: Invoice, client: Client) -> Iterator[str]:
    """A step of another cycle would take the invoice out of the one it is in, which would then begin anew."""
    following = decider.following(invoice, client)
    cycle = following[2] if following else None
    if cycle and cycle.sent and cycle.name != claim.cycle:
        last = cycle.sent[-1]
        yield f"is in another cycle, {last.step!r} of program {last.program!r} left on {last.day}"


def _one(host: str, key: str) -> tuple[Stored, tuple[Claim, ...]]:
    """A message that can be settled, and its claims: all that it was made of."""
    from relance_addon.journal import claims

    settled = claims.uncertain(host, (*claims.UNCERTAIN, "failed", "dropped"))
    found = [one for one in settled if one.mark.key == key]
    if not found:
        raise InputError(f"no message {key!r} in doubt on {host}; 'relance doubt {host}' lists them")
    claimed = claims.outgoing(host, key).claims
    if keys.message_key(one.key for one in claimed) != key:
        raise InputError(f"{key} failed, and its invoices were taken up by other messages since: 'relance log {host}'")
    if found[0].state == "failed" and not claims.mime(host, key):
        raise InputError(f"{key} was never written: {found[0].error}")
    return found[0], claimed
