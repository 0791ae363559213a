"""Holds by hand: put, lift, list. A pause, a dispute, or a promise to pay, which ends by itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from relance_addon.core.errors import InputError
from relance_addon.core.promise import due_by
from relance_addon.core.records import Hold
from relance_addon.operations import find, sync
from relance_addon.operations.desk import Desk


def put(
    desk: Desk, host: str, client: str, invoice: str, until: date | None, kind: str, reason: str, amount: str = ""
) -> Hold:
    """Hold a client or an invoice, up to and including ``until`` (None: for good).

    ``amount`` is what was promised, ``120.50`` or ``120.50 USD``; empty for all that is due by then.
    """
    if not reason.strip():
        raise InputError("--reason is missing: say why, for whoever finds the hold later")
    if until is not None and until < desk.today:
        raise InputError(f"--until {until} is over already")
    if kind == "promise" and until is None:
        raise InputError("--until is missing: a promise is made for a day")
    if amount and kind != "promise":
        raise InputError("--amount goes with --kind promise only")
    promised, currency = _amount(amount) if amount else (None, "")
    ids = _ids(desk, host, client, invoice)
    sync.refuse_earlier(desk, host)
    from relance_addon.journal import holds, ledger

    owed = None
    if until is not None and promised is not None:
        concerned = [one for one in ledger.invoices(host) if ids in ((one.client, ""), ("", one.id))]
        own = next((one.currency for one in concerned), "") if ids[1] else ""
        if own and currency not in ("", own):
            raise InputError(f"--amount {amount}: {invoice} is in {own}")
        currency = currency or own or desk.config.file.relance.currency
        owed = due_by(concerned, until, early=bool(ids[1])).get(currency, Decimal())
    hold = Hold(*ids, kind, until, reason.strip(), desk.now(), promised, currency, owed)
    holds.put(host, hold)
    return hold


def _amount(text: str) -> tuple[Decimal, str]:
    number, _, currency = text.strip().partition(" ")
    currency = currency.strip()
    try:
        value = Decimal(number)
    except InvalidOperation:
        value = Decimal()
    if not value.is_finite() or value <= 0 or (currency and not (len(currency) == 3 and currency.isupper())):
        raise InputError(f"--amount {text!r} is no amount such as 120.50, or 120.50 USD")
    return value, currency


def lift(desk: Desk, host: str, client: str, invoice: str) -> int:
    """End the hold of a client or an invoice. Raises InputError when there is none in the journal."""
    ids = _ids(desk, host, client, invoice)
    sync.refuse_earlier(desk, host)
    from relance_addon.journal import holds

    count = holds.lift(host, *ids, desk.now())
    if not count:
        raise InputError(f"no hold of {client or invoice} to lift; one that the host has is lifted there")
    return count


def listed(desk: Desk, host: str, every: bool = False) -> list[Hold]:
    """The holds in force; ``every``: those that ended too."""
    desk.config.host(host)
    desk.open_journal()
    from relance_addon.journal import holds

    return holds.every(host) if every else holds.in_force(host, desk.today)


def _ids(desk: Desk, host: str, client: str, invoice: str) -> tuple[str, str]:
    desk.config.host(host)
    desk.open_journal()
    if client:
        return find.client(desk, host, client).id, ""
    return "", find.invoice(desk, host, invoice).id


def item(desk: Desk, one: Hold) -> dict[str, str | None]:
    """A hold as plain data, its times in the company's time zone."""
    from relance_addon.core.amounts import amount

    times = {"made_at": one.made_at, "kept_at": one.kept_at, "broken_at": one.broken_at, "lifted_at": one.lifted_at}
    told = {
        key: at.astimezone(desk.config.zone).isoformat(timespec="seconds") if at else None for key, at in times.items()
    }
    return {
        "client": one.client or None,
        "invoice": one.invoice or None,
        "kind": one.kind,
        "until": one.until.isoformat() if one.until else None,
        "reason": one.reason,
        "amount": amount(one.amount, one.currency) if one.amount is not None else None,
        "currency": one.currency or None,
        **told,
    }
