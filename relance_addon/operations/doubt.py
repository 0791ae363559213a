"""Messages in doubt: list them, say that one left, or send the same one again now."""

from __future__ import annotations

from contextlib import closing

from relance_addon.core.errors import InputError
from relance_addon.core.model import OWED
from relance_addon.core.records import Settled, Stored
from relance_addon.hosts.port import Connector
from relance_addon.operations import sync
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
        stored = _one(host, key)
        claims.settle(host, [Settled(stored.mark.key, "sent")], desk.now())
    return stored


def send_again(desk: Desk, host: str, key: str) -> Settled:
    """Send exactly the same message again, now: one in doubt, or one that failed.

    From then on it is dated today. Raises InputError when one of its invoices is no longer open.
    """
    desk.open_journal()
    from relance_addon.journal import claims, database

    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        stored = _one(host, key)
        _refuse_settled(desk, host, connector, stored)
        if not claims.claim_again(host, key, desk.today, desk.now()):
            raise InputError(f"another reminder of {', '.join(stored.numbers)} left today; send this one tomorrow")
        outgoing = claims.outgoing(host, key)
        connector.release([outgoing])
        return deliver(desk, host, connector, outgoing)


def _refuse_settled(desk: Desk, host: str, connector: Connector, stored: Stored) -> None:
    ids = list(stored.mark.invoices)
    now = {invoice.id: invoice for invoice in read(connector, ids, desk.today).invoices}
    for key, number in zip(ids, stored.numbers, strict=True):
        one = now.get(key)
        if one is None or one.invalid or one.status not in OWED - {"draft", "disputed"} or one.residual <= 0:
            status = "gone" if one is None else "paid" if one.status == "open" else one.status
            raise InputError(f"{number} is {status} on {host}: not sent again; settle it with --sent {stored.mark.key}")


def _one(host: str, key: str) -> Stored:
    from relance_addon.journal import claims

    found = [one for one in claims.uncertain(host, (*claims.UNCERTAIN, "failed")) if one.mark.key == key]
    if not found:
        raise InputError(f"no message {key!r} in doubt on {host}; 'relance doubt {host}' lists them")
    if found[0].state == "failed" and not claims.mime(host, key):
        raise InputError(f"{key} was never written: {found[0].error}")
    return found[0]
