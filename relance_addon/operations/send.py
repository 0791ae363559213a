"""A reminder by hand: composed and shown, then read again on the host, claimed, posted and recorded like any other."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from relance_addon.core.decide import status_reason
from relance_addon.core.errors import InputError
from relance_addon.core.group import Message
from relance_addon.core.model import Reminder
from relance_addon.core.outgoing import Outgoing
from relance_addon.core.records import Settled
from relance_addon.core.schedule import parts
from relance_addon.operations import by_hand, compose, find, simulate, sync
from relance_addon.operations.by_hand import Request
from relance_addon.operations.desk import Desk
from relance_addon.operations.post import deliver


@dataclass(frozen=True, slots=True)
class Ready:
    """A message as it will leave. ``earlier`` are the reminders of its invoices by then, by invoice id.

    ``held`` are the holds in spite of which it leaves: the reason that is kept is about these.
    """

    request: Request
    message: Message
    outgoing: Outgoing
    earlier: dict[str, tuple[Reminder, ...]]
    held: tuple[str, ...]


def prepare(desk: Desk, host: str, request: Request) -> Ready:
    """Compose what was asked for, from the invoices as they are on the host now. Nothing is claimed or sent.

    Raises InputError with a line for each thing that speaks against it.
    """
    desk.config.host(host)
    by_hand.check(desk, request)
    desk.open_journal()
    ids = _overdue(desk, host, request.client) if request.client else _named(desk, host, request.invoices)
    with closing(desk.connector(host)) as connector:
        sync.refuse_earlier(desk, host)
        plan = by_hand.plan(desk, host, connector, ids, request)
        reason = (request.override or "").strip() if plan.held else ""
        ((outgoing, error),) = compose.compose(
            desk, host, connector, plan.state, [plan.message], origin="manual", reason=reason
        )
    if error:
        raise InputError(f"{_numbers(plan.message)}: {error}")
    _warn(desk, plan)
    return Ready(request, plan.message, outgoing, plan.earlier, plan.held)


def send(desk: Desk, host: str, ready: Ready) -> Settled:
    """Send exactly what was prepared, after a second look at the host.

    Raises InputError, nothing having left, when anything that the message is made of has changed meanwhile.
    """
    from relance_addon.journal import claims, database

    message = ready.message
    with closing(desk.connector(host)) as connector, database.run_lock(host), database.journal_errors():
        sync.refuse_earlier(desk, host)
        ids = [one.invoice.id for one in message.decisions]
        now = by_hand.plan(desk, host, connector, ids, ready.request)
        if (now.message, now.earlier) != (message, ready.earlier):
            raise InputError(f"{_numbers(message)}: changed on {host} since the message was made; nothing left")
        if now.held != ready.held:
            holds = "; ".join(now.held) or "none any more"
            raise InputError(f"{_numbers(message)}: its holds have changed since ({holds}); nothing left")
        simulate.pin(host, now.state, message.decisions)
        if claims.claim(host, None, [ready.outgoing]):
            raise InputError(f"{_numbers(message)}: claimed by somebody else meanwhile; nothing left")
        return deliver(desk, host, connector, ready.outgoing)


def write_preview(desk: Desk, host: str, ready: Ready, path: Path) -> None:
    """Write the message as it would leave: its exact MIME, or, for ``.html``, its HTML below sender and recipients."""
    content = ready.outgoing.mime
    if path.suffix.lower() == ".html":
        with closing(desk.connector(host)) as connector:
            links = simulate.payment_links(connector, [ready.message])
        content = desk.renderer.render(ready.message, desk.today, links, preview=True).html.encode()
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def _named(desk: Desk, host: str, invoices: Sequence[str]) -> list[str]:
    if not invoices:
        raise InputError("--invoice is missing: name an invoice, or a client with --client")
    return list(dict.fromkeys(find.invoice(desk, host, text).id for text in invoices))


def _overdue(desk: Desk, host: str, text: str) -> list[str]:
    """The ids of the overdue open invoices of a client."""
    from relance_addon.journal import ledger

    sync.freshen(desk, host)
    client = find.client(desk, host, text)
    mine = [one for one in ledger.invoices(host) if one.client == client.id and not one.invalid]
    found = [one.id for one in mine if not status_reason(one) and parts(one, desk.today)[0].due < desk.today]
    if not found:
        raise InputError(f"client {client.id} has no overdue invoice on {host}")
    return found


def _warn(desk: Desk, plan: by_hand.Plan) -> None:
    """Say what a person may not have seen, and can still think over."""
    left_out, typed = plan.bounced
    for email in left_out:
        desk.say(f"{email} bounced for good: left out")
    for email in typed:
        desk.say(f"{email} bounced for good: written to all the same, because it was named")
    for one in plan.message.decisions:
        if any(reminder.day == desk.today for reminder in plan.earlier[one.invoice.id]):
            desk.say(f"{one.invoice.number}: a reminder of it left today already")


def _numbers(message: Message) -> str:
    return ", ".join(one.invoice.number for one in message.decisions)
