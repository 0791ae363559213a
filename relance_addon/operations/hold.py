"""Holds by hand: put, lift, list."""

from __future__ import annotations

from datetime import date

from relance_addon.core.errors import InputError
from relance_addon.core.records import Hold
from relance_addon.operations import find
from relance_addon.operations.desk import Desk


def put(desk: Desk, host: str, client: str, invoice: str, until: date | None, kind: str, reason: str) -> Hold:
    """Hold a client or an invoice, up to and including ``until`` (None: for good)."""
    if not reason.strip():
        raise InputError("--reason is missing: say why, for whoever finds the hold later")
    if until is not None and until < desk.today:
        raise InputError(f"--until {until} is over already")
    ids = _ids(desk, host, client, invoice)
    from relance_addon.journal import holds

    hold = Hold(*ids, kind, until, reason.strip(), desk.now())
    holds.put(host, hold)
    return hold


def lift(desk: Desk, host: str, client: str, invoice: str) -> int:
    """End the hold of a client or an invoice. Raises InputError when there is none in the journal."""
    ids = _ids(desk, host, client, invoice)
    from relance_addon.journal import holds

    count = holds.lift(host, *ids, desk.now())
    if not count:
        raise InputError(f"no hold of {client or invoice} to lift; one that the host has is lifted there")
    return count


def listed(desk: Desk, host: str) -> list[Hold]:
    """The holds in force."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import holds

    return holds.in_force(host, desk.today)


def _ids(desk: Desk, host: str, client: str, invoice: str) -> tuple[str, str]:
    desk.config.host(host)
    desk.open_journal()
    if client:
        return find.client(desk, host, client).id, ""
    return "", find.invoice(desk, host, invoice).id
